//! StyleGAN and progressive GAN as graphs, grown to full size.

use super::graph::{Attribute, Graph, Name};
use super::{OnnxOptions, Styles};
use crate::Result;
use crate::layers::{Pyramid, Resample, blur_filter, spread};
use crate::pggan::PgganConfig;
use crate::stylegan1::StyleGan1Config;
use candle_core::{Device, Tensor};
use std::f64::consts::SQRT_2;

/// Latents `z` (and labels `c`) of StyleGAN to `img`.
pub(super) fn stylegan1(graph: &mut Graph, config: &StyleGan1Config, options: &OnnxOptions) -> Result<()> {
    let w = mapping(graph, config)?;
    let styles = Styles::new(graph, w, options.truncation_cutoff)?;
    let pyramid = Pyramid::new(config.img_size)?;
    let mut x = if config.const_input {
        graph.constant("synthesis.b4.const", &graph.param("synthesis.b4.const")?)?
    } else {
        dense(graph, styles.row(0), config.w_dim, pyramid.size(0))?
    };
    let filter = blur_filter(&config.blur_filter);
    for level in 0..pyramid.levels() {
        let block = format!("synthesis.b{}", Pyramid::resolution(level));
        let mut biased = false;
        if level > 0 {
            let name = format!("{block}.conv0");
            x = up(graph, &x, &name)?;
            biased = config.bias_before_blur;
            if biased {
                x = graph.add_channels(&x, &format!("{name}.bias"))?;
            }
            if let Some(filter) = &filter {
                let (c, taps) = (graph.param(&format!("{name}.bias"))?.dim(0)?, filter.size().0 as i64);
                x = graph.filter(&x, filter, 1., c, [taps / 2, (taps - 1) / 2])?;
            }
        }
        x = epilogue(graph, config, &styles, &x, &format!("{block}.conv0"), 2 * level, biased)?;
        let name = format!("{block}.conv1");
        x = same(graph, &x, &name, SQRT_2)?;
        x = epilogue(graph, config, &styles, &x, &name, 2 * level + 1, false)?;
    }
    torgb(graph, &x, pyramid.levels() - 1)
}

fn mapping(graph: &mut Graph, config: &StyleGan1Config) -> Result<Name> {
    let mut x = "z".to_owned();
    if config.c_dim > 0 {
        let label = graph.linear("c", "mapping.embed", 1., 1.)?;
        x = graph.node("Concat", &[&x, &label], &[("axis", Attribute::Int(1))]);
    }
    if config.normalize_latents {
        x = graph.pixel_norm(&x);
    }
    let mut width = config.mapping_input();
    for i in 0..config.mapping_layers {
        let gain = SQRT_2 * config.mapping_lr / (width as f64).sqrt();
        x = graph.linear(&x, &format!("mapping.fc{i}"), gain, config.mapping_lr)?;
        x = graph.lrelu(&x, 1., None);
        width = config.mapping_width;
    }
    Ok(x)
}

/// Noise, bias, leaky ReLU, pixel norm and style after a convolution.
fn epilogue(
    graph: &mut Graph,
    config: &StyleGan1Config,
    styles: &Styles,
    x: &str,
    layer: &str,
    row: usize,
    biased: bool,
) -> Result<Name> {
    let mut x = x.to_owned();
    if config.use_noise {
        let (map, strength) = (format!("{layer}.noise_const"), format!("{layer}.noise_strength"));
        let map = graph.constant(&map, &graph.param(&map)?.unsqueeze(0)?.unsqueeze(0)?)?;
        let strength = graph.constant(&strength, &graph.param(&strength)?.reshape((1, (), 1, 1))?)?;
        let noise = graph.binary("Mul", &map, &strength);
        x = graph.binary("Add", &x, &noise);
    }
    if !biased {
        x = graph.add_channels(&x, &format!("{layer}.bias"))?;
    }
    x = graph.lrelu(&x, 1., None);
    if config.pixel_norm {
        x = graph.pixel_norm(&x);
    }
    if !config.use_styles {
        return Ok(x);
    }
    let c = graph.param(&format!("{layer}.bias"))?.dim(0)?;
    let ones = graph.constant(&format!("ones_{c}"), &Tensor::ones(c, candle_core::DType::F32, &Device::Cpu)?)?;
    let zeros = graph.constant(&format!("zeros_{c}"), &Tensor::zeros(c, candle_core::DType::F32, &Device::Cpu)?)?;
    let eps = [("epsilon", Attribute::Float(config.norm_eps))];
    x = graph.node("InstanceNormalization", &[&x, &ones, &zeros], &eps);
    let gain = 1. / (config.w_dim as f64).sqrt();
    let style = graph.linear(styles.row(row), &format!("{layer}.style"), gain, 1.)?;
    let (start, middle, end) = (graph.integers(&[0]), graph.integers(&[c as i64]), graph.integers(&[2 * c as i64]));
    let axis = graph.integers(&[1]);
    let scale = graph.node("Slice", &[&style, &start, &middle, &axis], &[]);
    let one = graph.number(1.);
    let scale = graph.binary("Add", &scale, &one);
    let scale = graph.as_planes(&scale);
    let shift = graph.node("Slice", &[&style, &middle, &end, &axis], &[]);
    let shift = graph.as_planes(&shift);
    x = graph.binary("Mul", &x, &scale);
    Ok(graph.binary("Add", &x, &shift))
}

