//! Mapping and synthesis as one generator.

use super::{StyleGan1Config, StyleGan1Mapping, StyleGan1Synthesis};
use crate::{Generator, Result, Synthesis};
use candle_core::Tensor;
use candle_nn::VarBuilder;

/// The StyleGAN generator.
#[derive(Debug, Clone)]
pub struct StyleGan1Generator {
    config: StyleGan1Config,
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
    /// use stylegan_core::{Generator, Params, Synthesis, broadcast_ws};
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
    /// let w = g.mapping(&Tensor::ones((2, 8), DType::F32, &Device::Cpu)?, None)?;
    /// let img = g.synthesis(&broadcast_ws(&w, g.num_ws())?, &Synthesis::default())?;
    /// assert_eq!(img.dims(), [2, 3, 24, 32]);
    /// # Ok::<(), stylegan_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &StyleGan1Config, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            config: config.clone(),
            mapping: StyleGan1Mapping::new(config, vb.pp("mapping"))?,
            synthesis: StyleGan1Synthesis::new(config, vb.pp("synthesis"))?,
        })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &StyleGan1Config {
        &self.config
    }
}

impl Generator for StyleGan1Generator {
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
        self.synthesis.pyramid().max_lod()
    }

    fn w_avg(&self) -> Option<&Tensor> {
        Some(self.mapping.w_avg())
    }

    fn mapping(&self, z: &Tensor, c: Option<&Tensor>) -> Result<Tensor> {
        self.mapping.forward(z, c)
    }

    fn synthesis(&self, ws: &Tensor, options: &Synthesis) -> Result<Tensor> {
        self.synthesis.forward(ws, options)
    }
}
