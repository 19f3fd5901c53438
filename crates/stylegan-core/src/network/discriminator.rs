//! What every discriminator of the family can do.

use super::condition::Condition;
use super::spec::DiscriminatorSpec;
use crate::Result;
use crate::error::bad_argument;
use candle_core::Tensor;

/// A discriminator: images (and their condition) to logits, high for real.
pub trait Discriminator: Send + Sync {
    /// Its constants.
    fn spec(&self) -> &DiscriminatorSpec;

    /// Images `[n, img_channels, h, w]` and their condition to logits at every scale that the network looks
    /// at. Images come at full size, then a growing network first averages them down `floor(lod)` times; or
    /// they come at `size / 2^floor(lod)` already.
    ///
    /// # Errors
    /// When shapes do not fit, the condition is missing or of another kind, or `lod` lies outside
    /// `0..=max_lod`.
    fn forward(&self, img: &Tensor, condition: Condition, lod: f64) -> Result<DiscriminatorOutput>;

    /// The logits alone `[n, 1]` (`[n, 1, h, w]` of patches), from a discriminator of one scale.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), and when there are several scales.
    fn logits(&self, img: &Tensor, condition: Condition, lod: f64) -> Result<Tensor> {
        self.forward(img, condition, lod)?.into_logits()
    }
}

/// What a discriminator makes of a batch of images.
#[derive(Debug, Clone)]
pub struct DiscriminatorOutput {
    /// By scale, the largest first; one for the discriminators of StyleGAN and Progressive GAN.
    pub scales: Vec<Scale>,
    /// Scores of classes `[n, c_dim]`, from a network that guesses labels (AC-GAN; Odena et al. 2017).
    pub classes: Option<Tensor>,
}

/// The output at one scale.
#[derive(Debug, Clone)]
pub struct Scale {
    /// `[n, 1]`, or `[n, 1, h, w]` with one logit for each patch.
    pub logits: Tensor,
    /// Intermediate features `[n, c, h, w]` that feature matching compares (Wang et al. 2018, section 3.2),
    /// from the image on; none where no loss of the architecture's runs matches them.
    pub features: Vec<Tensor>,
}

impl DiscriminatorOutput {
    /// One scale without features.
    pub fn one(logits: Tensor) -> Self {
        Self { scales: vec![Scale { logits, features: vec![] }], classes: None }
    }

    /// The logits of the only scale.
    ///
    /// # Errors
    /// When there is not exactly one.
    pub fn into_logits(mut self) -> Result<Tensor> {
        match (self.scales.pop(), self.scales.len()) {
            (Some(scale), 0) => Ok(scale.logits),
            (last, others) => {
                let found = others + usize::from(last.is_some());
                bad_argument!("the discriminator has {found} scales, expected 1: read each scale of its output")
            }
        }
    }
}
