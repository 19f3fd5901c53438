//! What a file of the recipe leaves out, and how a configuration is written.

use super::EncoderTrainConfig;
use crate::config::OutputConfig;
use crate::config::fill::with_section;
use std::collections::BTreeMap;
use stylegan_core::checkpoint::prefix;
use stylegan_core::{EncoderConfig, NetworkConfig};
use toml::{Table, Value};

impl EncoderTrainConfig {
    /// The network that is trained, by its prefix in checkpoints. What else they hold is for the generator's file to say.
    pub fn networks(&self) -> BTreeMap<String, NetworkConfig> {
        [(prefix::E.to_owned(), NetworkConfig::Encoder(EncoderConfig::Psp(self.encoder.clone())))].into()
    }

    /// Pictures at the start of the run that the generator draws.
    pub fn drawn(&self) -> u64 {
        (self.pretrain_kimg * 1000.).round() as u64
    }

    /// The configuration with what no step depends on at its default: what is written, where generator and pictures are.
    /// A run can be gone on with under any configuration that is equal in the rest, but for `kimg`.
    pub fn decisive(&self) -> Self {
        let mut config = self.clone();
        config.output = OutputConfig::default();
        config.data = config.data.decisive();
        // A run goes on with the generator of its checkpoint.
        config.generator.clear();
        config.generator_hash.clear();
        config.backbone.clear();
        config
    }

    /// The configuration as TOML with every value written out: what `config.toml` of a run holds.
    ///
    /// # Errors
    /// When a value has no TOML form (an integer above 2⁶³).
    pub fn to_toml(&self) -> crate::Result<String> {
        let table = toml::to_string(self).map_err(|error| crate::Error::Config {
            place: "this configuration".into(),
            problem: format!("cannot be written as TOML: {error}"),
        })?;
        Ok(format!("recipe = \"encoder\"\n{table}"))
    }

    /// Puts in what a file may leave out because another part of it says so.
    pub(in crate::config) fn fill_in(table: &mut Table) {
        let input = table.get("task").and_then(|task| task.get("input")).and_then(Value::as_str);
        if input == Some("sketch") {
            with_section(table, "encoder", |encoder| {
                encoder.entry("img_channels").or_insert(Value::Integer(1));
            });
        }
    }
}
