//! A [`SpadeTrainConfig`] as the configuration of a run.

use super::{Parameters, Spade};
use crate::config::{ByResolution, RecipeConfig, SpadeTrainConfig};
use crate::data::{BatchMaps, Dataset};
use crate::recipe::maps;
use crate::recipe::{Recipe, RunConfig, RunSettings, check_pictures};
use crate::{Error, Result};
use candle_core::{DType, Device};
use rayon::prelude::*;
use std::collections::BTreeMap;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::{DiscriminatorConfig, EncoderConfig, NetworkConfig, Params};

impl RunConfig for SpadeTrainConfig {
    fn settings(&self, dataset: &Dataset) -> Result<RunSettings> {
        self.check()?;
        check_set(self, dataset)?;
        check_maps(self, dataset)?;
        Ok(RunSettings {
            seed: self.seed,
            schedule: self.schedule(),
            at_once: self.shards.at_once,
            reduction: self.shards.reduction,
            mirror: self.data.mirror,
            maps: if self.generator.map().1 { BatchMaps::LabelsAndEdges } else { BatchMaps::Labels },
            no_class: self.no_class(),
            whole_batch: self.generator.has_batch_norm(),
            pictures: None,
            held_back: None,
            reset_on_growth: false,
            output: self.output.clone(),
            networks: ByResolution::new(self.networks(), []),
            toml: self.to_toml()?,
            decisive: RecipeConfig::Spade(Box::new(self.clone())).to_json()?,
        })
    }

    fn recipe(&self, _dataset: &Dataset, checkpoint: Option<&Checkpoint>, device: &Device) -> Result<Box<dyn Recipe>> {
        if let Some(checkpoint) = checkpoint {
            return Ok(Box::new(Spade::load(self, checkpoint, device)?));
        }
        // Weights are addressed by (seed, name); other seeds keep equal names from getting equal weights.
        let params = |network: u64| Params::new(self.seed ^ (network << 62), DType::F32, device);
        Ok(Box::new(Spade::new(self, Parameters { g: params(0), d: params(2), e: params(1) })?))
    }
}

impl SpadeTrainConfig {
    /// The class that stands for pixels without one, if there is such a class.
    pub fn no_class(&self) -> Option<usize> {
        self.dont_care.then(|| self.generator.map().0.saturating_sub(1))
    }

    /// The networks by their prefix in checkpoints: `G`, `D`, and where there are such `E` and `G_ema`.
    pub fn networks(&self) -> BTreeMap<String, NetworkConfig> {
        let generator = || NetworkConfig::Generator(self.generator.network());
        let discriminator = DiscriminatorConfig::MultiscalePatch(self.discriminator.clone());
        let encoder = |config| NetworkConfig::Encoder(EncoderConfig::Spade(config));
        [
            Some((prefix::G, generator())),
            Some((prefix::D, NetworkConfig::Discriminator(discriminator))),
            self.encoder.clone().map(|config| (prefix::E, encoder(config))),
            (self.ema_kimg > 0.).then(|| (prefix::G_EMA, generator())),
        ]
        .into_iter()
        .flatten()
        .map(|(name, network)| (name.to_owned(), network))
        .collect()
    }
}

fn problem<T>(place: impl Into<String>, problem: String) -> Result<T> {
    Err(Error::Config { place: place.into(), problem })
}

fn check_set(config: &SpadeTrainConfig, dataset: &Dataset) -> Result<()> {
    let network = config.generator.network();
    let begun = config.transfer.as_ref().map(|transfer| transfer.from.as_str());
    check_pictures(dataset, &config.data.set, network.img_size(), network.img_channels(), begun)?;
    maps::expect(dataset, "")?;
    if config.generator.map().1 && !dataset.has_instances() {
        return problem(
            "generator.edges",
            "is true, and the data set has no instance maps whose edges the networks could read; put one for each picture \
             into its folder instances/ (a number for each thing), or set generator.edges to false"
                .into(),
        );
    }
    Ok(())
}

/// Every class of every map is one that the networks know, and every instance map can be read: the original runs into
/// what is not in the middle of a run.
fn check_maps(config: &SpadeTrainConfig, dataset: &Dataset) -> Result<()> {
    maps::check(&config.map_classes(), dataset)?;
    if config.generator.map().1 {
        (0..dataset.len()).into_par_iter().try_for_each(|picture| dataset.stored_instances(picture).map(|_| ()))?;
    }
    Ok(())
}
