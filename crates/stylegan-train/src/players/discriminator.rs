//! The discriminator's turn.

use super::r1::weighted_penalty;
use super::{Latents, Players, gradient, signs, values};
use crate::Result;
use crate::config::LossConfig;
use crate::losses::{logistic, wgan_gp};
use crate::shards::Share;
use crate::stats::Stats;
use candle_core::{Tensor, Var};
use stylegan_core::SynthesisOptions;

impl Players {
    /// A shard's part in the discriminator's turn: `real` pictures `[n, c, h, w]` with their labels,
    /// and as many generated ones. `blend` `[n, 1, 1, 1]`, uniform in [0, 1), is where between the
    /// two WGAN-GP's penalty looks.
    ///
    /// Each term of the loss is differentiated on its own and its graph dropped before the next
    /// begins: the peak of memory is that of one term, and real and generated pictures form their
    /// own minibatch statistics.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn discriminator(
        &self,
        latents: &Latents,
        options: &SynthesisOptions,
        (real, real_labels): (&Tensor, Option<&Tensor>),
        blend: &Tensor,
    ) -> Result<Share> {
        let (lod, labels) = (options.lod, latents.labels.as_ref());
        let (d, g) = (self.networks.d_trained.as_ref(), self.networks.g_frozen.as_ref());
        let (ws, style_sum) = latents.styles(g)?;
        let fake = g.synthesis(&ws, options)?;
        let mut stats = Stats::default();

        let logits = d.logits(&fake, labels.into(), lod)?;
        let loss = match self.loss {
            LossConfig::Logistic { .. } => logistic::discriminator_fake(&logits)?,
            LossConfig::WganGp { .. } => wgan_gp::critic_fake(&logits)?,
        };
        let mut sums = gradient(&self.opt_d, &loss)?;
        let mut losses = report(&mut stats, "fake", &logits, &loss)?;
        drop((logits, loss));

        match self.loss {
            LossConfig::Logistic { r1_gamma, r1_interval: 1 } if r1_gamma > 0. => {
                let pictures = Var::from_tensor(real)?;
                let logits = d.logits(pictures.as_tensor(), real_labels.into(), lod)?;
                let loss = logistic::discriminator_real(&logits)?;
                let weighted = weighted_penalty(&logits, &pictures, r1_gamma, &mut stats)?;
                add(&mut sums, gradient(&self.opt_d, &(&loss + weighted)?)?);
                add(&mut losses, report(&mut stats, "real", &logits, &loss)?);
            }
            LossConfig::Logistic { .. } => {
                let logits = d.logits(real, real_labels.into(), lod)?;
                let loss = logistic::discriminator_real(&logits)?;
                add(&mut sums, gradient(&self.opt_d, &loss)?);
                add(&mut losses, report(&mut stats, "real", &logits, &loss)?);
            }
            LossConfig::WganGp { lambda, drift, target, .. } => {
                let logits = d.logits(real, real_labels.into(), lod)?;
                let loss = wgan_gp::critic_real(&logits, drift)?;
                add(&mut sums, gradient(&self.opt_d, &loss)?);
                add(&mut losses, report(&mut stats, "real", &logits, &loss)?);
                drop((logits, loss));
                let mixed = wgan_gp::mixed(real, &fake, blend)?;
                let logits = d.logits(mixed.as_tensor(), labels.into(), lod)?;
                let penalty = (wgan_gp::gradient_penalty(&logits, &mixed, target)? * lambda)?;
                stats.extend("Loss/D/reg", values(&penalty)?);
                add(&mut sums, gradient(&self.opt_d, &penalty)?);
            }
        }
        stats.extend("Loss/D/loss", losses);
        sums.extend(style_sum);
        Ok(Share { values: sums, stats })
    }
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
