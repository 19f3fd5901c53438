//! The mapping network: latents to styles.

use super::StyleGan1Config;
use crate::layers::{EqualizedLinear, LinearOptions, expect_rows};
use crate::{Condition, Result};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use std::f64::consts::SQRT_2;
use stylegan_kernels as kernels;

/// The mapping network f: fully connected layers with leaky ReLU (StyleGAN, section 2). The
/// embedded label is put beside the latent before both are normalised together.
#[derive(Debug, Clone)]
pub struct StyleGan1Mapping {
    z_dim: usize,
    c_dim: usize,
    normalize: bool,
    /// `[z_dim, c_dim]`, neither scaled nor biased.
    embed: Option<Tensor>,
    layers: Vec<EqualizedLinear>,
    w_avg: Tensor,
}

impl StyleGan1Mapping {
    /// `embed.weight` `[z_dim, c_dim]`, `fc{i}.{weight, bias}`, `w_avg` `[w_dim]` of `vb`.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub fn new(config: &StyleGan1Config, vb: VarBuilder) -> Result<Self> {
        let unit = Init::Randn { mean: 0., stdev: 1. };
        let embed = match config.c_dim {
            0 => None,
            c_dim => Some(vb.get_with_hints((config.z_dim, c_dim), "embed.weight", unit)?),
        };
        let options = LinearOptions { gain: SQRT_2, lr: config.mapping_lr, bias: Some(0.) };
        let mut layers = Vec::new();
        let mut width = config.mapping_input();
        for i in 0..config.mapping_layers {
            let next = if i + 1 == config.mapping_layers { config.w_dim } else { config.mapping_width };
            layers.push(EqualizedLinear::new(width, next, options, vb.pp(format!("fc{i}")))?);
            width = next;
        }
        let w_avg = vb.get_with_hints(config.w_dim, "w_avg", Init::Const(0.))?;
        let (z_dim, c_dim, normalize) = (config.z_dim, config.c_dim, config.normalize_latents);
        Ok(Self { z_dim, c_dim, normalize, embed, layers, w_avg })
    }

    /// `z` `[n, z_dim]` and labels `[n, c_dim]` to `[n, w_dim]`.
    ///
    /// # Errors
    /// When shapes do not fit, or a label is missing.
    pub fn forward(&self, z: &Tensor, condition: Condition) -> Result<Tensor> {
        let n = expect_rows("latents", z, &[self.z_dim])?;
        let mut x = z.clone();
        if let (Some(c), Some(embed)) = (condition.labels(n, self.c_dim)?, &self.embed) {
            x = Tensor::cat(&[x, kernels::linear(c, embed, None, 1., 0.)?], 1)?;
        }
        if self.normalize {
            x = kernels::pixel_norm(&x, 1e-8)?;
        }
        for layer in &self.layers {
            x = layer.forward_lrelu(&x)?;
        }
        Ok(x)
    }

    /// The moving average of styles `[w_dim]`.
    pub fn w_avg(&self) -> &Tensor {
        &self.w_avg
    }
}
