//! What is measured: the shapes that style-based networks spend their time in.

use crate::measure::Work;
use candle_core::{DType, Device, Result, Tensor, Var};
use stylegan_core::latent::latents_from_seeds;
use stylegan_core::stylegan1::StyleGan1Config;
use stylegan_core::{GeneratorConfig, Params, Synthesis, broadcast_ws, build_generator};
use stylegan_kernels::{Filter, autodiff, conv_transpose2d, conv2d, downsample2d, filter2d, upsample2d};

/// One line of the table.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Multiplications and additions, counted as of the direct algorithm.
    pub(crate) flops: Option<f64>,
    pub(crate) prepare: Box<dyn Fn() -> Result<Work>>,
}

impl Case {
    pub(crate) fn new(name: String, flops: Option<f64>, prepare: impl Fn() -> Result<Work> + 'static) -> Self {
        Case { name, flops, prepare: Box::new(prepare) }
    }
}

/// All cases, operations first.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (channels, size) in [(512, 32), (256, 64), (128, 128), (64, 256)] {
        for batch in [4, 1] {
            cases.extend(convolution(batch, channels, size));
        }
    }
    cases.extend([strided(), transposed(), pointwise()]);
    cases.extend(filters());
    cases.extend([(64, 8), (256, 1), (1024, 1)].map(|(size, batch)| synthesis(size, batch)));
    cases.extend(crate::training::turns());
    cases.extend(crate::features::all());
    cases
}

pub(crate) fn random(shape: &[usize], seed: u32) -> Result<Tensor> {
    let n: usize = shape.iter().product();
    latents_from_seeds(&[seed], n, &Device::Cpu)?.reshape(shape)
}

/// 3x3, forward and both gradients.
fn convolution(batch: usize, channels: usize, size: usize) -> [Case; 3] {
    let flops = 2.0 * 9.0 * (batch * channels * channels * size * size) as f64;
    let shapes = move || -> Result<(Var, Var)> {
        let x = Var::from_tensor(&random(&[batch, channels, size, size], 1)?)?;
        let w = Var::from_tensor(&random(&[channels, channels, 3, 3], 2)?)?;
        Ok((x, w))
    };
    let gradient = move |of_weight: bool| {
        move || -> Result<Work> {
            let (x, w) = shapes()?;
            let y = conv2d(&x, &w, 1, 1, 1.0)?;
            let wanted = if of_weight { w } else { x };
            Ok(Box::new(move || autodiff::grad(&y, &[&wanted], false)))
        }
    };
    let name = |what: &str| format!("conv 3x3 {what} b{batch} {channels}@{size}");
    [
        Case::new(name("forward"), Some(flops), move || {
            let (x, w) = shapes()?;
            let (x, w) = (x.as_detached_tensor(), w.as_detached_tensor());
            Ok(Box::new(move || Ok(vec![conv2d(&x, &w, 1, 1, 1.0)?])))
        }),
        Case::new(name("input gradient"), Some(flops), gradient(false)),
        Case::new(name("weight gradient"), Some(flops), gradient(true)),
    ]
}

fn strided() -> Case {
    let flops = 2.0 * 9.0 * (4 * 512 * 512 * 16 * 16) as f64;
    Case::new("conv 3x3 stride 2 forward b4 512@32".into(), Some(flops), || {
        let (x, w) = (random(&[4, 512, 33, 33], 1)?, random(&[512, 512, 3, 3], 2)?);
        Ok(Box::new(move || Ok(vec![conv2d(&x, &w, 2, 0, 1.0)?])))
    })
}

fn transposed() -> Case {
    let flops = 2.0 * 9.0 * (4 * 512 * 512 * 16 * 16) as f64;
    Case::new("conv 3x3 transposed stride 2 forward b4 512@16".into(), Some(flops), || {
        let (x, w) = (random(&[4, 512, 16, 16], 1)?, random(&[512, 512, 3, 3], 2)?);
        Ok(Box::new(move || Ok(vec![conv_transpose2d(&x, &w, 2, 1, 1, 1.0)?])))
    })
}

fn pointwise() -> Case {
    let flops = 2.0 * (4 * 128 * 128 * 128 * 128) as f64;
    Case::new("conv 1x1 forward b4 128@128".into(), Some(flops), || {
        let (x, w) = (random(&[4, 128, 128, 128], 1)?, random(&[128, 128, 1, 1], 2)?);
        Ok(Box::new(move || Ok(vec![conv2d(&x, &w, 1, 0, 1.0)?])))
    })
}

/// The 4x4 filter of StyleGAN2 at full, double and half size.
fn filters() -> Vec<Case> {
    type Resample = fn(&Tensor, &Filter) -> Result<Tensor>;
    let kinds: [(&str, Resample); 3] = [
        ("same", |x, f| filter2d(x, f, 1.0)),
        ("up 2", |x, f| upsample2d(x, f, 4.0)),
        ("down 2", |x, f| downsample2d(x, f, 1.0)),
    ];
    let case = |(name, resample): (&str, Resample)| {
        Case::new(format!("upfirdn2d 4x4 {name} b4 64@128"), None, move || {
            let x = random(&[4, 64, 128, 128], 1)?;
            let filter = Filter::separable(&[1.0, 3.0, 3.0, 1.0]);
            Ok(Box::new(move || Ok(vec![resample(&x, &filter)?])))
        })
    };
    kinds.into_iter().map(case).collect()
}

/// StyleGAN's synthesis with random weights.
fn synthesis(size: usize, batch: usize) -> Case {
    Case::new(format!("stylegan1 synthesis {size} b{batch}"), None, move || {
        let config = StyleGan1Config { img_size: [size, size], ..StyleGan1Config::default() };
        let params = Params::new(0, DType::F32, &Device::Cpu);
        build_generator(&GeneratorConfig::StyleGan1(config.clone()), params.trainable())?;
        let generator = build_generator(&GeneratorConfig::StyleGan1(config), params.frozen())?;
        let w = random(&[batch, generator.w_dim()], 3)?;
        let ws = broadcast_ws(&w, generator.num_ws())?.contiguous()?;
        Ok(Box::new(move || Ok(vec![generator.synthesis(&ws, &Synthesis::default())?])))
    })
}
