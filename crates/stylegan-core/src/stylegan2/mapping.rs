//! The mapping network of StyleGAN2 and the label mapping of its discriminator.

use super::layers::ActivatedLinear;
use crate::error::bad_argument;
use crate::layers::{EqualizedLinear, LinearOptions, expect_rows};
use crate::{Condition, Result};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use stylegan_kernels::pixel_norm;

/// Sizes of a mapping network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StyleGan2MappingConfig {
    /// Dimensions of z; 0 where only a label is mapped.
    pub z_dim: usize,
    /// Dimensions of a label, or 0.
    pub c_dim: usize,
    /// Dimensions of the result.
    pub w_dim: usize,
    /// Fully connected layers.
    pub layers: usize,
    /// Width of the label embedding.
    pub embed_width: usize,
    /// Width of the hidden layers.
    pub width: usize,
    /// Learning rate of the layers relative to the rest of the network (the embedding's is 1).
    pub lr: f64,
    /// Whether the network keeps the running mean `w_avg`.
    pub track_w_avg: bool,
}

/// The mapping network: latents and labels to styles. Other than in StyleGAN, the latent and the
/// embedded label are normalised separately, then put side by side.
#[derive(Debug, Clone)]
pub struct StyleGan2Mapping {
    config: StyleGan2MappingConfig,
    embed: Option<EqualizedLinear>,
    layers: Vec<ActivatedLinear>,
    w_avg: Option<Tensor>,
}

impl StyleGan2Mapping {
    /// `embed.{weight, bias}` (conditional networks), `fc{i}.{weight, bias}` and `w_avg` `[w_dim]`
    /// of `vb`.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub fn new(config: StyleGan2MappingConfig, vb: VarBuilder) -> Result<Self> {
        let embed = match config.c_dim {
            0 => None,
            c_dim => {
                let options = LinearOptions::default();
                Some(EqualizedLinear::new(c_dim, config.embed_width, options, vb.pp("embed"))?)
            }
        };
        let mut inputs = config.z_dim + if config.c_dim > 0 { config.embed_width } else { 0 };
        let mut layers = Vec::new();
        for i in 0..config.layers {
            let outputs = if i + 1 == config.layers { config.w_dim } else { config.width };
            layers.push(ActivatedLinear::new(inputs, outputs, config.lr, vb.pp(format!("fc{i}")))?);
            inputs = outputs;
        }
        let w_avg =
            config.track_w_avg.then(|| vb.get_with_hints(config.w_dim, "w_avg", Init::Const(0.))).transpose()?;
        Ok(Self { config, embed, layers, w_avg })
    }

    /// The moving average of styles `[w_dim]`.
    pub fn w_avg(&self) -> Option<&Tensor> {
        self.w_avg.as_ref()
    }

    /// `z` `[n, z_dim]` (`None` where `z_dim` is 0) and labels `[n, c_dim]` to `[n, w_dim]`.
    ///
    /// # Errors
    /// When shapes do not fit, or the latent or label is missing.
    pub fn forward(&self, z: Option<&Tensor>, condition: Condition) -> Result<Tensor> {
        let mut parts = Vec::with_capacity(2);
        if let Some(z) = z {
            expect_rows("latents", z, &[self.config.z_dim])?;
            parts.push(pixel_norm(z, 1e-8)?);
        }
        let n = match (z, condition) {
            (Some(x), _) | (None, Condition::Label(x)) => x.dim(0)?,
            (None, _) => bad_argument!("the mapping network has neither latents nor labels to map"),
        };
        if let (Some(c), Some(embed)) = (condition.labels(n, self.config.c_dim)?, &self.embed) {
            parts.push(pixel_norm(&embed.forward(c)?, 1e-8)?);
        }
        let mut x = if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(&parts, 1)? };
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        Ok(x)
    }
}
