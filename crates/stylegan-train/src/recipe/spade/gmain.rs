//! `Gmain`: generator and encoder along their loss.

use super::Spade;
use super::painting::{Example, Painted, features, judge, logits, paint};
use crate::Result;
use crate::losses::scales::feature_matching::feature_matching;
use crate::losses::scales::kl_divergence::kl_divergence;
use crate::recipe::running::RUNNING;
use crate::recipe::sum_of_terms;
use crate::shards::ShardSums;
use candle_core::{DType, Tensor};

impl Spade {
    /// A shard's part in `Gmain`: the adversarial loss, feature matching, the perceptual loss and, with an
    /// encoder, the divergence of its latents (Park et al. 2019, appendix A). `noise` `[n, z_dim]` is standard
    /// normal. Real pictures need no graph of their own: what is matched with theirs does not move them.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn gmain(&self, example: &Example, noise: &Tensor) -> Result<ShardSums> {
        let (networks, weights) = (&self.networks, &self.loss);
        let Painted { images, code, running } =
            paint(networks.g_trained.as_ref(), networks.e_trained.as_ref(), example, noise)?;
        let said = judge(&networks.d_frozen, &images, &example.map)?;
        let mut terms = vec![("gan", weights.gan.generator(&logits(&said))?)];
        if weights.feature_matching > 0. {
            let of_real = judge(&networks.d_frozen, &example.images, &example.map)?;
            let matched = feature_matching(&features(&said), &features(&of_real))?;
            terms.push(("features", (matched * weights.feature_matching)?));
        }
        if let Some(looks) = &self.looks {
            let seen = |images: &Tensor| Ok::<_, crate::Error>(looks.activations(&images.to_dtype(DType::F32)?)?);
            let distance = looks.between(&seen(&images)?, &seen(&example.images)?)?.to_dtype(images.dtype())?;
            terms.push((&self.looks_key, (distance * weights.perceptual)?));
        }
        if let Some(code) = &code {
            terms.push(("kl", (kl_divergence(&code.mean, &code.log_variance)? * weights.kl)?));
        }
        let mut sums = sum_of_terms("G", &self.opt_g, terms)?;
        sums.named.set(RUNNING, running);
        Ok(sums)
    }
}
