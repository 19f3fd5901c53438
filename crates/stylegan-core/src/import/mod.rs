//! Weights that others released, read without executing anything.
//!
//! [`import`] opens the official pickles of progressive GAN, StyleGAN and StyleGAN2 (TensorFlow),
//! StyleGAN2-ADA and the StyleGAN2 networks of the StyleGAN3 repository (PyTorch), and rosinality's
//! checkpoints of StyleGAN and StyleGAN2, SPADE's generator, discriminator and encoder, pix2pixHD's global
//! generator, and pixel2style2pixel's encoder with its generator; [`import_safetensors`] knows their names in safetensors
//! files. Of the feature networks of metrics (PyTorch state dictionaries and
//! modules, TorchScript, TensorFlow), and of NumPy's files, it keeps every tensor as it is. Pickles are
//! programs; here they are only described, by a reader with a closed list of names and limits on
//! everything it takes.

mod budget;
mod filters;
mod kwargs;
pub mod layouts;
mod map_facts;
mod networks;
mod numpy;
mod numpy_file;
mod nvlabs_names;
mod nvlabs_pytorch;
mod nvlabs_tensorflow;
mod parts;
mod pickle;
mod pix2pixhd;
mod plain;
mod psp;
mod rosinality;
mod spade;
mod state_dict;
mod strided_tensor;
mod tensorflow_arguments;
mod tflib;
mod torch;
mod weights;

pub(crate) use filters::{FILTER, check_filter};
pub use map_facts::MapFacts;
pub use networks::networks;
pub use plain::{CONFIG_KEY, import_safetensors};
pub use state_dict::state_dict;

use crate::checkpoint::{Kind, Metadata, kind_of, text_instead};
use crate::params::is_finite;
use crate::psp::PspEncoder;
use crate::segmenter::Segmenter;
use crate::spade::SpadeEncoder;
use crate::{EncoderConfig, Error, NetworkConfig, Params, Result, build_discriminator, build_generator, regular_file};
use candle_core::{DType, Device, Tensor};
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
        self.own(prefix).collect()
    }

    /// The same in the order of the file.
    fn own(&self, prefix: &str) -> impl Iterator<Item = (String, Tensor)> {
        self.tensors.iter().filter_map(move |(name, tensor)| {
            Some((name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned(), tensor.clone()))
        })
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
    let (file, metadata) = regular_file::open(path)?;
    let size = metadata.len();
    if size > MAX_FILE {
        let problem = format!("has {size} bytes, more than any released network ({MAX_FILE})");
        return Err(Error::Checkpoint { path: path.into(), problem });
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // A file that grows meanwhile is not followed.
    file.take(size).read_to_end(&mut bytes).map_err(io)?;
    import_bytes(&bytes, path)
}

/// Reads a foreign checkpoint that is in memory, as [`import`] does; `path` is what it is called.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(bytes: &[u8], path: &Path) -> Result<Imported> {
    if let Some(problem) = text_instead(bytes) {
        return Err(Error::Checkpoint { path: path.into(), problem });
    }
    finish(recognise(bytes).map_err(|error| unfit(path, &error))?, bytes, path)
}

/// The error of a file whose contents do not fit together, without the backtrace that errors of tensor
/// operations may carry below their message.
fn unfit(path: &Path, error: &dyn Display) -> Error {
    let error = error.to_string();
    let message = error.split("\n   0: ").next().unwrap_or_default();
    Error::Checkpoint { path: path.into(), problem: format!("cannot be imported: {message}") }
}

/// Checks what was found in the file `path` of these contents, and says where it comes from.
fn finish(found: Found, bytes: &[u8], path: &Path) -> Result<Imported> {
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
        let checked = check(config, imported.own(prefix));
        checked.map_err(|error| unfit(path, &format!("network {prefix}: {error}")))?;
    }
    if let Some((name, _)) = imported.tensors.iter().find(|(_, tensor)| !is_finite(tensor)) {
        return Err(unfit(path, &Error::NotFinite { name: name.clone() }));
    }
    Ok(imported)
}

