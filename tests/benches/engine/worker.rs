//! Our side of a measurement, in a process of its own so that its peak memory is its own.
//!
//! The protocol, which the peers speak too: the worker prints `ready`; for each line `go` it does
//! the work once and prints the seconds; at the end of its input it prints its peak memory in MB
//! (`nan` where the system does not tell) and ends. A line `cannot REASON` in place of `ready` says
//! that this worker has no such work.

use crate::spec::{Network, Pass, Products, Resample, Shape, Spec};
use crate::{features, iteration, painter_iteration};
use candle_core::{DType, Device, Error, Result, Tensor, Var};
use std::io::{BufRead, Write};
use std::time::Instant;
use stylegan_core::latent::{StreamKey, latents_from_seeds};
use stylegan_core::layers::{Mode, SemanticMap};
use stylegan_core::psp::{PspConfig, PspEncoder};
use stylegan_core::spade::SpadeConfig;
use stylegan_core::stylegan1::StyleGan1Config;
use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2Discriminator, StyleGan2DiscriminatorConfig};
use stylegan_core::{
    Condition, Discriminator, GeneratorConfig, PackedWeights, Params, SynthesisOptions, broadcast_ws, build_generator,
};
use stylegan_kernels::label::instance_edges;
use stylegan_kernels::{
    Filter, Labels, autodiff, conv_transpose2d, conv2d, downsample2d, filter2d, memory, upsample2d,
};
use stylegan_train::augment::{AugmentConfig, Augmentation};
use stylegan_train::losses::logistic;

/// A piece of work that can be repeated; returns the seconds that it took.
pub(crate) type Work = Box<dyn FnMut() -> Result<f64>>;

/// Speaks the protocol on standard input and output.
pub(crate) fn serve(spec: &Spec) -> std::result::Result<(), Box<dyn std::error::Error>> {
    stylegan_kernels::threads::keep_candle_on_its_thread();
    memory::keep_freed();
    let mut work = prepare(spec)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        line?;
        writeln!(out, "{}", work()?)?;
        out.flush()?;
    }
    let peak = memory::peak().map_or(f64::NAN, |bytes| bytes as f64 / f64::from(1 << 20));
    writeln!(out, "{peak}")?;
    Ok(())
}

fn prepare(spec: &Spec) -> Result<Work> {
    match *spec {
        Spec::Conv { pass, shape, batch, channels, size } => convolution(pass, shape, batch, channels, size),
        Spec::Filter { resample, batch, channels, size } => filter(resample, &[batch, channels, size, size]),
        Spec::Augment { gradient, batch, size } => augment(gradient, &[batch, 3, size, size]),
        Spec::Synthesis { network, size, batch, channel_base, products } => {
            synthesis(network, size, batch, channel_base, products)
        }
        Spec::Paint { size, batch, channels } => paint(size, batch, channels),
        Spec::Encode { size, batch } => encode(size, batch),
        Spec::Iteration { network } => iteration::prepare(network),
        Spec::PainterIteration => painter_iteration::prepare(),
        Spec::Discriminate { batch, size, channel_base, channel_max, augmented } => {
            let widths =
                StyleGan2DiscriminatorConfig { img_size: [size; 2], channel_base, channel_max, ..Default::default() };
            discriminate(&widths, batch, augmented)
        }
        Spec::Features { network } => features::prepare(network),
    }
}

/// Times `work`; its result is dropped outside of the clock.
pub(crate) fn timed(work: impl Fn() -> Result<Vec<Tensor>> + 'static) -> Work {
    Box::new(move || {
        let start = Instant::now();
        let result = work()?;
        let seconds = start.elapsed().as_secs_f64();
        drop(result);
        Ok(seconds)
    })
}

/// Normal numbers.
pub(crate) fn random(shape: &[usize], seed: u32) -> Result<Tensor> {
    let n: usize = shape.iter().product();
    latents_from_seeds(&[seed], n, &Device::Cpu)?.reshape(shape)
}

fn convolution(pass: Pass, shape: Shape, batch: usize, channels: usize, size: usize) -> Result<Work> {
    let (kernel, size) = match shape {
        Shape::Pointwise => (1, size),
        Shape::Strided => (3, size + 1),
        Shape::Same | Shape::Transposed => (3, size),
    };
    let apply = move |x: &Tensor, w: &Tensor| match shape {
        Shape::Same => conv2d(x, w, 1, 1, 1.0),
        Shape::Pointwise => conv2d(x, w, 1, 0, 1.0),
        Shape::Strided => conv2d(x, w, 2, 0, 1.0),
        Shape::Transposed => conv_transpose2d(x, w, 2, 0, 0, 1.0),
    };
    let x = random(&[batch, channels, size, size], 1)?;
    let w = random(&[channels, channels, kernel, kernel], 2)?;
    if pass == Pass::Forward {
        return Ok(timed(move || Ok(vec![apply(&x, &w)?])));
    }
    let (x, w) = (Var::from_tensor(&x)?, Var::from_tensor(&w)?);
    let y = apply(&x, &w)?;
    let wanted = if pass == Pass::InputGradient { x } else { w };
    Ok(timed(move || autodiff::grad(&y, &[&wanted], false)))
}

fn filter(resample: Resample, shape: &[usize]) -> Result<Work> {
    let x = random(shape, 1)?;
    let filter = Filter::separable(&[1.0, 3.0, 3.0, 1.0]);
    Ok(timed(move || {
        Ok(vec![match resample {
            Resample::Same => filter2d(&x, &filter, 1.0)?,
            Resample::Up => upsample2d(&x, &filter, 4.0)?,
            Resample::Down => downsample2d(&x, &filter, 1.0)?,
        }])
    }))
}

