//! The progressive discriminator.

use super::PgganDiscriminatorConfig;
use crate::layers::{GrowingDiscriminator, GrowingOptions, Pyramid};
use crate::{Condition, ConditionSpec, Discriminator, DiscriminatorOutput, DiscriminatorSpec, Result};
use candle_core::Tensor;
use candle_nn::VarBuilder;

/// The discriminator of Progressive GAN.
#[derive(Debug, Clone)]
pub struct PgganDiscriminator {
    config: PgganDiscriminatorConfig,
    spec: DiscriminatorSpec,
    network: GrowingDiscriminator,
}

impl PgganDiscriminator {
    /// The blocks `b{r}` of `vb`, named as those of
    /// [`StyleGan1Discriminator`](crate::stylegan1::StyleGan1Discriminator).
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &PgganDiscriminatorConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let options = GrowingOptions {
            img_size: config.img_size,
            img_channels: config.img_channels,
            channel_base: config.channel_base,
            channel_max: config.channel_max,
            fused_scale: config.fused_scale,
            filter: None,
            activate_before_pooling: true,
            mbstd_group: config.mbstd_group,
            mbstd_channels: 1,
            outputs: 1 + config.c_dim,
        };
        let spec = DiscriminatorSpec {
            img_size: config.img_size,
            img_channels: config.img_channels,
            condition: ConditionSpec::label(config.c_dim),
            max_lod: Pyramid::new(config.img_size)?.max_lod(),
        };
        Ok(Self { config: config.clone(), spec, network: GrowingDiscriminator::new(options, vb)? })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &PgganDiscriminatorConfig {
        &self.config
    }

    /// Images, as [`forward`](Discriminator::forward) takes them, to `[n, 1 + c_dim]`: the logit,
    /// then the logits of the auxiliary classifier (AC-GAN).
    ///
    /// # Errors
    /// When shapes do not fit, or `lod` is out of range.
    pub fn forward_with_classes(&self, img: &Tensor, lod: f64) -> Result<Tensor> {
        self.network.forward(img, lod)
    }
}

impl Discriminator for PgganDiscriminator {
    fn spec(&self) -> &DiscriminatorSpec {
        &self.spec
    }

    /// The label is not needed: this network guesses it, as [`classes`](DiscriminatorOutput::classes) say.
    fn forward(&self, img: &Tensor, condition: Condition, lod: f64) -> Result<DiscriminatorOutput> {
        condition.refuse_map()?;
        let all = self.forward_with_classes(img, lod)?;
        let logits = all.narrow(1, 0, 1)?.contiguous()?;
        let classes = match self.config.c_dim {
            0 => None,
            c_dim => Some(all.narrow(1, 1, c_dim)?.contiguous()?),
        };
        Ok(DiscriminatorOutput { classes, ..DiscriminatorOutput::one(logits) })
    }
}
