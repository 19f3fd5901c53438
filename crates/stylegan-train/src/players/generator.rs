//! The generator's turn.

use super::{Turn, values};
use crate::Result;
use crate::config::LossConfig;
use crate::losses::{logistic, wgan_gp};
use crate::shards::Share;
use crate::stats::Stats;
use stylegan_kernels::autodiff;

/// A shard's gradient of the generator's loss, summed over the global samples `indices`, judged by
/// the frozen discriminator.
pub(crate) fn share(turn: &Turn, indices: &[u64]) -> Result<Share> {
    let lod = turn.phase.lod;
    let fake = turn.draws.generate(turn.networks.g_trained.as_ref(), indices, lod)?;
    let logits = turn.networks.d_frozen.forward(&fake.pictures, fake.labels.as_ref(), lod)?;
    let loss = match turn.config.loss {
        LossConfig::Logistic { .. } => logistic::generator(&logits)?,
        LossConfig::WganGp { .. } => wgan_gp::generator(&logits)?,
    };
    let mut stats = Stats::default();
    stats.extend("Loss/G/loss", values(&loss)?);
    let found = autodiff::backward(&loss.sum_all()?)?;
    let mut gradient = turn.optimizer.flatten(|weight| found.get(weight.as_tensor()))?;
    gradient.extend(fake.style_sum);
    Ok(Share { values: gradient, stats })
}