fn augment(gradient: bool, shape: &[usize; 4]) -> Result<Work> {
    let x = Var::from_tensor(&random(shape, 1)?)?;
    let [n, c, h, w] = *shape;
    let indices: Vec<u64> = (0..n as u64).collect();
    let key = StreamKey::new(0, "augment", 0);
    let augmentation = Augmentation::draw(&AugmentConfig::default(), 0.6, &key, &indices, [c, h, w])?;
    Ok(timed(move || match gradient {
        true => autodiff::grad(&augmentation.apply(&x)?, &[&x], false),
        false => Ok(vec![augmentation.apply(&x.detach())?]),
    }))
}

/// pSp's encoder for a generator of 1024 pixels, with random weights.
pub(crate) fn encoder_of(size: usize) -> Result<(PspConfig, Params)> {
    let config = PspConfig { img_size: [size; 2], ..PspConfig::default() };
    let params = Params::new(0, DType::F32, &Device::Cpu);
    PspEncoder::new(&config, params.trainable())?;
    Ok((config, params))
}

fn encode(size: usize, batch: usize) -> Result<Work> {
    let (config, params) = encoder_of(size)?;
    let encoder = PspEncoder::new(&config, params.frozen())?;
    let images = random(&[batch, config.img_channels, size, size], 1)?;
    Ok(timed(move || Ok(vec![encoder.forward(&images, Mode::Eval)?])))
}

fn discriminate(config: &StyleGan2DiscriminatorConfig, batch: usize, augmented: bool) -> Result<Work> {
    let ([h, w], c) = (config.img_size, config.img_channels);
    let params = Params::new(0, DType::F32, &Device::Cpu);
    let d = StyleGan2Discriminator::new(config, params.trainable())?;
    let weights: Vec<Var> = params.vars().into_iter().map(|(_, var)| var).collect();
    let images = random(&[batch, c, h, w], 1)?;
    let indices: Vec<u64> = (0..batch as u64).collect();
    Ok(timed(move || {
        let key = StreamKey::new(0, "augment", 0);
        let seen = match augmented {
            true => Augmentation::draw(&AugmentConfig::default(), 0.6, &key, &indices, [c, h, w])?.apply(&images)?,
            false => images.clone(),
        };
        let loss = logistic::discriminator_real(&d.logits(&seen, Condition::None, 0.)?).map_err(Error::wrap)?;
        autodiff::grad(&loss.sum_all()?, &weights.iter().map(Var::as_tensor).collect::<Vec<_>>(), false)
    }))
}

/// A generator's configuration at this size; everything else is the published value.
pub(crate) fn generator(network: Network, size: usize, channel_base: usize) -> GeneratorConfig {
    let img_size = [size, size];
    match network {
        Network::StyleGan1 => {
            GeneratorConfig::StyleGan1(StyleGan1Config { img_size, channel_base, ..StyleGan1Config::default() })
        }
        Network::StyleGan2 => {
            GeneratorConfig::StyleGan2(StyleGan2Config { img_size, channel_base, ..StyleGan2Config::default() })
        }
    }
}

/// A generator of this size with random weights.
pub(crate) fn generator_of(network: Network, size: usize, channel_base: usize) -> Result<(GeneratorConfig, Params)> {
    let config = generator(network, size, channel_base);
    let params = Params::new(0, DType::F32, &Device::Cpu);
    build_generator(&config, params.trainable())?;
    Ok((config, params))
}

/// A painter of maps with random weights.
pub(crate) fn painter_of(size: usize, channels: usize) -> Result<(GeneratorConfig, Params)> {
    let config = GeneratorConfig::Spade(SpadeConfig { img_size: [size, size], channels, ..SpadeConfig::default() });
    let params = Params::new(0, DType::F32, &Device::Cpu);
    build_generator(&config, params.trainable())?;
    Ok((config, params))
}

/// Maps of ten classes in squares of 32 pixels, with the edges between them.
fn paint(size: usize, batch: usize, channels: usize) -> Result<Work> {
    let (config, params) = painter_of(size, channels)?;
    let generator = build_generator(&config, params.frozen())?;
    let class = |i: usize| ((i / size / 32 + i % size / 32) % 10) as u32;
    let cells = Tensor::from_vec((0..batch * size * size).map(class).collect(), (batch, 1, size, size), &Device::Cpu)?;
    let labels = Labels::new(&cells, Some(&instance_edges(&cells)?), SpadeConfig::default().classes)?;
    let map = SemanticMap::from(labels);
    let ws = Tensor::zeros((batch, 0, 0), DType::F32, &Device::Cpu)?;
    Ok(timed(move || {
        let options = SynthesisOptions { condition: Condition::Map(&map), ..SynthesisOptions::default() };
        Ok(vec![generator.synthesis(&ws, &options)?])
    }))
}

fn synthesis(network: Network, size: usize, batch: usize, channel_base: usize, products: Products) -> Result<Work> {
    let (config, params) = generator_of(network, size, channel_base)?;
    let generator = build_generator(&config, params.frozen())?;
    let w = random(&[batch, generator.spec().w_dim], 3)?;
    let ws = broadcast_ws(&w, generator.spec().num_ws)?.contiguous()?;
    let (precision, kept) = (products.precision(), PackedWeights::default());
    Ok(timed(move || {
        let options = SynthesisOptions { precision, packed: Some(&kept), ..SynthesisOptions::default() };
        Ok(vec![generator.synthesis(&ws, &options)?])
    }))
}
