//! Losses of the game between generator and discriminator.

use super::mean;
use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_kernels::{Activation, bias_act};

/// What a discriminator's logits are driven to (`gan_mode` of SPADE's code).
///
/// Logits come as one map `[n, 1, h, w]` for each scale, high for real. Each loss is the mean over a sample's
/// patches, then over the scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GanLoss {
    /// Real above 1, generated below -1 (Lim and Ye 2017): SPADE and pix2pixHD++.
    Hinge,
    /// Squared distances to 1 and 0 (Mao et al. 2017): pix2pixHD.
    #[serde(rename = "lsgan")]
    Ls,
    /// Cross-entropy; the generator's is the non-saturating one (Goodfellow et al. 2014).
    Original,
    /// The logits themselves (Arjovsky et al. 2017), without a penalty.
    #[serde(rename = "wgan")]
    W,
}

impl GanLoss {
    /// The generator's loss per sample `[n]`.
    ///
    /// # Errors
    /// When there are no scales.
    pub fn generator(self, fake: &[Tensor]) -> Result<Tensor> {
        over_scales(fake, |logits| match self {
            // Never cut off: the generator gains from any logit.
            Self::Hinge | Self::W => logits.neg(),
            Self::Ls => (logits - 1.)?.sqr(),
            Self::Original => softplus(&logits.neg()?),
        })
    }

    /// The discriminator's loss per generated sample `[n]`.
    ///
    /// # Errors
    /// When there are no scales.
    pub fn discriminator_fake(self, fake: &[Tensor]) -> Result<Tensor> {
        over_scales(fake, |logits| match self {
            Self::Hinge => (logits + 1.)?.relu(),
            Self::Ls => logits.sqr(),
            Self::Original => softplus(logits),
            Self::W => Ok(logits.clone()),
        })
    }

    /// The discriminator's loss per real sample `[n]`.
    ///
    /// # Errors
    /// When there are no scales.
    pub fn discriminator_real(self, real: &[Tensor]) -> Result<Tensor> {
        over_scales(real, |logits| match self {
            Self::Hinge => logits.affine(-1., 1.)?.relu(),
            Self::Ls => (logits - 1.)?.sqr(),
            Self::Original => softplus(&logits.neg()?),
            Self::W => logits.neg(),
        })
    }
}

fn over_scales(scales: &[Tensor], of: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    mean(scales.iter().map(|logits| of(logits)?.flatten_from(1)?.mean(1)))
}

/// `ln(1 + e^x)`.
fn softplus(x: &Tensor) -> Result<Tensor> {
    bias_act(x, None, Activation::Softplus.into())
}
