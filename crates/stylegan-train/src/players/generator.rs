//! The generator's turn.

use super::{Latents, Players, gradient, values};
use crate::Result;
use crate::config::LossConfig;
use crate::losses::{logistic, wgan_gp};
use crate::shards::Share;
use crate::stats::Stats;
use stylegan_core::SynthesisOptions;

impl Players {
    /// A shard's part in the generator's turn, judged by the frozen discriminator.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn generator(&self, latents: &Latents, options: &SynthesisOptions) -> Result<Share> {
        let (ws, style_sum) = latents.styles(self.networks.g_trained.as_ref())?;
        let pictures = self.networks.g_trained.synthesis(&ws, options)?;
        let logits = self.networks.d_frozen.logits(&pictures, latents.labels.as_ref().into(), options.lod)?;
        let loss = match self.loss {
            LossConfig::Logistic { .. } => logistic::generator(&logits)?,
            LossConfig::WganGp { .. } => wgan_gp::generator(&logits)?,
        };
        let mut stats = Stats::default();
        stats.extend("Loss/G/loss", values(&loss)?);
        let mut sums = gradient(&self.opt_g, &loss)?;
        sums.extend(style_sum);
        Ok(Share { values: sums, stats })
    }
}