/// Latents `z` (and labels `c`) of progressive GAN to `img`.
pub(super) fn pggan(graph: &mut Graph, config: &PgganConfig) -> Result<()> {
    let pyramid = Pyramid::new(config.img_size)?;
    let mut x = "z".to_owned();
    if config.c_dim > 0 {
        x = graph.node("Concat", &["z", "c"], &[("axis", Attribute::Int(1))]);
    }
    if config.normalize_latents {
        x = graph.pixel_norm(&x);
    }
    let activated = |graph: &mut Graph, x: &str, layer: &str| -> Result<Name> {
        let x = graph.add_channels(x, &format!("{layer}.bias"))?;
        let x = graph.lrelu(&x, 1., None);
        Ok(if config.pixel_norm { graph.pixel_norm(&x) } else { x })
    };
    x = dense(graph, &x, config.z_dim + config.c_dim, pyramid.size(0))?;
    x = activated(graph, &x, "synthesis.b4.fc")?;
    for level in 0..pyramid.levels() {
        let block = format!("synthesis.b{}", Pyramid::resolution(level));
        if level > 0 {
            let name = format!("{block}.conv0");
            x = up(graph, &x, &name)?;
            x = activated(graph, &x, &name)?;
        }
        let name = format!("{block}.conv1");
        x = same(graph, &x, &name, SQRT_2)?;
        x = activated(graph, &x, &name)?;
    }
    torgb(graph, &x, pyramid.levels() - 1)
}

/// The dense layer that starts a generator, `[n, width]` to `[n, c, h, w]`; its bias, one number per
/// channel, comes later.
fn dense(graph: &mut Graph, x: &str, width: usize, [h, w]: [usize; 2]) -> Result<Name> {
    let name = "synthesis.b4.fc.weight";
    let weight = graph.param(name)?;
    let c = weight.dim(0)? / (h * w);
    let weight = graph.constant(name, &weight)?;
    let gain = SQRT_2 / ((h * w) as f64).sqrt() / (width as f64).sqrt();
    let attributes = [("alpha", Attribute::Float(gain)), ("transB", Attribute::Int(1))];
    let y = graph.node("Gemm", &[x, &weight], &attributes);
    let shape = graph.integers(&[-1, c as i64, h as i64, w as i64]);
    Ok(graph.node("Reshape", &[&y, &shape], &[]))
}

/// Repeated pixels and a 3x3 convolution as one transposed convolution with a 4x4 kernel.
fn up(graph: &mut Graph, x: &str, layer: &str) -> Result<Name> {
    let name = format!("{layer}.weight");
    let weight = graph.param(&name)?;
    let (o, i, _, _) = weight.dims4()?;
    let spread = spread(Resample::Up, &Device::Cpu, weight.dtype())?;
    let weight = (weight.reshape((o * i, 9))?.matmul(&spread)? * (SQRT_2 / (9. * i as f64).sqrt()))?;
    let weight = weight.reshape((o, i, 4, 4))?.transpose(0, 1)?.contiguous()?;
    graph.conv_transpose(x, &name, &weight, 1)
}

/// A same-size convolution without its bias.
fn same(graph: &mut Graph, x: &str, layer: &str, gain: f64) -> Result<Name> {
    let name = format!("{layer}.weight");
    let weight = graph.param(&name)?;
    let (_, i, k, _) = weight.dims4()?;
    graph.conv(x, &name, &(weight * (gain / ((i * k * k) as f64).sqrt()))?)
}

fn torgb(graph: &mut Graph, x: &str, level: usize) -> Result<()> {
    let layer = format!("synthesis.b{}.torgb", Pyramid::resolution(level));
    let x = same(graph, x, &layer, 1.)?;
    let x = graph.add_channels(&x, &format!("{layer}.bias"))?;
    graph.named_node("Identity", &[&x], &[], "img");
    Ok(())
}
