//! An [`EncoderTrainConfig`] as the configuration of a run.

use super::Psp;
use super::decoder::Decoder;
use super::losses::Losses;
use super::networks::Networks;
use crate::config::{ByResolution, EncoderTrainConfig, Input, RecipeConfig};
use crate::data::{BatchMaps, Dataset};
use crate::recipe::maps;
use crate::recipe::{Recipe, RunConfig, RunSettings, name_of_set};
use crate::shards::Reduction;
use crate::{Error, Result};
use candle_core::Device;
use stylegan_core::NetworkConfig;
use stylegan_core::checkpoint::{Checkpoint, prefix};

impl RunConfig for EncoderTrainConfig {
    fn settings(&self, dataset: &Dataset) -> Result<RunSettings> {
        self.check()?;
        check_set(self, dataset)?;
        let decoder = Decoder::load(self)?;
        // What the run writes down of itself names the very file.
        let generator = decoder.file.display().to_string();
        let own = Self { generator, generator_hash: decoder.hash, ..self.clone() };
        let mut networks = self.networks();
        networks.insert(prefix::G.to_owned(), NetworkConfig::Generator(decoder.config));
        Ok(RunSettings {
            seed: self.seed,
            schedule: self.schedule(),
            at_once: 1,
            reduction: Reduction::Exact,
            mirror: self.data.mirror,
            maps: if self.task.input == Input::Map { BatchMaps::Labels } else { BatchMaps::None },
            no_class: None,
            whole_batch: true,
            pictures: None,
            held_back: None,
            reset_on_growth: false,
            output: self.output.clone(),
            networks: ByResolution::new(networks, []),
            toml: own.to_toml()?,
            decisive: RecipeConfig::Encoder(Box::new(own)).to_json()?,
        })
    }

    fn recipe(&self, _dataset: &Dataset, checkpoint: Option<&Checkpoint>, device: &Device) -> Result<Box<dyn Recipe>> {
        let networks = match checkpoint {
            Some(checkpoint) => Networks::load(self, checkpoint, device)?,
            None => Networks::begin(self, device)?,
        };
        Ok(Box::new(Psp::on(self, networks, Losses::of(&self.loss, device)?)?))
    }
}

fn check_set(config: &EncoderTrainConfig, dataset: &Dataset) -> Result<()> {
    let problem = |problem: String| Err(Error::Config { place: name_of_set(&config.data.set), problem });
    let (side, [h, w], c) = (config.encoder.img_size[0], dataset.image_size(), dataset.channels());
    if ([h, w], c) != ([side; 2], 3) {
        return problem(format!(
            "has pictures of {w}x{h} pixels with {c} channels, and the encoder is trained on {side}x{side} in RGB; build the \
             set at that size (`stylegan data build FOLDER --size {side}`), or set encoder.img_size"
        ));
    }
    if config.task.input == Input::Map {
        maps::expect(dataset, ", which task.input = \"map\" shows the encoder")?;
        maps::check(&config.map_classes(), dataset)?;
    }
    Ok(())
}
