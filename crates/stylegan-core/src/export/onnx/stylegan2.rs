//! StyleGAN2 as a graph.

use super::graph::{Attribute, Graph, Name};
use super::{OnnxOptions, Styles};
use crate::Result;
use crate::layers::Pyramid;
use crate::stylegan2::{StyleGan2Config, Topology};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};
use stylegan_kernels::Filter;

/// Latents `z` (and labels `c`) to `img`.
pub(super) fn stylegan2(graph: &mut Graph, config: &StyleGan2Config, options: &OnnxOptions) -> Result<()> {
    let w = mapping(graph, config)?;
    let styles = Styles::new(graph, w, options.truncation_cutoff)?;
    let levels = Pyramid::new(config.img_size)?.levels();
    let filter = Filter::separable(&[1., 3., 3., 1.]);
    let network = Synthesis { config, styles, filter };
    let constant = graph.param("synthesis.b4.const")?.unsqueeze(0)?;
    let mut x = graph.constant("synthesis.b4.const", &constant)?;
    let mut image: Option<Name> = None;
    let mut row = 0;
    for level in 0..levels {
        let block = format!("synthesis.b{}", Pyramid::resolution(level));
        let residual = (level > 0 && config.topology == Topology::Resnet)
            .then(|| network.shortcut(graph, &x, &block, level))
            .transpose()?;
        if level > 0 {
            x = network.layer(graph, &x, &format!("{block}.conv0"), row, true, 1.)?;
            row += 1;
        }
        let gain = if residual.is_some() { FRAC_1_SQRT_2 } else { 1. };
        x = network.layer(graph, &x, &format!("{block}.conv1"), row, false, gain)?;
        row += 1;
        if let Some(residual) = residual {
            x = graph.binary("Add", &residual, &x);
        }
        if config.topology == Topology::Skip || level + 1 == levels {
            let below = image.map(|image| graph.upsample(&image, &network.filter, config.img_channels)).transpose()?;
            let rgb = network.torgb(graph, &x, &format!("{block}.torgb"), row)?;
            image = Some(match below {
                Some(below) => graph.binary("Add", &below, &rgb),
                None => rgb,
            });
        }
    }
    graph.named_node("Identity", &[&image.unwrap_or_default()], &[], "img");
    Ok(())
}

/// Latent and embedded label, each normalised, through the fully connected layers.
fn mapping(graph: &mut Graph, config: &StyleGan2Config) -> Result<Name> {
    let mut x = graph.pixel_norm("z");
    let mut width = config.z_dim;
    if config.c_dim > 0 {
        let label = graph.linear("c", "mapping.embed", 1. / (config.c_dim as f64).sqrt(), 1.)?;
        let label = graph.pixel_norm(&label);
        x = graph.node("Concat", &[&x, &label], &[("axis", Attribute::Int(1))]);
        width += config.embed_width.unwrap_or(config.w_dim);
    }
    for i in 0..config.mapping_layers {
        let gain = config.mapping_lr / (width as f64).sqrt();
        x = graph.linear(&x, &format!("mapping.fc{i}"), gain, config.mapping_lr)?;
        x = graph.lrelu(&x, SQRT_2, None);
        width = config.mapping_width.unwrap_or(config.w_dim);
    }
    Ok(x)
}

struct Synthesis<'a> {
    config: &'a StyleGan2Config,
    styles: Styles,
    /// Of every change of resolution.
    filter: Filter,
}

impl Synthesis<'_> {
    /// The style of a layer, one factor per channel of its input.
    fn style(&self, graph: &mut Graph, layer: &str, row: usize) -> Result<Name> {
        let gain = 1. / (self.config.w_dim as f64).sqrt();
        graph.linear(self.styles.row(row), &format!("{layer}.affine"), gain, 1.)
    }

    /// Modulated convolution, noise, bias and leaky ReLU.
    fn layer(&self, graph: &mut Graph, x: &str, layer: &str, row: usize, up: bool, gain: f64) -> Result<Name> {
        let style = self.style(graph, layer, row)?;
        let name = format!("{layer}.weight");
        let weight = graph.param(&name)?;
        let planes = graph.as_planes(&style);
        let x = graph.binary("Mul", x, &planes);
        let x = if up {
            let y = graph.conv_transpose(&x, &name, &weight.transpose(0, 1)?.contiguous()?, 0)?;
            graph.filter(&y, &self.filter, 4., weight.dim(0)?, [1, 1])?
        } else {
            graph.conv(&x, &name, &weight)?
        };
        // The scale that gives every output channel unit norm: per sample, from the squared style
        // and the energy of the weights.
        let energy = graph.constant(&format!("{layer}.energy"), &weight.sqr()?.sum((2, 3))?)?;
        let square = graph.binary("Mul", &style, &style);
        let eps = graph.number(1e-8);
        let norm = graph.node("Gemm", &[&square, &energy, &eps], &[("transB", Attribute::Int(1))]);
        let norm = graph.node("Sqrt", &[&norm], &[]);
        let norm = graph.as_planes(&norm);
        let x = graph.binary("Div", &x, &norm);
        let (strength, map) = (graph.param(&format!("{layer}.noise_strength"))?, format!("{layer}.noise_const"));
        let noise = graph.param(&map)?.broadcast_mul(&strength)?.unsqueeze(0)?.unsqueeze(0)?;
        let noise = graph.constant(&map, &noise)?;
        let x = graph.binary("Add", &x, &noise);
        let x = graph.add_channels(&x, &format!("{layer}.bias"))?;
        Ok(graph.lrelu(&x, SQRT_2 * gain, self.config.conv_clamp.map(|bound| bound * gain)))
    }

    /// Modulated 1x1 convolution to image channels.
    fn torgb(&self, graph: &mut Graph, x: &str, layer: &str, row: usize) -> Result<Name> {
        let style = self.style(graph, layer, row)?;
        let planes = graph.as_planes(&style);
        let x = graph.binary("Mul", x, &planes);
        let name = format!("{layer}.weight");
        let weight = graph.param(&name)?;
        let weight = (&weight * (1. / (weight.dim(1)? as f64).sqrt()))?;
        let x = graph.conv(&x, &name, &weight)?;
        let x = graph.add_channels(&x, &format!("{layer}.bias"))?;
        Ok(graph.clamped(&x, self.config.conv_clamp))
    }

    /// The 1x1 convolution beside a residual block, upsampled.
    fn shortcut(&self, graph: &mut Graph, x: &str, block: &str, level: usize) -> Result<Name> {
        let name = format!("{block}.skip.weight");
        let weight = graph.param(&name)?;
        let weight = (&weight * (FRAC_1_SQRT_2 / (weight.dim(1)? as f64).sqrt()))?;
        let x = graph.conv(x, &name, &weight)?;
        graph.upsample(&x, &self.filter, self.config.width(level))
    }
}
