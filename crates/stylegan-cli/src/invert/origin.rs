//! The generator that an encoder was trained for: styles of another one of the same shape would be wrong without a word.

use super::encoder_run::EncoderRun;
use crate::models::TUNED_FROM;
use candle_core::{DType, Device};
use std::path::{Path, PathBuf};
use stylegan_core::Model;
use stylegan_core::checkpoint::Metadata;
use stylegan_train::config::RecipeConfig;
use stylegan_train::folder;
use stylegan_train::inversion::hash_of;
use stylegan_train::state::config_in;

/// Digits of a hash that a sentence shows.
const SHOWN: usize = 12;

/// The generator that the encoder of a run was trained for.
pub(super) struct Origin {
    /// What was typed for the encoder.
    typed: PathBuf,
    /// The encoder's file.
    file: PathBuf,
    /// SHA-256 of the generator's contents.
    generator: String,
    /// Where the run had it from, if its folder says.
    named: Option<String>,
    /// SHA-256 of the encoder's file, which holds the generator as well.
    own: Option<String>,
}

impl Origin {
    /// That of the encoder in a file of `run`, which was typed as `typed`; `None` if the run does not say.
    pub(super) fn of(typed: &Path, file: &Path, run: &EncoderRun) -> Option<Self> {
        let generator = run.config.generator_hash.clone();
        if generator.is_empty() {
            return None;
        }
        let named = match folder::config(typed) {
            Some(Ok(RecipeConfig::Encoder(config))) if config.generator_hash == generator => Some(config.generator),
            _ => None,
        };
        Some(Self { typed: typed.to_owned(), file: file.to_owned(), generator, named, own: run.hash.clone() })
    }

    /// Why the encoder is not for a network, which was typed as `network`: a sentence; `None` if it is. It is for the generator
    /// that it was trained for, for copies that were tuned or kept from it, and for whatever has the same weights.
    pub(super) fn refuses(&self, model: &Model, network: &str) -> anyhow::Result<Option<String>> {
        let hash = hash_of(model)?;
        let wanted = [Some(&self.generator), self.own.as_ref()];
        let metadata = model.metadata();
        let tuned_from = metadata.and_then(|metadata| metadata.extra.get(TUNED_FROM).cloned());
        let mut origins = [Some(hash.clone()), tuned_from, metadata.and_then(trained_for)].into_iter().flatten();
        if origins.any(|origin| wanted.contains(&Some(&origin))) || self.holds(model)? {
            return Ok(None);
        }
        let short = |hash: &str| hash.get(..SHOWN).unwrap_or(hash).to_owned();
        let named = self.named.as_ref().map(|named| format!(" {named}")).unwrap_or_default();
        let typed = self.typed.display();
        Ok(Some(format!(
            "--encoder {typed}: it was trained for the generator{named} (contents {}), and {network} has contents {}; give that \
             generator, or --network {typed}, whose file holds it, or train an encoder for this one",
            short(&self.generator),
            short(&hash)
        )))
    }

    /// Whether the encoder's file holds a generator of the same weights, as one that was converted has.
    fn holds(&self, model: &Model) -> anyhow::Result<bool> {
        let Ok(own) = Model::load(&self.file, &Device::Cpu) else { return Ok(false) };
        let (own, other) = (own.params().vars(), model.params().vars());
        if own.len() != other.len() {
            return Ok(false);
        }
        for ((name, a), (other_name, b)) in own.iter().zip(&other) {
            if name != other_name || a.dims() != b.dims() {
                return Ok(false);
            }
            let values = |tensor: &candle_core::Tensor| {
                tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()
            };
            if values(a.as_tensor())? != values(b.as_tensor())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The generator that the encoder of a run was trained for whose file a network is of.
fn trained_for(metadata: &Metadata) -> Option<String> {
    match config_in(metadata)? {
        RecipeConfig::Encoder(config) if !config.generator_hash.is_empty() => Some(config.generator_hash),
        _ => None,
    }
}
