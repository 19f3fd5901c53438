//! Data and helpers of unit tests.
#![allow(clippy::unwrap_used)]

use crate::feature_table::FeatureTable;
use stylegan_core::latent::StreamKey;

/// `n` rows of `f(column, z)` with standard normal `z`.
pub(crate) fn normals(seed: u64, n: usize, d: usize, f: impl Fn(usize, f64) -> f64) -> FeatureTable {
    let mut stream = StreamKey::new(seed, "test data", 0).stream(0, 0);
    FeatureTable::new((0..n * d).map(|i| f(i % d, stream.normal()) as f32).collect(), d).unwrap()
}

/// Runs `f` where rayon has one thread.
pub(crate) fn on_one_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(f)
}

use crate::Result;
use crate::features::{FeatureNetwork, PerceptualDistance};
use candle_core::{DType, Device, Tensor};
use stylegan_core::{Condition, ConditionSpec, Generator, GeneratorSpec, NoiseMode, SynthesisOptions};

/// `w = z`, picture = `w` scaled, one style number per pixel, plus noise that moves the whole
/// picture by `noise` times a number of its sample.
pub(crate) struct Linear {
    pub(crate) spec: GeneratorSpec,
    pub(crate) scale: f64,
    pub(crate) noise: f64,
    pub(crate) w_avg: Option<Tensor>,
}

impl Linear {
    pub(crate) fn new(h: usize, w: usize) -> Self {
        Self::with(3, h, w, ConditionSpec::None)
    }

    pub(crate) fn with(channels: usize, h: usize, w: usize, condition: ConditionSpec) -> Self {
        let values = channels * h * w;
        let spec = GeneratorSpec {
            z_dim: values,
            w_dim: values,
            num_ws: 1,
            img_size: [h, w],
            img_channels: channels,
            condition,
            max_lod: 0.,
            mapping: true,
        };
        Self { spec, scale: 1., noise: 0., w_avg: None }
    }
}

impl Generator for Linear {
    fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }
    fn w_avg(&self) -> Option<&Tensor> {
        self.w_avg.as_ref()
    }
    fn mapping(&self, z: &Tensor, _: Condition) -> stylegan_core::Result<Tensor> {
        Ok(z.clone())
    }
    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> stylegan_core::Result<Tensor> {
        let (n, [h, w]) = (ws.dim(0)?, self.spec.img_size);
        let images = (ws.reshape((n, self.spec.img_channels, h, w))? * self.scale)?;
        let NoiseMode::Random(keys) = options.noise else { return Ok(images) };
        let shift: Vec<f32> =
            keys.indices.iter().map(|i| (keys.key.stream(*i, 0).normal() * self.noise) as f32).collect();
        Ok(images.broadcast_add(&Tensor::from_vec(shift, (n, 1, 1, 1), &Device::Cpu)?)?)
    }
}

/// Features: the mean of each channel. Distance: mean squared difference of pixels.
pub(crate) struct Pixels;

impl FeatureNetwork for Pixels {
    fn name(&self) -> &str {
        "pixels"
    }
    fn hash(&self) -> &str {
        "none"
    }
    fn definition(&self) -> &str {
        "channel means"
    }
    fn dim(&self) -> usize {
        3
    }
    fn features(&self, images: &Tensor) -> Result<Tensor> {
        Ok(images.mean((2, 3))?)
    }
}

impl PerceptualDistance for Pixels {
    fn name(&self) -> &str {
        "pixels"
    }
    fn hash(&self) -> &str {
        "none"
    }
    fn definition(&self) -> &str {
        "mean squared difference"
    }
    fn distance(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        Ok((a.to_dtype(DType::F64)? - b.to_dtype(DType::F64)?)?.sqr()?.mean((1, 2, 3))?.to_dtype(DType::F32)?)
    }
    fn activations(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        Ok(vec![images.clone()])
    }
    fn between(&self, a: &[Tensor], b: &[Tensor]) -> Result<Tensor> {
        self.distance(&a[0], &b[0])
    }
}
