//! `Gmain`: the generator along its loss.

use super::labels::{judge, with_guess};
use super::{Gan, Latents, W_SUM, seen};
use crate::Result;
use crate::augment::ShardAugment;
use crate::config::LossConfig;
use crate::losses::{logistic, wgan_gp};
use crate::recipe::{GRADIENT, gradient, values};
use crate::shards::ShardSums;
use stylegan_core::SynthesisOptions;

impl Gan {
    /// A shard's part in `Gmain`, judged by the frozen discriminator from images augmented by `augment`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn gmain(
        &self,
        latents: &Latents,
        options: &SynthesisOptions,
        augment: Option<&ShardAugment>,
    ) -> Result<ShardSums> {
        let (ws, w_sum) = latents.styles(self.networks.g_trained.as_ref())?;
        let images = self.networks.g_trained.synthesis(&ws, options)?;
        let images = seen(augment, "G augment", &images)?;
        let d = self.networks.d_frozen.as_ref();
        let (logits, guess) = judge(d, &images, latents.labels.as_ref(), options.lod)?;
        let loss = match self.config.loss {
            LossConfig::Logistic { .. } => logistic::generator(&logits)?,
            LossConfig::WganGp { .. } => wgan_gp::generator(&logits)?,
        };
        let mut sums = ShardSums::default();
        sums.stats.extend("Loss/G/loss", values(&loss)?);
        let loss = with_guess(&loss, guess.as_ref(), "G", &mut sums.stats)?;
        sums.named.set(GRADIENT, gradient(&self.opt_g, &loss)?);
        sums.named.set(W_SUM, w_sum);
        Ok(sums)
    }
}
