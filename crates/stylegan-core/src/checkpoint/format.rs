//! Reading a checkpoint.

use super::Metadata;
use super::metadata::{CONTENT_HASH, FORMAT_VERSION, format_version};
use super::write::{ContentHash, io_error};
use crate::params::is_finite;
use crate::{Error, Params, Result, regular_file};
use candle_core::safetensors::Load;
use candle_core::{Device, Tensor, Var};
use memmap2::Mmap;
use safetensors::tensor::{TensorInfo, TensorView};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// Header sizes above this are taken for damage: the header of a thousand tensors has 100 kB.
const MAX_HEADER: u64 = 4 << 20;

/// Bytes of the shortest file that can be one: a length and an empty header.
const SHORTEST: u64 = 10;

fn too_short(path: &Path, length: u64) -> Error {
    let problem = match length {
        0 => "is empty; copy it again from its source".to_owned(),
        _ => format!("has {length} bytes, too few for a safetensors file; it is damaged"),
    };
    Error::Checkpoint { path: path.to_owned(), problem }
}

/// What a server's answer is that was saved in place of a file, as text that begins as a page (a sign-in, a
/// confirmation) or as JSON (a message): the rest of a sentence. Neither begins as a network does.
pub(crate) fn text_instead(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(1 << 16)];
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii();
    let advice = "open its address in a browser and download the file itself";
    match text {
        [b'<', ..] => Some(format!("is a web page, not a network; {advice}")),
        [b'{' | b'[', ..] => {
            let text = String::from_utf8_lossy(&text[..text.len().min(400)]);
            Some(format!("is JSON text, not a network (`{:.100}`); if it was downloaded, {advice}", text.trim_end()))
        }
        _ => None,
    }
}

/// What a file is by its first bytes, and what to do with it: the rest of a sentence.
pub(crate) fn kind_of(bytes: &[u8]) -> &'static str {
    let kinds: [(&[u8], &str); 9] = [
        (b"version https://git-lfs", "a pointer of Git LFS to one; fetch the file itself with `git lfs pull`"),
        (&[0x1f, 0x8b], "compressed with gzip; unpack it first with gunzip, or tar"),
        (b"\xfd7zXZ", "compressed with xz; unpack it first"),
        (b"BZh", "compressed with bzip2; unpack it first"),
        (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
        (b"Rar!", "a RAR archive; unpack it first"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"\x89HDF", "an HDF5 file, which no released network of these kinds is"),
    ];
    match kinds.iter().find(|(start, _)| bytes.starts_with(start)) {
        Some((_, kind)) => kind,
        // Version of the format, then the name of the program that wrote it.
        None if matches!(bytes, [0x08, _, 0x12, _, b'A'..=b'z', ..]) => {
            "an ONNX model, which nothing here reads back; give the network that it was exported from"
        }
        None if bytes.get(257..262) == Some(b"ustar") => "a tar archive; unpack it first",
        None => "of a kind that is not known here; `stylegan convert` reads pickles and what torch saved",
    }
}

/// The bytes of a checkpoint, where they are.
enum Contents {
    Mapped(Mmap),
    Received(Vec<u8>),
}

impl Deref for Contents {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Received(bytes) => bytes,
        }
    }
}

/// An open checkpoint: the header is read and checked, tensors are read from the mapped file when
/// asked for.
pub struct Checkpoint {
    path: PathBuf,
    contents: Contents,
    data_start: usize,
    entries: BTreeMap<String, TensorInfo>,
    metadata: Option<Metadata>,
    /// The metadata as written.
    strings: HashMap<String, String>,
    /// Of the format; 0 for files of other programs.
    version: u32,
}

