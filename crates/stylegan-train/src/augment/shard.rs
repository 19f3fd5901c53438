//! Augmentation of the images of one shard.

use super::{AugmentConfig, Augmentation};
use crate::inputs::random::RandomInputs;
use candle_core::{Result, Tensor};

/// What the discriminator sees of a shard's samples.
#[derive(Debug, Clone, Copy)]
pub struct ShardAugment<'a> {
    /// Which augmentations there are.
    pub config: &'a AugmentConfig,
    /// Their probability.
    pub p: f64,
    /// The samples' random inputs.
    pub random: &'a RandomInputs<'a>,
}

impl ShardAugment<'_> {
    /// The images `[n, c, h, w]` of the shard's samples as the discriminator sees them; the purpose
    /// tells apart what is augmented independently. Differentiable twice.
    ///
    /// # Errors
    /// When there are not as many images as samples.
    pub fn apply(&self, purpose: &'static str, images: &Tensor) -> Result<Tensor> {
        let (_, c, h, w) = images.dims4()?;
        let key = self.random.key(purpose);
        Augmentation::draw(self.config, self.p, &key, &self.random.indices, [c, h, w])?.apply(images)
    }
}
