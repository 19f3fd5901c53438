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
/// How far apart the same weights can be, as a part of them: one was kept in 16 bits. Further than these round, and much nearer
/// than a step of training goes.
const SAME: f32 = 1e-3;
/// Numbers below are rounded in steps of their own.
const SMALLEST: f32 = 6.2e-5;

/// The generator that an encoder was trained for.
pub(super) struct Origin {
    /// What was typed for the encoder.
    typed: PathBuf,
    /// The encoder's file, which commonly holds the generator as well.
    file: PathBuf,
    /// SHA-256 of the file's contents.
    own: Option<String>,
    /// What its run says of the generator; released files are of no run.
    run: Option<Named>,
}

/// A generator as a run knows it.
struct Named {
    /// SHA-256 of its contents.
    generator: String,
    /// Where the run had it from, if its folder says.
    from: Option<String>,
}

impl Origin {
    /// That of the encoder in a file, typed as `typed`, whose contents have the hash `own`; `None` if its run does not say.
    pub(super) fn of(typed: &Path, file: &Path, run: Option<&EncoderRun>, own: Option<&str>) -> Option<Self> {
        let run = match run.map(|run| run.0.generator_hash.clone()) {
            Some(generator) if generator.is_empty() => return None,
            Some(generator) => {
                let from = match folder::config(typed) {
                    Some(Ok(RecipeConfig::Encoder(config))) if config.generator_hash == generator => {
                        Some(config.generator)
                    }
                    _ => None,
                };
                Some(Named { generator, from })
            }
            None => None,
        };
        Some(Self { typed: typed.to_owned(), file: file.to_owned(), own: own.map(str::to_owned), run })
    }

    /// Why the encoder is not for a network, which was typed as `network`: a sentence; `None` if it is. It is for the generator
    /// that it was trained for, for copies that were tuned or kept from it, and for whatever has the same weights.
    pub(super) fn refuses(&self, model: &Model, network: &str) -> anyhow::Result<Option<String>> {
        let hash = hash_of(model)?;
        let wanted = [self.run.as_ref().map(|run| &run.generator), self.own.as_ref()];
        let metadata = model.metadata();
        let tuned_from = metadata.and_then(|metadata| metadata.extra.get(TUNED_FROM).cloned());
        let mut origins = [Some(hash.clone()), tuned_from, metadata.and_then(trained_for)].into_iter().flatten();
        if origins.any(|origin| wanted.contains(&Some(&origin))) {
            return Ok(None);
        }
        let same = self.holds(model)?;
        let typed = self.typed.display();
        Ok(match &self.run {
            _ if same == Some(true) => None,
            // The file of an encoder alone leaves open what it is for.
            None if same.is_none() => None,
            None => Some(format!(
                "--encoder {typed}: its file holds a generator of other weights than {network}; styles that it finds are right \
                 for that generator, --network {typed}"
            )),
            Some(Named { generator, from }) => {
                let short = |hash: &str| hash.get(..SHOWN).unwrap_or(hash).to_owned();
                let named = from.as_ref().map(|from| format!(" {from}")).unwrap_or_default();
                Some(format!(
                    "--encoder {typed}: it was trained for the generator{named} (contents {}), and {network} has contents {}; \
                     give that generator, or --network {typed}, whose file holds it, or train an encoder for this one",
                    short(generator),
                    short(&hash)
                ))
            }
        })
    }

    /// Whether the generator in the encoder's file has a network's weights, as one that was converted has; `None` if the file
    /// holds none. Average style and noise maps, which converters draw anew, do not count.
    fn holds(&self, model: &Model) -> anyhow::Result<Option<bool>> {
        let Ok(own) = Model::load(&self.file, &Device::Cpu) else { return Ok(None) };
        let (own, other) = (own.params().parameters(), model.params().parameters());
        if own.len() != other.len() {
            return Ok(Some(false));
        }
        for ((name, a), (other_name, b)) in own.iter().zip(&other) {
            if name != other_name || a.dims() != b.dims() {
                return Ok(Some(false));
            }
            let values = |tensor: &candle_core::Tensor| {
                tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()
            };
            let (a, b) = (values(a.as_tensor())?, values(b.as_tensor())?);
            if !a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= SAME * a.abs().max(SMALLEST)) {
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }
}

/// The generator that the encoder of a run was trained for whose file a network is of.
fn trained_for(metadata: &Metadata) -> Option<String> {
    match config_in(metadata)? {
        RecipeConfig::Encoder(config) if !config.generator_hash.is_empty() => Some(config.generator_hash),
        _ => None,
    }
}