/// Whether the tensors of a network are those that its configuration asks for, and no others, as [`Model`](crate::Model)
/// will want them.
fn check(config: &NetworkConfig, own: impl Iterator<Item = (String, Tensor)>) -> Result<()> {
    let mut own = own.peekable();
    let params = match own.peek() {
        Some(_) => Params::from_tensors(own)?,
        // What the network asks for first is then said to be missing.
        None => Params::new(0, DType::F32, &Device::Cpu),
    };
    let vb = params.frozen();
    match config {
        NetworkConfig::Generator(config) => build_generator(config, vb).map(drop),
        NetworkConfig::Discriminator(config) => build_discriminator(config, vb).map(drop),
        NetworkConfig::Encoder(EncoderConfig::Spade(config)) => SpadeEncoder::new(config, vb).map(drop),
        NetworkConfig::Encoder(EncoderConfig::Psp(config)) => PspEncoder::new(config, vb).map(drop),
        NetworkConfig::Segmenter(config) => Segmenter::new(config, vb).map(drop),
    }?;
    let unused = params.unused();
    match unused.first() {
        // Beside the modules of an encoder stands its average style.
        Some(_) if matches!(config, NetworkConfig::Encoder(_)) => Ok(()),
        Some(name) => Err(Error::UnusedParameters { name: name.clone(), count: unused.len() }),
        None => Ok(()),
    }
}

/// Whether a file begins as pickles, torch files, NumPy's or their archives do, rather than as safetensors.
///
/// # Errors
/// When the file cannot be read.
pub fn is_foreign(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref();
    let io = |source| Error::Io { verb: "read", path: path.into(), source };
    let mut start = Vec::new();
    regular_file::open(path)?.0.take(9).read_to_end(&mut start).map_err(io)?;
    let numpy = start.starts_with(numpy_file::MAGIC);
    let pickle = matches!(start[..], [0x80, 2..=5, ..] | [b'(' | b'c' | b']' | b'}', ..]);
    let archive = start.starts_with(b"PK\x03\x04") || start.starts_with(&[0x1f, 0x8b]);
    Ok(numpy || (pickle || archive) && start.get(8) != Some(&b'{'))
}

fn recognise(bytes: &[u8]) -> std::result::Result<Found, ImportError> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(ImportError(format!("it is {}", kind_of(bytes))));
    }
    if let Some(found) = numpy_file::arrays(bytes)? {
        return Ok(found);
    }
    let file = torch::open(bytes)?;
    if let Some(networks) = nvlabs_pytorch::networks(&file)? {
        return Ok(Found { origin: "StyleGAN2 pickle (PyTorch)", networks, ..Found::default() });
    }
    if let Some(found) = nvlabs_tensorflow::networks(&file)? {
        return Ok(found);
    }
    if let Some(found) = psp::networks(&file, psp::options(&file)?.as_ref())? {
        return Ok(found);
    }
    if let Some(found) = by_names(&file, &BTreeMap::new())? {
        return Ok(found);
    }
    if let Some(found) = weights::weights(&file)? {
        return Ok(found);
    }
    Err(ImportError(
        "it holds no tensors that are known here: pickles of StyleGAN2-ADA and the StyleGAN3 repository (PyTorch), of \
         progressive GAN, StyleGAN and StyleGAN2 (TensorFlow), checkpoints of rosinality's StyleGAN and StyleGAN2 (PyTorch), \
         SPADE's, pix2pixHD's and pixel2style2pixel's networks, state dictionaries, NumPy arrays"
            .into(),
    ))
}

/// The networks of a file that is known by the names of its tensors; of those that are `stated` by their prefix, the
/// configuration need not be told from shapes. `None` for other names.
fn by_names(
    file: &dyn parts::Parts,
    stated: &BTreeMap<String, NetworkConfig>,
) -> std::result::Result<Option<Found>, ImportError> {
    if let Some(found) = psp::networks(file, None)? {
        return Ok(Some(found));
    }
    if let Some(found) = rosinality::networks(file)? {
        return Ok(Some(found));
    }
    if let Some(found) = nvlabs_names::networks(file, stated)? {
        return Ok(Some(found));
    }
    if let Some(found) = spade::networks(file)? {
        return Ok(Some(found));
    }
    pix2pixhd::networks(file)
}

/// Why a foreign file could not be read: the rest of a sentence.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
struct ImportError(String);

impl ImportError {
    fn alias_free() -> Self {
        Self("an alias-free StyleGAN3 generator, which this program does not have; StyleGAN2 is".into())
    }
}

impl From<crate::Error> for ImportError {
    fn from(error: crate::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<pickle::PickleError> for ImportError {
    fn from(error: pickle::PickleError) -> Self {
        Self(error.to_string())
    }
}
