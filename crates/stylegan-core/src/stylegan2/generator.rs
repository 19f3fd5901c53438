//! The StyleGAN2 generator: mapping and synthesis behind the common trait.

use super::config::StyleGan2Config;
use super::mapping::{StyleGan2Mapping, StyleGan2MappingConfig};
use super::synthesis::StyleGan2Synthesis;
use crate::Result;
use crate::{Generator, Synthesis};
use candle_core::Tensor;
use candle_nn::VarBuilder;

/// The generator of StyleGAN2 and StyleGAN2-ADA (Karras et al. 2020).
#[derive(Debug, Clone)]
pub struct StyleGan2Generator {
    config: StyleGan2Config,
    /// Latents to styles.
    pub mapping: StyleGan2Mapping,
    /// Styles to pictures.
    pub synthesis: StyleGan2Synthesis,
}

impl StyleGan2Generator {
    /// Builds the network from `mapping` and `synthesis` below `vb`.
    ///
    /// # Errors
    /// When the configuration describes no network, or a tensor is missing or has another shape.
    pub fn new(config: &StyleGan2Config, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            config: config.clone(),
            mapping: Self::mapping_of(config, vb.pp("mapping"))?,
            synthesis: StyleGan2Synthesis::new(config, vb.pp("synthesis"))?,
        })
    }

    /// The mapping network alone, on its own parameters.
    pub(crate) fn mapping_of(config: &StyleGan2Config, vb: VarBuilder) -> Result<StyleGan2Mapping> {
        let mapping = StyleGan2MappingConfig {
            z_dim: config.z_dim,
            c_dim: config.c_dim,
            w_dim: config.w_dim,
            layers: config.mapping_layers,
            embed_width: config.embed_width.unwrap_or(config.w_dim),
            width: config.mapping_width.unwrap_or(config.w_dim),
            lr: config.mapping_lr,
            track_w_avg: true,
        };
        StyleGan2Mapping::new(mapping, vb)
    }

    /// The configuration that the network was built from.
    pub fn config(&self) -> &StyleGan2Config {
        &self.config
    }
}

impl Generator for StyleGan2Generator {
    fn z_dim(&self) -> usize {
        self.config.z_dim
    }

    fn c_dim(&self) -> usize {
        self.config.c_dim
    }

    fn w_dim(&self) -> usize {
        self.config.w_dim
    }

    fn num_ws(&self) -> usize {
        self.synthesis.num_ws()
    }

    fn img_size(&self) -> [usize; 2] {
        self.config.img_size
    }

    fn img_channels(&self) -> usize {
        self.config.img_channels
    }

    fn max_lod(&self) -> f64 {
        0.
    }

    fn w_avg(&self) -> Option<&Tensor> {
        self.mapping.w_avg()
    }

    fn mapping(&self, z: &Tensor, c: Option<&Tensor>) -> Result<Tensor> {
        self.mapping.forward(Some(z), c)
    }

    fn synthesis(&self, ws: &Tensor, options: &Synthesis) -> Result<Tensor> {
        self.synthesis.forward(ws, options)
    }
}
