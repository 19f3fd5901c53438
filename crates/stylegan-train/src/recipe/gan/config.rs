//! A [`TrainConfig`] as the configuration of a run.

use super::Gan;
use crate::config::{ByResolution, RecipeConfig, TrainConfig};
use crate::data::{BatchMaps, Dataset};
use crate::recipe::{Recipe, RunConfig, RunSettings, check_pictures, name_of_set};
use crate::{Error, Result};
use candle_core::{DType, Device};
use std::collections::BTreeMap;
use std::sync::Arc;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::{NetworkConfig, Params};

/// Numbers of pictures in a set.
type Pictures = Arc<[usize]>;

impl RunConfig for TrainConfig {
    fn settings(&self, dataset: &Dataset) -> Result<RunSettings> {
        self.check()?;
        check_set(self, dataset)?;
        let (pictures, held_back) = parted(self.augment.as_ref().map_or(0, |augment| augment.validation), dataset)?;
        Ok(RunSettings {
            seed: self.seed,
            schedule: self.schedule()?,
            at_once: self.shards.at_once,
            reduction: self.shards.reduction,
            mirror: self.data.mirror,
            maps: BatchMaps::None,
            no_class: None,
            whole_batch: false,
            pictures,
            held_back,
            reset_on_growth: self.adam.reset_on_growth,
            output: self.output.clone(),
            networks: self.networks(),
            toml: self.to_toml()?,
            decisive: RecipeConfig::Gan(Box::new(self.clone())).to_json()?,
        })
    }

    fn recipe(&self, _dataset: &Dataset, checkpoint: Option<&Checkpoint>, device: &Device) -> Result<Box<dyn Recipe>> {
        self.precision.check_device(device)?;
        if let Some(checkpoint) = checkpoint {
            return Ok(Box::new(Gan::load(self, checkpoint, device)?));
        }
        let [g, d] = self.stores(DType::F32, device);
        Ok(Box::new(Gan::new(self, g, d)?))
    }
}

impl TrainConfig {
    /// The networks by their prefix in checkpoints, at each resolution that training computes: `G`, `G_ema` and `D`.
    pub fn networks(&self) -> ByResolution<BTreeMap<String, NetworkConfig>> {
        let smaller = self.sizes().into_iter().map(|(resolution, sized)| (resolution, sized.own_networks()));
        ByResolution::new(self.own_networks(), smaller)
    }

    fn own_networks(&self) -> BTreeMap<String, NetworkConfig> {
        let generator = || NetworkConfig::Generator(self.generator.clone());
        BTreeMap::from([
            (prefix::G.to_owned(), generator()),
            (prefix::G_EMA.to_owned(), generator()),
            (prefix::D.to_owned(), NetworkConfig::Discriminator(self.discriminator.clone())),
        ])
    }

    /// Empty stores for the parameters of generator and discriminator. Weights are addressed by (seed, name); the
    /// other seed keeps equal names in the two networks from getting equal weights.
    pub(super) fn stores(&self, dtype: DType, device: &Device) -> [Params; 2] {
        [self.seed, self.seed ^ (1 << 63)].map(|seed| Params::new(seed, dtype, device))
    }
}

/// The pictures of the set that are trained on, and `held_back` others from all over it; nothing where all are trained on.
fn parted(held_back: usize, dataset: &Dataset) -> Result<(Option<Pictures>, Option<Pictures>)> {
    let n = dataset.len();
    if held_back == 0 {
        return Ok((None, None));
    }
    if held_back >= n {
        return Err(Error::Config {
            place: "augment.validation".into(),
            problem: format!("holds {held_back} pictures back, but the set has {n}; hold back fewer, about a tenth"),
        });
    }
    let is_held = |i: &usize| (i + 1) * held_back / n > i * held_back / n;
    let (held, trained): (Vec<usize>, Vec<usize>) = (0..n).partition(is_held);
    Ok((Some(trained.into()), Some(held.into())))
}

fn check_set(config: &TrainConfig, dataset: &Dataset) -> Result<()> {
    let (size, channels, c_dim) = config.picture_shape();
    let begun = config.transfer.as_ref().map(|transfer| transfer.from.as_str());
    check_pictures(dataset, &config.data.set, size, channels, begun)?;
    let found = match dataset.label_dim() {
        found if c_dim == 0 || found == c_dim => return Ok(()),
        0 => "no labels".to_owned(),
        found => format!("labels of width {found}"),
    };
    let problem = match begun {
        None => format!(
            "has {found}, expected generator.c_dim = {c_dim}; set it to the width of the labels, or to 0 to train without"
        ),
        Some(_) => format!(
            "has {found}, and the networks that the run begins with take labels of width {c_dim}; name a set with such labels: \
             `stylegan data build FOLDER --label-from-folders` takes the names of folders"
        ),
    };
    Err(Error::Config { place: name_of_set(&config.data.set), problem })
}
