//! `Dreg`: the discriminator along its R1 penalty.

use super::{Gan, not_configured};
use crate::Result;
use crate::config::LossConfig;
use crate::losses::logistic;
use crate::recipe::{GRADIENT, gradient, values};
use crate::shards::ShardSums;
use crate::stats::Stats;
use candle_core::{Tensor, Var};

impl Gan {
    /// A shard's part in `Dreg`, the R1 penalty on `real` images `[n, c, h, w]` at a level of detail,
    /// which counts `gain` times (lazy regularisation; StyleGAN2, section 3.1).
    ///
    /// # Errors
    /// When shapes do not fit, or the configuration has no R1 penalty.
    pub fn dreg(&self, real: &Tensor, labels: Option<&Tensor>, lod: f64, gain: f64) -> Result<ShardSums> {
        let LossConfig::Logistic { r1_gamma, .. } = self.loss else {
            return Err(not_configured("R1 penalty", "loss"));
        };
        let images = Var::from_tensor(real)?;
        let logits = self.networks.d_trained.forward(images.as_tensor(), labels, lod)?;
        let mut sums = ShardSums::default();
        let weighted = weighted_penalty(&logits, &images, r1_gamma, &mut sums.stats)?;
        sums.named.set(GRADIENT, gradient(&self.opt_d, &(weighted * gain)?)?);
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
