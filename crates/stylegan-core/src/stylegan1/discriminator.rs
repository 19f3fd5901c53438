//! The discriminator: images to logits.

use super::StyleGan1DiscriminatorConfig;
use crate::layers::{GrowingDiscriminator, GrowingOptions, Pyramid, blur_filter};
use crate::{Condition, ConditionSpec, Discriminator, DiscriminatorOutput, DiscriminatorSpec, Result};
use candle_core::Tensor;
use candle_nn::VarBuilder;

/// The StyleGAN discriminator: that of PGGAN with a low-pass filter before each downsampling.
#[derive(Debug, Clone)]
pub struct StyleGan1Discriminator {
    config: StyleGan1DiscriminatorConfig,
    spec: DiscriminatorSpec,
    network: GrowingDiscriminator,
}

impl StyleGan1Discriminator {
    /// The blocks `b{r}` of `vb`: `b{r}.fromrgb`, `b{r}.conv0`, `b{r}.conv1`, and `b4.fromrgb`,
    /// `b4.conv`, `b4.fc`, `b4.out`.
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &StyleGan1DiscriminatorConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let options = GrowingOptions {
            img_size: config.img_size,
            img_channels: config.img_channels,
            channel_base: config.channel_base,
            channel_max: config.channel_max,
            fused_scale: config.fused_scale,
            filter: blur_filter(&config.blur_filter),
            activate_before_pooling: false,
            mbstd_group: config.mbstd_group,
            mbstd_channels: config.mbstd_channels,
            outputs: config.c_dim.max(1),
        };
        let spec = DiscriminatorSpec {
            img_size: config.img_size,
            img_channels: config.img_channels,
            condition: ConditionSpec::label(config.c_dim),
            max_lod: Pyramid::new(config.img_size)?.max_lod(),
        };
        Ok(Self { config: config.clone(), spec, network: GrowingDiscriminator::new(options, vb)? })
    }

    /// Images at full size `[n, img_channels, h, w]` to all their scores `[n, max(c_dim, 1)]`, one per
    /// class: what a classifier of this architecture answers.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn scores(&self, img: &Tensor) -> Result<Tensor> {
        self.network.forward(img, 0.)
    }

    /// Images at full size `[n, img_channels, h, w]` to the activations `[n, channels]` of the layer before the scores: in
    /// what pictures differ that a classifier of this architecture tells apart.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn features(&self, img: &Tensor) -> Result<Tensor> {
        self.network.features(img, 0.)
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &StyleGan1DiscriminatorConfig {
        &self.config
    }
}

impl Discriminator for StyleGan1Discriminator {
    fn spec(&self) -> &DiscriminatorSpec {
        &self.spec
    }

    fn forward(&self, img: &Tensor, condition: Condition, lod: f64) -> Result<DiscriminatorOutput> {
        let labels = condition.labels(img.dim(0)?, self.config.c_dim)?;
        let scores = self.network.forward(img, lod)?;
        Ok(DiscriminatorOutput::one(match labels {
            Some(labels) => (scores * labels)?.sum_keepdim(1)?,
            None => scores,
        }))
    }
}
