//! `Greg`: the generator along its path length penalty.

use super::{Gan, Latents, PL_LENGTH, W_SUM, not_configured};
use crate::Result;
use crate::losses::path_length::path_length;
use crate::recipe::{GRADIENT, gradient, values};
use crate::shards::ShardSums;
use candle_core::Tensor;
use stylegan_core::SynthesisOptions;

impl Gan {
    /// A shard's part in `Greg`, path length regularisation (StyleGAN2, section 3.2). `noise` is
    /// standard normal, `[n, channels, h, w]`. The penalty is drawn to the running mean as this
    /// shard alone would move it, and counts `gain` times.
    ///
    /// # Errors
    /// When shapes do not fit, or the configuration has no path length regularisation.
    pub fn greg(&self, latents: &Latents, options: &SynthesisOptions, noise: &Tensor, gain: f64) -> Result<ShardSums> {
        let config = self.config.path_length.as_ref();
        let config = config.ok_or_else(|| not_configured("path length regularisation", "path_length"))?;
        let generator = self.networks.g_trained.as_ref();
        let (ws, w_sum) = latents.styles(generator)?;
        let found = path_length(generator, &ws, noise, options, self.pl_mean, config.decay)?;
        let weighted = (&found.penalty * config.weight)?;
        let lengths = values(&found.lengths)?;
        let mut sums = ShardSums::default();
        sums.named.set(PL_LENGTH, vec![lengths.iter().sum::<f64>() as f32]);
        sums.stats.extend("Loss/pl_length", lengths);
        sums.stats.extend("Loss/pl_penalty", values(&found.penalty)?);
        sums.stats.extend("Loss/G/reg", values(&weighted)?);
        sums.named.set(GRADIENT, gradient(&self.opt_g, &(weighted * gain)?)?);
        sums.named.set(W_SUM, w_sum);
        Ok(sums)
    }
}
