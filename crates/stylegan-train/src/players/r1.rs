//! The discriminator's regularising turn.

use super::{Players, gradient, not_configured, values};
use crate::Result;
use crate::config::LossConfig;
use crate::losses::logistic;
use crate::shards::Share;
use crate::stats::Stats;
use candle_core::{Tensor, Var};

impl Players {
    /// A shard's part in the turn of the R1 penalty on `real` pictures `[n, c, h, w]` at a level
    /// of detail, which counts as often as turns are left out (lazy regularisation; StyleGAN2, section 3.1).
    ///
    /// # Errors
    /// When shapes do not fit, or the configuration has no R1 penalty.
    pub fn r1(&self, real: &Tensor, labels: Option<&Tensor>, lod: f64) -> Result<Share> {
        let LossConfig::Logistic { r1_gamma, r1_interval } = self.loss else {
            return Err(not_configured("R1 penalty", "loss"));
        };
        let pictures = Var::from_tensor(real)?;
        let logits = self.networks.d_trained.logits(pictures.as_tensor(), labels.into(), lod)?;
        let mut stats = Stats::default();
        let weighted = weighted_penalty(&logits, &pictures, r1_gamma, &mut stats)?;
        Ok(Share { values: gradient(&self.opt_d, &(weighted * r1_interval as f64)?)?, stats })
    }
}

/// `gamma / 2 · |∇D(x)|²` per sample `[n]`.
pub(super) fn weighted_penalty(logits: &Tensor, pictures: &Var, gamma: f64, stats: &mut Stats) -> Result<Tensor> {
    let penalty = logistic::r1(logits, pictures)?;
    stats.extend("Loss/r1_penalty", values(&penalty)?);
    let weighted = (penalty * (gamma / 2.))?;
    stats.extend("Loss/D/reg", values(&weighted)?);
    Ok(weighted)
}
