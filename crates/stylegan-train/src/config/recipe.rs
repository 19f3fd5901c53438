//! The configuration of a run, whatever its recipe.

use super::{DataConfig, EncoderTrainConfig, SpadeTrainConfig, TrainConfig};
use crate::{Error, Result};
use candle_core::Device;
use serde_json::Value;
use stylegan_core::Precision;

/// The name of the recipe in files and checkpoints; left out by [`TrainConfig`].
const KEY: &str = "recipe";
/// The name of [`SpadeTrainConfig`]'s.
const SPADE: &str = "spade";
/// The name of [`EncoderTrainConfig`]'s.
const ENCODER: &str = "encoder";

/// A configuration of one of the recipes that files describe; the key `recipe` says which.
#[derive(Debug, Clone, PartialEq)]
pub enum RecipeConfig {
    /// Without that key: a generator and a discriminator of images, as StyleGAN and Progressive GAN.
    Gan(Box<TrainConfig>),
    /// `recipe = "spade"`: networks that paint label maps.
    Spade(Box<SpadeTrainConfig>),
    /// `recipe = "encoder"`: encoders of pictures into the styles of a trained generator.
    Encoder(Box<EncoderTrainConfig>),
}

impl RecipeConfig {
    /// The pictures.
    pub fn data(&self) -> &DataConfig {
        match self {
            Self::Gan(config) => &config.data,
            Self::Spade(config) => &config.data,
            Self::Encoder(config) => &config.data,
        }
    }

    /// Length of the run in thousands of pictures.
    pub fn kimg(&self) -> f64 {
        match self {
            Self::Gan(config) => config.kimg,
            Self::Spade(config) => config.kimg,
            Self::Encoder(config) => config.kimg,
        }
    }

    /// Seed of weights, random inputs and data order.
    pub fn seed(&self) -> u64 {
        match self {
            Self::Gan(config) => config.seed,
            Self::Spade(config) => config.seed,
            Self::Encoder(config) => config.seed,
        }
    }

    /// Height and width of pictures, in pixels.
    pub fn img_size(&self) -> [usize; 2] {
        match self {
            Self::Gan(config) => config.generator.img_size(),
            Self::Spade(config) => config.generator.network().img_size(),
            Self::Encoder(config) => config.encoder.img_size,
        }
    }

    /// How precise the products of convolutions are; f32 in recipes that have no choice.
    pub fn precision(&self) -> Precision {
        match self {
            Self::Gan(config) => config.precision.products.into(),
            Self::Spade(_) | Self::Encoder(_) => Precision::F32,
        }
    }

    /// Refuses a device that cannot compute as the configuration says.
    ///
    /// # Errors
    /// Products that it does not have.
    pub fn check_device(&self, device: &Device) -> Result<()> {
        match self {
            Self::Gan(config) => config.precision.check_device(device),
            Self::Spade(_) | Self::Encoder(_) => Ok(()),
        }
    }

    /// The configuration with what no step depends on at its default, as [`TrainConfig::decisive`] has it.
    #[must_use]
    pub fn decisive(&self) -> Self {
        match self {
            Self::Gan(config) => Self::Gan(Box::new(config.decisive())),
            Self::Spade(config) => Self::Spade(Box::new(config.decisive())),
            Self::Encoder(config) => Self::Encoder(Box::new(config.decisive())),
        }
    }

    /// The configuration as TOML with every value written out: what `config.toml` of a run holds.
    ///
    /// # Errors
    /// When a value has no TOML form (an integer above 2⁶³).
    pub fn to_toml(&self) -> Result<String> {
        match self {
            Self::Gan(config) => config.to_toml(),
            Self::Spade(config) => config.to_toml(),
            Self::Encoder(config) => config.to_toml(),
        }
    }

    /// The decisive part as JSON, as checkpoints keep it.
    pub(crate) fn to_json(&self) -> Result<String> {
        let named = |value: serde_json::Result<Value>, name: &str| {
            value.map(|mut value| {
                value[KEY] = Value::from(name);
                value.to_string()
            })
        };
        let json = match self {
            Self::Gan(config) => serde_json::to_string(&config.decisive()),
            Self::Spade(config) => named(serde_json::to_value(config.decisive()), SPADE),
            // Which generator it was stays written down.
            Self::Encoder(config) => {
                let hash = config.generator_hash.clone();
                named(serde_json::to_value(EncoderTrainConfig { generator_hash: hash, ..config.decisive() }), ENCODER)
            }
        };
        json.map_err(|error| Error::Config {
            place: "this configuration".into(),
            problem: format!("cannot be written as JSON: {error}"),
        })
    }

    /// What [`to_json`](Self::to_json) wrote; `None` for what it did not.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        let mut value: Value = serde_json::from_str(json).ok()?;
        match value.as_object_mut()?.remove(KEY) {
            Some(Value::String(name)) if name == SPADE => serde_json::from_value(value).ok().map(Self::Spade),
            Some(Value::String(name)) if name == ENCODER => serde_json::from_value(value).ok().map(Self::Encoder),
            None => serde_json::from_value(value).ok().map(Self::Gan),
            Some(_) => None,
        }
    }
}
