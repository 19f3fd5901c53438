//! `Dmain`: the discriminator along its loss.

use super::dreg::weighted_penalty;
use super::labels::{judge, with_guess};
use super::{Gan, Latents, REAL_SIGNS, W_SUM, seen, signs};
use crate::Result;
use crate::augment::ShardAugment;
use crate::config::LossConfig;
use crate::losses::{logistic, wgan_gp};
use crate::recipe::{GRADIENT, gradient, sign, values};
use crate::shards::ShardSums;
use crate::stats::Stats;
use candle_core::{Tensor, Var};
use stylegan_core::SynthesisOptions;

impl Gan {
    /// A shard's part in `Dmain`: `real` images `[n, c, h, w]` with their labels, and as many generated
    /// ones. `blend` `[n, 1, 1, 1]`, uniform in [0, 1), is where between the
    /// two WGAN-GP's penalty looks.
    ///
    /// Real and generated images are seen as `augment` makes them, each in its own way; R1 is taken with
    /// respect to real ones before that, WGAN-GP's penalty between those after it.
    ///
    /// Each term of the loss is differentiated on its own and its graph dropped before the next
    /// begins: the peak of memory is that of one term, and real and generated pictures form their
    /// own minibatch statistics. A discriminator that guesses labels is told how far it is from them by the
    /// terms of both.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn dmain(
        &self,
        latents: &Latents,
        options: &SynthesisOptions,
        (real, real_labels): (&Tensor, Option<&Tensor>),
        blend: &Tensor,
        augment: Option<&ShardAugment>,
    ) -> Result<ShardSums> {
        let (lod, labels) = (options.lod, latents.labels.as_ref());
        let (d, g) = (self.networks.d_trained.as_ref(), self.networks.g_frozen.as_ref());
        let (ws, w_sum) = latents.styles(g)?;
        let fake = seen(augment, "D augment fake", &g.synthesis(&ws, options)?)?;
        let augmented = |real: &Tensor| seen(augment, "D augment real", real);
        let mut stats = Stats::default();

        let (logits, guess) = judge(d, &fake, labels, lod)?;
        let loss = match self.config.loss {
            LossConfig::Logistic { .. } => logistic::discriminator_fake(&logits)?,
            LossConfig::WganGp { .. } => wgan_gp::critic_fake(&logits)?,
        };
        let mut sums = gradient(&self.opt_d, &with_guess(&loss, guess.as_ref(), "D", &mut stats)?)?;
        let (_, mut losses) = report(&mut stats, "fake", &logits, &loss)?;
        drop((logits, loss, guess));

        let (scores, real_losses) = match self.config.loss {
            LossConfig::Logistic { r1_gamma, r1_interval: 1 } if r1_gamma > 0. => {
                let pictures = Var::from_tensor(real)?;
                let (logits, guess) = judge(d, &augmented(pictures.as_tensor())?, real_labels, lod)?;
                let loss = logistic::discriminator_real(&logits)?;
                let weighted = weighted_penalty(&logits, &pictures, r1_gamma, &mut stats)?;
                let all = with_guess(&(&loss + weighted)?, guess.as_ref(), "D", &mut stats)?;
                sums.add(&gradient(&self.opt_d, &all)?)?;
                report(&mut stats, "real", &logits, &loss)?
            }
            LossConfig::Logistic { .. } => {
                let (logits, guess) = judge(d, &augmented(real)?, real_labels, lod)?;
                let loss = logistic::discriminator_real(&logits)?;
                sums.add(&gradient(&self.opt_d, &with_guess(&loss, guess.as_ref(), "D", &mut stats)?)?)?;
                report(&mut stats, "real", &logits, &loss)?
            }
            LossConfig::WganGp { lambda, drift, target, .. } => {
                let real = augmented(real)?;
                let (logits, guess) = judge(d, &real, real_labels, lod)?;
                let loss = wgan_gp::critic_real(&logits, drift)?;
                sums.add(&gradient(&self.opt_d, &with_guess(&loss, guess.as_ref(), "D", &mut stats)?)?)?;
                let reported = report(&mut stats, "real", &logits, &loss)?;
                drop((logits, loss, guess));
                let mixed = wgan_gp::mixed(&real, &fake, blend)?;
                let logits = d.logits(mixed.as_tensor(), labels.into(), lod)?;
                let penalty = (wgan_gp::gradient_penalty(&logits, &mixed, target)? * lambda)?;
                stats.extend("Loss/D/reg", values(&penalty)?);
                sums.add(&gradient(&self.opt_d, &penalty)?)?;
                reported
            }
        };
        losses.iter_mut().zip(real_losses).for_each(|(sum, loss)| *sum += loss);
        stats.extend("Loss/D/loss", losses);
        let mut shard = ShardSums { stats, ..ShardSums::default() };
        shard.named.set(GRADIENT, sums);
        shard.named.set(W_SUM, w_sum);
        if augment.is_some() {
            shard.named.set(REAL_SIGNS, signs(&scores));
        }
        Ok(shard)
    }
}

/// Notes scores and signs; returns scores and losses.
fn report(stats: &mut Stats, which: &str, logits: &Tensor, loss: &Tensor) -> Result<(Vec<f64>, Vec<f64>)> {
    let scores = values(logits)?;
    stats.extend(&format!("Loss/signs/{which}"), scores.iter().map(|&score| sign(score)));
    stats.extend(&format!("Loss/scores/{which}"), scores.iter().copied());
    Ok((scores, values(loss)?))
}
