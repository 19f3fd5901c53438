//! What a shard looks at: the order of the pictures, images decoded ahead, random inputs.

pub mod order;
pub(crate) mod plan;
pub(crate) mod prefetch;
pub mod random;

use crate::data::Batch;
use crate::schedule::Stage;
use crate::{Error, Result};
use random::RandomInputs;

/// All that a shard looks at besides the parameters.
#[derive(Debug, Clone)]
pub struct ShardInput<'a> {
    /// What holds at this moment: level of detail, sizes, learning rate.
    pub stage: &'a Stage,
    /// Random inputs of its samples.
    pub random: RandomInputs<'a>,
    /// Its real images at this level of detail, with their labels, and their maps if the recipe asks
    /// for them; `None` in phases without.
    pub reals: Option<Batch>,
    /// As many pictures that are held back from training, if the run has some and the phase looks at them.
    pub held_back: Option<Batch>,
}

impl ShardInput<'_> {
    /// The real images.
    ///
    /// # Errors
    /// In a phase without.
    pub fn reals(&self) -> Result<&Batch> {
        self.reals.as_ref().ok_or_else(|| Error::Config {
            place: "this phase".into(),
            problem: "looks at real images, which its record leaves out; set `reals` there".into(),
        })
    }
}
