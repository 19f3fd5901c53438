//! What the discriminator says of pictures that are held back from training.

use super::{Gan, SCORES, seen, sign};
use crate::Result;
use crate::augment::ShardAugment;
use crate::data::Batch;
use crate::recipe::values;
use crate::shards::ShardSums;

impl Gan {
    /// Adds to a shard's part in `Dmain` the scores of as many pictures that are held back, augmented like those that are
    /// trained on. No gradient comes of them.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub(super) fn validate(
        &self,
        held_back: &Batch,
        lod: f64,
        augment: Option<&ShardAugment>,
        sums: &mut ShardSums,
    ) -> Result<()> {
        let held_back = held_back.to_device(self.networks.g.device())?;
        let images = seen(augment, "D augment held back", &held_back.images)?;
        let scores = values(&self.networks.d_frozen.logits(&images, held_back.labels.as_ref().into(), lod)?)?;
        sums.stats.extend("Loss/signs/held_back", scores.iter().map(|&score| sign(score)));
        sums.stats.extend("Loss/scores/held_back", scores.iter().copied());
        let sum = |which: &str| sums.stats.get(&format!("Loss/scores/{which}")).sum as f32;
        let all = ["real", "held_back", "fake"].map(sum).to_vec();
        sums.named.set(SCORES, all);
        Ok(())
    }
}
