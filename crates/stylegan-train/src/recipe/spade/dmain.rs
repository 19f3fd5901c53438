//! `Dmain`: the discriminator along its loss.

use super::Spade;
use super::painting::{Example, Painted, judge, logits, paint, signs};
use crate::Result;
use crate::recipe::running::RUNNING;
use crate::recipe::{GRADIENT, gradient, values};
use crate::shards::ShardSums;
use candle_core::Tensor;

impl Spade {
    /// A shard's part in `Dmain`: real pictures, and generated ones of the same maps, which the generator makes
    /// anew, in training mode: its running statistics and singular vectors move once more, as in the
    /// original. `noise` `[n, z_dim]` is standard normal.
    ///
    /// Each term is differentiated on its own, and its graph dropped before the next begins.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn dmain(&self, example: &Example, noise: &Tensor) -> Result<ShardSums> {
        let (networks, d) = (&self.networks, &self.networks.d_trained);
        let Painted { images, running, .. } =
            paint(networks.g_frozen.as_ref(), networks.e_frozen.as_ref(), example, noise)?;
        let mut sums = ShardSums::default();

        let said = judge(d, &images, &example.map)?;
        let loss = self.loss.gan.discriminator_fake(&logits(&said))?;
        let mut total = values(&loss)?;
        let mut slope = gradient(&self.opt_d, &loss)?;
        sums.stats.extend("Loss/D/fake", total.iter().copied());
        sums.stats.extend("Loss/signs/fake", signs(&said)?);
        drop((said, loss));

        let said = judge(d, &example.images, &example.map)?;
        let loss = self.loss.gan.discriminator_real(&logits(&said))?;
        let of_real = values(&loss)?;
        sums.stats.extend("Loss/D/real", of_real.iter().copied());
        sums.stats.extend("Loss/signs/real", signs(&said)?);
        total.iter_mut().zip(of_real).for_each(|(sum, loss)| *sum += loss);
        slope.add(&gradient(&self.opt_d, &loss)?)?;
        sums.stats.extend("Loss/D/loss", total);
        sums.named.set(GRADIENT, slope);
        sums.named.set(RUNNING, running);
        Ok(sums)
    }
}
