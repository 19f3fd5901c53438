//! What the configuration of a run must say, whatever is trained.

use super::Recipe;
use crate::Result;
use crate::config::{ByResolution, OutputConfig};
use crate::data::{BatchMaps, Dataset};
use crate::schedule::Schedule;
use crate::shards::Reduction;
use candle_core::Device;
use std::collections::BTreeMap;
use std::sync::Arc;
use stylegan_core::NetworkConfig;
use stylegan_core::checkpoint::Checkpoint;

/// A configuration that describes a run: the settings that all runs have, and the recipe that is its own.
pub trait RunConfig: Sync {
    /// The settings, for a data set that must fit.
    ///
    /// # Errors
    /// When the configuration describes no run on these pictures.
    fn settings(&self, dataset: &Dataset) -> Result<RunSettings>;

    /// The recipe before the first step; or with the networks of a checkpoint, where optimisers and
    /// buffers are restored by the caller. Its networks compute on `device`; what a shard looks at comes in main memory.
    ///
    /// # Errors
    /// When a network cannot be built, or the checkpoint lacks one, or this recipe does not work on the device.
    fn recipe(&self, dataset: &Dataset, checkpoint: Option<&Checkpoint>, device: &Device) -> Result<Box<dyn Recipe>>;
}

/// What every run has, whatever its recipe.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// Seed of weights, random inputs and data order.
    pub seed: u64,
    /// Level of detail, batch, shard and learning rate by images seen.
    pub schedule: Schedule,
    /// Shards handled side by side.
    pub at_once: usize,
    /// How the sums of several ranks become one.
    pub reduction: Reduction,
    /// Whether each picture is mirrored with probability one half.
    pub mirror: bool,
    /// Which maps come with the real images.
    pub maps: BatchMaps,
    /// The class of maps that stands for pixels without one, which files of the networks say.
    pub no_class: Option<usize>,
    /// Whether a shard is the whole batch because a normalisation looks at all of it: then there is nothing
    /// for a second rank to do, and several are refused.
    pub whole_batch: bool,
    /// The pictures of the set that are trained on; `None` for all.
    pub pictures: Option<Arc<[usize]>>,
    /// Others, which phases may look at without training on them; `None` for none.
    pub held_back: Option<Arc<[usize]>>,
    /// Whether optimisers forget their moments where the schedule's growth takes a step.
    pub reset_on_growth: bool,
    /// What is written, and how often.
    pub output: OutputConfig,
    /// The networks by their prefix, at each resolution that training computes: what a checkpoint must have been
    /// trained with. The same at all, unless larger ones take the place of smaller ones.
    pub networks: ByResolution<BTreeMap<String, NetworkConfig>>,
    /// The configuration as `config.toml` holds it.
    pub toml: String,
    /// As JSON, the part of it that steps depend on; kept in checkpoints.
    pub decisive: String,
}
