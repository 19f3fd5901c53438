//! The generator's regularising turn.

use super::{Latents, Players, gradient, not_configured, values};
use crate::Result;
use crate::losses::path_length::path_length;
use crate::shards::Share;
use crate::stats::Stats;
use candle_core::Tensor;
use stylegan_core::SynthesisOptions;

impl Players {
    /// A shard's part in the turn of path length regularisation (StyleGAN2, section 3.2). `noise` is
    /// standard normal, `[n, channels, h, w]`. The penalty is drawn to the running mean as this
    /// shard alone would move it, and counts as often as turns are left out.
    ///
    /// # Errors
    /// When shapes do not fit, or the configuration has no path length regularisation.
    pub fn path_length(&self, latents: &Latents, options: &SynthesisOptions, noise: &Tensor) -> Result<Share> {
        let config = self.path_length.as_ref();
        let config = config.ok_or_else(|| not_configured("path length regularisation", "path_length"))?;
        let generator = self.networks.g_trained.as_ref();
        let (ws, style_sum) = latents.styles(generator)?;
        let found = path_length(generator, &ws, noise, options, self.pl_mean, config.decay)?;
        let weighted = (&found.penalty * config.weight)?;
        let lengths = values(&found.lengths)?;
        let length_sum = lengths.iter().sum::<f64>() as f32;
        let mut stats = Stats::default();
        stats.extend("Loss/pl_length", lengths);
        stats.extend("Loss/pl_penalty", values(&found.penalty)?);
        stats.extend("Loss/G/reg", values(&weighted)?);
        let mut sums = gradient(&self.opt_g, &(weighted * config.interval as f64)?)?;
        sums.extend(style_sum);
        sums.push(length_sum);
        Ok(Share { values: sums, stats })
    }
}
