//! Weights that others released, read without executing anything.
//!
//! [`import`] opens the official pickles of progressive GAN, StyleGAN and StyleGAN2 (TensorFlow),
//! StyleGAN2-ADA and the StyleGAN2 networks of the StyleGAN3 repository (PyTorch), and rosinality's
//! checkpoints of StyleGAN and StyleGAN2. Of SPADE, pixel2style2pixel and the feature networks of
//! metrics (PyTorch state dictionaries, TorchScript, TensorFlow) it keeps every tensor as it is. Pickles are programs; here they
//! are only described, by a reader with a closed list of names and limits on everything it takes.

mod budget;
pub mod layouts;
mod module;
mod numpy;
mod nvlabs;
mod official_tensorflow;
mod pickle;
mod raw;
mod rosinality;
mod settings;
mod state_dict;
mod tensorflow;
mod torch;
mod weights;

pub use state_dict::state_dict;

use crate::checkpoint::{Kind, Metadata};
use crate::params::is_finite;
use crate::{Error, NetworkConfig, Result};
use candle_core::Tensor;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Larger files than the largest known release (some 400 MB) by far.
const MAX_FILE: u64 = 8 << 30;

/// Networks of a foreign file under our names.
#[derive(Debug)]
pub struct Imported {
    /// What the file is, e.g. `StyleGAN pickle (TensorFlow)`.
    pub origin: &'static str,
    /// Configurations by prefix, ready to be saved.
    pub metadata: Metadata,
    /// All tensors: those of networks under `G_ema.…`, `G.…`, `D.…`, those of a file of
    /// [`Kind::Weights`] under their original names.
    pub tensors: Vec<(String, Tensor)>,
}

/// What a foreign file holds.
#[derive(Default)]
struct Found {
    origin: &'static str,
    networks: Vec<ImportedNetwork>,
    /// Tensors of networks that are not built here, under their original names.
    tensors: Vec<(String, Tensor)>,
    /// What a reader of the metadata should know.
    extra: BTreeMap<String, String>,
}

/// One network of a foreign file.
struct ImportedNetwork {
    prefix: String,
    config: NetworkConfig,
    tensors: Vec<(String, Tensor)>,
}

/// Reads a foreign checkpoint. Nothing in it is executed; the same file always gives the same
/// result.
///
/// # Errors
/// One sentence that names the file and what is wrong with it, or which kinds are known.
pub fn import(path: impl AsRef<Path>) -> Result<Imported> {
    let path = path.as_ref();
    let io = |source| Error::Io { verb: "read", path: path.into(), source };
    let size = std::fs::metadata(path).map_err(io)?.len();
    let bad = |problem: String| Error::Checkpoint { path: path.into(), problem };
    if size > MAX_FILE {
        return Err(bad(format!("has {size} bytes, more than any released network ({MAX_FILE})")));
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let found = recognise(&bytes).map_err(|error| bad(format!("cannot be imported: {error}")))?;
    let origin = found.origin;
    let mut metadata = Metadata {
        kind: if found.networks.is_empty() { Kind::Weights } else { Kind::Release },
        extra: found.extra,
        source: Some(format!("{origin} {}", path.file_name().unwrap_or_default().to_string_lossy())),
        ..Metadata::default()
    };
    metadata.extra.insert("source_sha256".into(), sha256(&bytes));
    let mut tensors = found.tensors;
    for network in found.networks {
        for (name, tensor) in network.tensors {
            tensors.push((format!("{}.{name}", network.prefix), tensor));
        }
        metadata.networks.insert(network.prefix, network.config);
    }
    if let Some((name, _)) = tensors.iter().find(|(_, tensor)| !is_finite(tensor)) {
        return Err(bad(format!("cannot be imported: {}", Error::NotFinite { name: name.clone() })));
    }
    Ok(Imported { origin, metadata, tensors })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a file begins as pickles, torch files or their archives do, rather than as safetensors.
///
/// # Errors
/// When the file cannot be read.
pub fn is_foreign(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref();
    let io = |source| Error::Io { verb: "read", path: path.into(), source };
    let mut start = Vec::new();
    std::fs::File::open(path).map_err(io)?.take(9).read_to_end(&mut start).map_err(io)?;
    let pickle = matches!(start[..], [0x80, 2..=5, ..] | [b'(' | b'c' | b']' | b'}', ..]);
    let archive = start.starts_with(b"PK\x03\x04") || start.starts_with(&[0x1f, 0x8b]);
    Ok((pickle || archive) && start.get(8) != Some(&b'{'))
}

fn recognise(bytes: &[u8]) -> std::result::Result<Found, ImportError> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(ImportError("it is compressed with gzip; unpack it first".into()));
    }
    let file = torch::open(bytes)?;
    if let Some(networks) = nvlabs::networks(&file)? {
        return Ok(Found { origin: "StyleGAN2 pickle (PyTorch)", networks, ..Found::default() });
    }
    if let Some(networks) = official_tensorflow::networks(&file)? {
        return Ok(Found { origin: "official pickle (TensorFlow)", networks, ..Found::default() });
    }
    if let Some(found) = rosinality::networks(&file)? {
        return Ok(found);
    }
    if let Some(found) = weights::weights(&file)? {
        return Ok(found);
    }
    Err(ImportError(
        "it holds no tensors that are known here: pickles of StyleGAN2-ADA and the StyleGAN3 repository (PyTorch), of \
         progressive GAN, StyleGAN and StyleGAN2 (TensorFlow), checkpoints of rosinality's StyleGAN and StyleGAN2 (PyTorch), \
         state dictionaries"
            .into(),
    ))
}

/// Why a foreign file could not be read: the rest of a sentence.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
struct ImportError(String);

impl From<pickle::PickleError> for ImportError {
    fn from(error: pickle::PickleError) -> Self {
        Self(error.to_string())
    }
}
