//! `Dreg`: the discriminator along its R1 penalty.

use super::{Gan, REAL_SIGNS, not_configured, seen, signs};
use crate::Result;
use crate::augment::ShardAugment;
use crate::config::LossConfig;
use crate::losses::logistic;
use crate::recipe::{GRADIENT, gradient, values};
use crate::shards::ShardSums;
use crate::stats::Stats;
use candle_core::{Tensor, Var};

impl Gan {
    /// A shard's part in `Dreg`, the R1 penalty on `real` images `[n, c, h, w]` (with their labels) at a level of detail,
    /// which counts `gain` times (lazy regularisation; StyleGAN2, section 3.1). The derivative is that
    /// with respect to images before they are augmented by `augment`.
    ///
    /// # Errors
    /// When shapes do not fit, or the configuration has no R1 penalty.
    pub fn dreg(
        &self,
        (real, labels): (&Tensor, Option<&Tensor>),
        lod: f64,
        gain: f64,
        augment: Option<&ShardAugment>,
    ) -> Result<ShardSums> {
        let LossConfig::Logistic { r1_gamma, .. } = self.config.loss else {
            return Err(not_configured("R1 penalty", "loss"));
        };
        let images = Var::from_tensor(real)?;
        let augmented = seen(augment, "R1 augment", images.as_tensor())?;
        let logits = self.networks.d_trained.logits(&augmented, labels.into(), lod)?;
        let mut sums = ShardSums::default();
        let weighted = weighted_penalty(&logits, &images, r1_gamma, &mut sums.stats)?;
        sums.named.set(GRADIENT, gradient(&self.opt_d, &(weighted * gain)?)?);
        if augment.is_some() {
            sums.named.set(REAL_SIGNS, signs(&values(&logits)?));
        }
        Ok(sums)
    }
}

/// `gamma / 2 · |∇D(x)|²` per sample `[n]`.
pub(super) fn weighted_penalty(logits: &Tensor, images: &Var, gamma: f64, stats: &mut Stats) -> Result<Tensor> {
    let penalty = logistic::r1(logits, images)?;
    stats.extend("Loss/r1_penalty", values(&penalty)?);
    let weighted = (penalty * (gamma / 2.))?;
    stats.extend("Loss/D/reg", values(&weighted)?);
    Ok(weighted)
}
