//! The multi-scale patch discriminator (Wang et al. 2018, section 3.2; Park et al. 2019, figure 13).

use super::discriminator_config::MultiscaleDiscriminatorConfig;
use crate::error::bad_argument;
use crate::layers::{Conv, ConvOptions, SemanticMap, instance_norm};
use crate::{Condition, ConditionSpec, Discriminator, DiscriminatorOutput, DiscriminatorSpec, Result, Scale};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use stylegan_kernels::{Activation, avg_pool2d};

/// Side of all kernels, and the zeros around their inputs.
const KERNEL: usize = 4;
const PADDING: usize = 2;
/// Bound of the channels.
const MOST: usize = 512;

/// Patch discriminators that see a map and a picture at several resolutions.
#[derive(Debug, Clone)]
pub struct MultiscaleDiscriminator {
    config: MultiscaleDiscriminatorConfig,
    spec: DiscriminatorSpec,
    scales: Vec<Patches>,
}

/// The discriminator of one scale.
#[derive(Debug, Clone)]
struct Patches {
    first: Conv,
    /// Instance normalisation and leaky ReLU follow each.
    hidden: Vec<Conv>,
    last: Conv,
}

impl MultiscaleDiscriminator {
    /// `discriminator_{i}.model0.0`, `.model{k}.0.0` and `.model{layers}.0` of `vb`.
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &MultiscaleDiscriminatorConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let scales = (0..config.scales)
            .map(|scale| Patches::new(config, vb.pp(format!("discriminator_{scale}"))))
            .collect::<Result<_>>()?;
        let spec = DiscriminatorSpec {
            img_size: config.img_size,
            img_channels: config.img_channels,
            condition: ConditionSpec::Map { channels: config.map_channels() },
            max_lod: 0.,
        };
        Ok(Self { config: config.clone(), spec, scales })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &MultiscaleDiscriminatorConfig {
        &self.config
    }
}

impl Discriminator for MultiscaleDiscriminator {
    fn spec(&self) -> &DiscriminatorSpec {
        &self.spec
    }

    fn forward(&self, img: &Tensor, condition: Condition, lod: f64) -> Result<DiscriminatorOutput> {
        let map = condition.map()?;
        if lod != 0. {
            bad_argument!("patch discriminators do not grow, so their only lod is 0, found {lod}")
        }
        let (n, c, h, w) = img.dims4()?;
        if c != self.config.img_channels || [h, w] != self.config.img_size {
            let [y, x] = self.config.img_size;
            bad_argument!("pictures have shape {:?}, expected [n, {}, {y}, {x}]", img.dims(), self.config.img_channels)
        }
        map.expect(Some(n), self.config.map_channels(), self.config.img_size)?;
        let (mut map, mut img) = (map.clone(), img.clone());
        let mut said = Vec::with_capacity(self.scales.len());
        for (i, scale) in self.scales.iter().enumerate() {
            if i > 0 {
                map = SemanticMap::Channels(halved(&map.tensor(img.dtype(), img.device())?)?);
                img = halved(&img)?;
            }
            said.push(scale.forward(&map, &img)?);
        }
        Ok(DiscriminatorOutput { scales: said, classes: None })
    }
}

impl Patches {
    fn new(config: &MultiscaleDiscriminatorConfig, vb: VarBuilder) -> Result<Self> {
        let options = |inputs, outputs, stride| ConvOptions {
            stride,
            padding: PADDING,
            init: config.init,
            ..ConvOptions::same(inputs, outputs, KERNEL)
        };
        let first = options(config.map_channels() + config.img_channels, config.channels, 2);
        let mut hidden = Vec::new();
        let mut inputs = config.channels;
        for layer in 1..config.layers {
            let (outputs, vb) = ((inputs * 2).min(MOST), vb.pp(format!("model{layer}.0")));
            let stride = if layer + 1 == config.layers { 1 } else { 2 };
            let options = ConvOptions { bias: false, spectral: config.spectral, ..options(inputs, outputs, stride) };
            hidden.push(Conv::new(options, vb.pp("0"))?);
            inputs = outputs;
        }
        Ok(Self {
            first: Conv::new(first, vb.pp("model0.0"))?,
            hidden,
            last: Conv::new(options(inputs, 1, 1), vb.pp(format!("model{}.0", config.layers)))?,
        })
    }

    fn forward(&self, map: &SemanticMap, img: &Tensor) -> Result<Scale> {
        let mut x = self.first.forward_joined(map, img, Activation::Lrelu)?;
        let mut features = vec![x.clone()];
        for conv in &self.hidden {
            x = instance_norm(&conv.forward(&x, Activation::Linear)?, Activation::Lrelu)?;
            features.push(x.clone());
        }
        Ok(Scale { logits: self.last.forward(&x, Activation::Linear)?, features })
    }
}

/// Half the resolution: means of 3x3 pixels, every second pixel, over those of them that lie inside the image.
fn halved(x: &Tensor) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let y = avg_pool2d(x, 3, 2, 1)?;
    let (_, _, oh, ow) = y.dims4()?;
    let inside = |i: usize, side: usize| (2 * i).saturating_sub(1)..(2 * i + 2).min(side);
    let coverage: Vec<f64> =
        (0..oh * ow).map(|i| 9. / (inside(i / ow, h).len() * inside(i % ow, w).len()) as f64).collect();
    let coverage = Tensor::from_vec(coverage, (1, 1, oh, ow), x.device())?.to_dtype(x.dtype())?;
    Ok(y.broadcast_mul(&coverage)?)
}
