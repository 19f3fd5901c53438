//! The StyleGAN2 generator: mapping and synthesis behind the common trait.

use super::config::StyleGan2Config;
use super::mapping::{StyleGan2Mapping, StyleGan2MappingConfig};
use super::synthesis::StyleGan2Synthesis;
use crate::{Condition, ConditionSpec, Generator, GeneratorSpec, Result, SynthesisOptions};
use candle_core::Tensor;
use candle_nn::VarBuilder;

/// The generator of StyleGAN2 and StyleGAN2-ADA (Karras et al. 2020).
#[derive(Debug, Clone)]
pub struct StyleGan2Generator {
    config: StyleGan2Config,
    spec: GeneratorSpec,
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
        let mapping = Self::mapping_of(config, vb.pp("mapping"))?;
        let synthesis = StyleGan2Synthesis::new(config, vb.pp("synthesis"))?;
        let spec = GeneratorSpec {
            z_dim: config.z_dim,
            w_dim: config.w_dim,
            num_ws: synthesis.num_ws(),
            img_size: config.img_size,
            img_channels: config.img_channels,
            condition: ConditionSpec::label(config.c_dim),
            max_lod: 0.,
            mapping: true,
        };
        Ok(Self { config: config.clone(), spec, mapping, synthesis })
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
    fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    fn w_avg(&self) -> Option<&Tensor> {
        self.mapping.w_avg()
    }

    fn mapping(&self, z: &Tensor, condition: Condition) -> Result<Tensor> {
        self.mapping.forward(Some(z), condition)
    }

    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        options.condition.refuse_map()?;
        options.in_precision(|| self.synthesis.forward(ws, options))
    }
}