impl Checkpoint {
    /// Opens a safetensors file. Sizes are checked against the file before any memory is taken;
    /// [`verify`](Self::verify) checks the contents.
    ///
    /// # Errors
    /// One sentence that names the file and what is wrong with it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (file, length) = regular_file::open(path)?;
        if length.len() < SHORTEST {
            return Err(too_short(path, length.len()));
        }
        // SAFETY: the mapping is private to this struct and only ever read. Checkpoints are never
        // changed in place (`save` renames a new file over the old, whose mapping stays valid); a
        // file that another program truncates meanwhile ends the process with SIGBUS instead of
        // giving wrong data, and bytes changed in place can only change weights or the outcome of
        // checks, as all offsets are checked against the length mapped here.
        let map = unsafe { Mmap::map(&file) }.map_err(|source| io_error("map", path, source))?;
        Self::read(path.to_owned(), Contents::Mapped(map))
    }

    /// The checkpoint that another process read at `path` and sent, whole.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn received(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Self> {
        let path = path.into();
        if (bytes.len() as u64) < SHORTEST {
            return Err(too_short(&path, bytes.len() as u64));
        }
        Self::read(path, Contents::Received(bytes))
    }

    fn read(path: PathBuf, contents: Contents) -> Result<Self> {
        let bad = |problem: String| Error::Checkpoint { path: path.clone(), problem };
        let length = contents.len() as u64;
        let mut size = [0; 8];
        size.copy_from_slice(&contents[..8]);
        let header = u64::from_le_bytes(size);
        // A header may be as long as the characters of a text say, but it does not begin in its midst.
        if (contents[8] != b'{' || header > length - 8)
            && let Some(problem) = text_instead(&contents)
        {
            return Err(bad(problem));
        }
        if contents[8] != b'{' {
            return Err(bad(format!("is not a safetensors file but {}", kind_of(&contents))));
        }
        if header > MAX_HEADER {
            return Err(bad(format!(
                "announces a header of {header} bytes, where {MAX_HEADER} are the most; it is damaged"
            )));
        }
        if header > length - 8 {
            return Err(bad(format!(
                "is cut off: its header alone has {header} bytes, the file {length}; copy it again"
            )));
        }
        let (_, found) = SafeTensors::read_metadata(&contents).map_err(|error| match error {
            SafeTensorError::MetadataIncompleteBuffer => bad(format!(
                "is cut off or has bytes too many: the tensors that its header announces do not fill its {length} \
                 bytes; copy it again"
            )),
            error => bad(format!("has a damaged header ({error}); copy or convert it again")),
        })?;
        let strings = found.metadata().clone().unwrap_or_default();
        let version = format_version(&strings).map_err(bad)?;
        if version > FORMAT_VERSION {
            return Err(Error::NewerCheckpoint { path: path.clone(), version, known: FORMAT_VERSION });
        }
        let metadata = Metadata::from_strings(&strings).map_err(bad)?;
        let entries = found.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        let data_start = (8 + header) as usize;
        Ok(Self { contents, data_start, entries, metadata, strings, version, path })
    }

    /// Reads everything and compares it with the content hash, which covers tensors and metadata (in
    /// files of version 1 tensors alone). `Ok(false)` when the file carries none (it was not written
    /// by this crate, or has lost it).
    ///
    /// # Errors
    /// When the contents have changed since they were written.
    pub fn verify(&self) -> Result<bool> {
        let (Some(expected), Some(_)) = (self.content_hash(), &self.metadata) else { return Ok(false) };
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(name, info)| (16 - info.dtype.bitsize() / 8, name.as_str()));
        let mut hash = ContentHash::new(self.version, &self.strings);
        for (name, info) in entries {
            hash.entry(name, &info.dtype.to_string(), &info.shape, info.data_offsets.0);
        }
        hash.data(&self.contents[self.data_start..]);
        let found = hash.finish();
        if found == expected {
            return Ok(true);
        }
        Err(self.bad(format!("is damaged: its contents have hash {found}, expected {expected}; copy it again")))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.contents
    }

    /// What the file says about itself; `None` for files of other programs.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    /// SHA-256 of the contents as stored in the file, in hexadecimal.
    pub fn content_hash(&self) -> Option<&str> {
        self.strings.get(CONTENT_HASH).map(String::as_str)
    }

    /// Names of all tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|info| info.shape.as_slice())
    }

    /// The element type of a tensor, as the format calls it: `F32`, `F16`, …
    pub fn dtype(&self, name: &str) -> Option<String> {
        self.entries.get(name).map(|info| info.dtype.to_string())
    }

    /// Reads one tensor.
    ///
    /// # Errors
    /// When there is no such tensor, or its element type is unknown to candle.
    pub fn tensor(&self, name: &str, device: &Device) -> Result<Tensor> {
        let Some(info) = self.entries.get(name) else {
            return Err(self.bad(format!("holds no tensor `{name}`")));
        };
        let (start, end) = info.data_offsets;
        let bytes = &self.contents[self.data_start + start..self.data_start + end];
        TensorView::new(info.dtype, info.shape.clone(), bytes)
            .map_err(|error| self.bad(format!("has a damaged tensor `{name}` ({error})")))?
            .load(device)
            .map_err(|error| self.bad(format!("holds tensor `{name}` that cannot be read: {error}")))
    }

    /// The first tensor that holds numbers which are not finite, if one does.
    pub fn not_finite(&self) -> Option<&str> {
        self.names().find(|name| self.tensor(name, &Device::Cpu).is_ok_and(|tensor| !is_finite(&tensor)))
    }

    /// The tensors of one network or optimiser, e.g. of prefix `G_ema` (the dot is implied); all
    /// tensors for the empty prefix. Names lose the prefix.
    ///
    /// # Errors
    /// When there are none, or they are not of one float type.
    pub fn params(&self, prefix: &str, device: &Device) -> Result<Params> {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
        let named = self.entries.iter().filter_map(|(name, info)| Some((name.strip_prefix(&prefix)?, name, info)));
        let mut named = named.peekable();
        if named.peek().is_none() {
            return Err(self.bad(format!("holds no tensors under `{prefix}`")));
        }
        // Numbers are checked in main memory.
        let vars = named.map(|(rest, name, info)| Ok((rest.to_owned(), self.variable(name, info)?)));
        let params = Params::from_vars(vars).map_err(|error| match error {
            error @ Error::NotFinite { .. } => self.bad(format!("cannot be used: {error}")),
            error => error,
        })?;
        params.to_device(device)
    }

    /// One tensor as a variable. The common type goes from the mapped file into the variable's own
    /// memory, the others through a tensor.
    fn variable(&self, name: &str, info: &TensorInfo) -> Result<Var> {
        if info.dtype == Dtype::F32 {
            let (start, end) = info.data_offsets;
            let bytes = &self.contents[self.data_start + start..self.data_start + end];
            let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect();
            return Ok(Var::from_vec(values, info.shape.as_slice(), &Device::Cpu)?);
        }
        Params::variable(name, &self.tensor(name, &Device::Cpu)?)
    }

    pub(crate) fn bad(&self, problem: String) -> Error {
        Error::Checkpoint { path: self.path.clone(), problem }
    }
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Checkpoint({}, {} tensors)", self.path.display(), self.entries.len())
    }
}
