//! Weights that others released, read without executing anything.
//!
//! [`import`] opens the official pickles of progressive GAN, StyleGAN and StyleGAN2 (TensorFlow),
//! StyleGAN2-ADA and the StyleGAN2 networks of the StyleGAN3 repository (PyTorch), and rosinality's
//! checkpoints of StyleGAN and StyleGAN2. Of SPADE, pixel2style2pixel and the feature networks of
//! metrics (PyTorch state dictionaries and modules, TorchScript, TensorFlow) it keeps every tensor as
//! it is. Pickles are programs; here they are only described, by a reader with a closed list of names
//! and limits on everything it takes.

mod budget;
mod kwargs;
pub mod layouts;
mod numpy;
mod nvlabs_pytorch;
mod nvlabs_tensorflow;
mod pickle;
mod rosinality;
mod state_dict;
mod strided_tensor;
mod tflib;
mod torch;
mod weights;

pub use state_dict::state_dict;

use crate::checkpoint::{Kind, Metadata, WEB_PAGE, kind_of};
use crate::params::is_finite;
use crate::{Error, NetworkConfig, Result, build_discriminator, build_generator};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
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
    /// All tensors: those of networks under `G_ema.…`, `G.…`, `D.…`, others (all of a file of
    /// [`Kind::Weights`]) under their original names.
    pub tensors: Vec<(String, Tensor)>,
}

impl Imported {
    /// The tensors of the network `prefix` (`G_ema`, `G` or `D`) by their names inside it.
    pub fn network(&self, prefix: &str) -> HashMap<String, Tensor> {
        let own = self.tensors.iter().filter_map(|(name, tensor)| {
            Some((name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned(), tensor.clone()))
        });
        own.collect()
    }
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
    import_bytes(&std::fs::read(path).map_err(io)?, path)
}

/// Reads a foreign checkpoint that is in memory, as [`import`] does; `path` is what it is called.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(bytes: &[u8], path: &Path) -> Result<Imported> {
    let bad = |problem: String| Error::Checkpoint { path: path.into(), problem };
    // Errors of tensor operations may carry a backtrace below their first line.
    let unfit = |error: &dyn Display| {
        bad(format!("cannot be imported: {}", error.to_string().lines().next().unwrap_or_default()))
    };
    if bytes.first() == Some(&b'<') {
        return Err(bad(WEB_PAGE.into()));
    }
    let found = recognise(bytes).map_err(|error| unfit(&error))?;
    let origin = found.origin;
    let mut metadata = Metadata {
        kind: if found.networks.is_empty() { Kind::Weights } else { Kind::Release },
        extra: found.extra,
        source: Some(format!("{origin} {}", path.file_name().unwrap_or_default().to_string_lossy())),
        ..Metadata::default()
    };
    metadata.extra.insert("source_sha256".into(), format!("{:x}", Sha256::digest(bytes)));
    let mut tensors = found.tensors;
    for network in found.networks {
        for (name, tensor) in network.tensors {
            tensors.push((format!("{}.{name}", network.prefix), tensor));
        }
        metadata.networks.insert(network.prefix, network.config);
    }
    let imported = Imported { origin, metadata, tensors };
    for (prefix, config) in &imported.metadata.networks {
        let checked = check(config, imported.network(prefix));
        checked.map_err(|error| unfit(&format!("network {prefix}: {error}")))?;
    }
    if let Some((name, _)) = imported.tensors.iter().find(|(_, tensor)| !is_finite(tensor)) {
        return Err(unfit(&Error::NotFinite { name: name.clone() }));
    }
    Ok(imported)
}

/// Whether the tensors of a network are those that its configuration asks for.
fn check(config: &NetworkConfig, own: HashMap<String, Tensor>) -> Result<()> {
    if let Some((name, tensor)) = own.iter().find(|(_, tensor)| !tensor.dtype().is_float()) {
        return Err(Error::ParameterType { name: name.clone(), found: tensor.dtype().as_str().into() });
    }
    let vb = VarBuilder::from_tensors(own, DType::F32, &Device::Cpu);
    match config {
        NetworkConfig::Generator(config) => build_generator(config, vb).map(drop),
        NetworkConfig::Discriminator(config) => build_discriminator(config, vb).map(drop),
    }
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
        return Err(ImportError(format!("it is {}", kind_of(bytes))));
    }
    let file = torch::open(bytes)?;
    if let Some(networks) = nvlabs_pytorch::networks(&file)? {
        return Ok(Found { origin: "StyleGAN2 pickle (PyTorch)", networks, ..Found::default() });
    }
    if let Some(networks) = nvlabs_tensorflow::networks(&file)? {
        return Ok(Found { origin: nvlabs_tensorflow::origin(&networks), networks, ..Found::default() });
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
