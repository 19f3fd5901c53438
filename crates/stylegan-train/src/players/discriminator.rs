//! The discriminator's turn.

use super::{Turn, signs, values};
use crate::Result;
use crate::config::LossConfig;
use crate::losses::{logistic, wgan_gp};
use crate::shards::Share;
use crate::stats::Stats;
use candle_core::{Tensor, Var};
use stylegan_kernels::autodiff;

/// A shard's gradient of the discriminator's loss, summed over its samples: `real` pictures
/// `[n, c, h, w]` with their labels, and as many generated ones for the global samples `indices`.
///
/// Each term of the loss is differentiated on its own and its graph dropped before the next begins:
/// the peak of memory is that of one term.
pub(crate) fn share(turn: &Turn, indices: &[u64], real: &Tensor, real_labels: Option<&Tensor>) -> Result<Share> {
    let lod = turn.phase.lod;
    let d = turn.networks.d_trained.as_ref();
    let fake = turn.draws.generate(turn.networks.g_frozen.as_ref(), indices, lod)?;
    let mut stats = Stats::default();
    let mut gradient = Vec::new();

    let fake_logits = d.forward(&fake.pictures, fake.labels.as_ref(), lod)?;
    let fake_loss = match turn.config.loss {
        LossConfig::Logistic { .. } => logistic::discriminator_fake(&fake_logits)?,
        LossConfig::WganGp { .. } => wgan_gp::critic_fake(&fake_logits)?,
    };
    add_gradient(turn, &mut gradient, &fake_loss)?;
    let mut losses = report(&mut stats, "fake", &fake_logits, &fake_loss)?;
    drop((fake_logits, fake_loss));

    match turn.config.loss {
        LossConfig::Logistic { r1_gamma } => {
            let pictures = Var::from_tensor(real)?;
            let logits = d.forward(pictures.as_tensor(), real_labels, lod)?;
            let loss = logistic::discriminator_real(&logits)?;
            if r1_gamma > 0. {
                let penalty = logistic::r1(&logits, &pictures)?;
                stats.extend("Loss/r1_penalty", values(&penalty)?);
                let weighted = (penalty * (r1_gamma / 2.))?;
                stats.extend("Loss/D/reg", values(&weighted)?);
                add_gradient(turn, &mut gradient, &(&loss + weighted)?)?;
            } else {
                add_gradient(turn, &mut gradient, &loss)?;
            }
            add(&mut losses, report(&mut stats, "real", &logits, &loss)?);
        }
        LossConfig::WganGp { lambda, drift, target, .. } => {
            let logits = d.forward(real, real_labels, lod)?;
            let loss = wgan_gp::critic_real(&logits, drift)?;
            add_gradient(turn, &mut gradient, &loss)?;
            add(&mut losses, report(&mut stats, "real", &logits, &loss)?);
            drop((logits, loss));
            let mixed = wgan_gp::mixed(real, &fake.pictures, &turn.draws.blend(indices)?)?;
            let logits = d.forward(mixed.as_tensor(), fake.labels.as_ref(), lod)?;
            let penalty = (wgan_gp::gradient_penalty(&logits, &mixed, target)? * lambda)?;
            stats.extend("Loss/D/reg", values(&penalty)?);
            add_gradient(turn, &mut gradient, &penalty)?;
        }
    }
    stats.extend("Loss/D/loss", losses);
    gradient.extend(fake.style_sum);
    Ok(Share { values: gradient, stats })
}

/// Adds the gradient of a loss per sample `[n]`, summed, to `gradient`.
fn add_gradient(turn: &Turn, gradient: &mut Vec<f32>, loss: &Tensor) -> Result<()> {
    let found = autodiff::backward(&loss.sum_all()?)?;
    let flat = turn.optimizer.flatten(|weight| found.get(weight.as_tensor()))?;
    if gradient.is_empty() {
        *gradient = flat;
    } else {
        add(gradient, flat);
    }
    Ok(())
}

fn add<T: std::ops::AddAssign>(sums: &mut [T], others: Vec<T>) {
    sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
}

/// Notes scores and signs; returns the losses.
fn report(stats: &mut Stats, which: &str, logits: &Tensor, loss: &Tensor) -> Result<Vec<f64>> {
    let scores = values(logits)?;
    stats.extend(&format!("Loss/signs/{which}"), signs(&scores));
    stats.extend(&format!("Loss/scores/{which}"), scores);
    values(loss)
}
