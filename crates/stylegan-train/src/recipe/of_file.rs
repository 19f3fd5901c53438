//! A [`RecipeConfig`] as the configuration of a run.

use super::{Recipe, RunConfig, RunSettings};
use crate::Result;
use crate::config::{ByResolution, RecipeConfig};
use crate::data::Dataset;
use candle_core::Device;
use std::collections::BTreeMap;
use stylegan_core::NetworkConfig;
use stylegan_core::checkpoint::Checkpoint;

impl RunConfig for RecipeConfig {
    fn settings(&self, dataset: &Dataset) -> Result<RunSettings> {
        of(self).settings(dataset)
    }

    fn recipe(&self, dataset: &Dataset, checkpoint: Option<&Checkpoint>, device: &Device) -> Result<Box<dyn Recipe>> {
        of(self).recipe(dataset, checkpoint, device)
    }
}

impl RecipeConfig {
    /// The networks by their prefix in checkpoints, at each resolution that training computes.
    pub fn networks(&self) -> ByResolution<BTreeMap<String, NetworkConfig>> {
        match self {
            Self::Gan(config) => config.networks(),
            Self::Spade(config) => ByResolution::new(config.networks(), []),
            Self::Encoder(config) => ByResolution::new(config.networks(), []),
        }
    }
}

fn of(config: &RecipeConfig) -> &dyn RunConfig {
    match config {
        RecipeConfig::Gan(config) => config.as_ref(),
        RecipeConfig::Spade(config) => config.as_ref(),
        RecipeConfig::Encoder(config) => config.as_ref(),
    }
}
