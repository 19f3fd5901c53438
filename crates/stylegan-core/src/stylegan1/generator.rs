//! Mapping and synthesis as one generator.

use super::{StyleGan1Config, StyleGan1Mapping, StyleGan1Synthesis};
use crate::{Condition, ConditionSpec, Generator, GeneratorSpec, Result, SynthesisOptions};
use candle_core::Tensor;
use candle_nn::VarBuilder;

/// The StyleGAN generator.
#[derive(Debug, Clone)]
pub struct StyleGan1Generator {
    config: StyleGan1Config,
    spec: GeneratorSpec,
    /// Latents to styles.
    pub mapping: StyleGan1Mapping,
    /// Styles to pictures.
    pub synthesis: StyleGan1Synthesis,
}

impl StyleGan1Generator {
    /// The modules `mapping` and `synthesis` of `vb`.
    ///
    /// ```
    /// use candle_core::{DType, Device, Tensor};
    /// use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1Generator};
    /// use stylegan_core::{Condition, Generator, Params, SynthesisOptions, broadcast_ws};
    ///
    /// let config = StyleGan1Config {
    ///     img_size: [24, 32], // height, width
    ///     z_dim: 8,
    ///     w_dim: 8,
    ///     channel_max: 4,
    ///     ..StyleGan1Config::default()
    /// };
    /// let params = Params::new(0, DType::F32, &Device::Cpu);
    /// let g = StyleGan1Generator::new(&config, params.trainable())?;
    /// let w = g.mapping(&Tensor::ones((2, 8), DType::F32, &Device::Cpu)?, Condition::None)?;
    /// let img = g.synthesis(&broadcast_ws(&w, g.spec().num_ws)?, &SynthesisOptions::default())?;
    /// assert_eq!(img.dims(), [2, 3, 24, 32]);
    /// # Ok::<(), stylegan_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &StyleGan1Config, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let mapping = StyleGan1Mapping::new(config, vb.pp("mapping"))?;
        let synthesis = StyleGan1Synthesis::new(config, vb.pp("synthesis"))?;
        let spec = GeneratorSpec {
            z_dim: config.z_dim,
            w_dim: config.w_dim,
            num_ws: synthesis.num_ws(),
            img_size: config.img_size,
            img_channels: config.img_channels,
            condition: ConditionSpec::label(config.c_dim),
            max_lod: synthesis.pyramid().max_lod(),
            mapping: true,
        };
        Ok(Self { config: config.clone(), spec, mapping, synthesis })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &StyleGan1Config {
        &self.config
    }
}

impl Generator for StyleGan1Generator {
    fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    fn w_avg(&self) -> Option<&Tensor> {
        Some(self.mapping.w_avg())
    }

    fn mapping(&self, z: &Tensor, condition: Condition) -> Result<Tensor> {
        self.mapping.forward(z, condition)
    }

    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        options.condition.refuse_map()?;
        options.in_precision(|| self.synthesis.forward(ws, options))
    }
}
