//! Sets of pictures: a folder or a ZIP (stored or deflated) of PNG, JPEG and WebP files.
//!
//! ```text
//! faces/ or faces.zip
//!   00000.png  more/00001.png …       8 bits, all of one size, all grey or all RGB
//!   dataset.json                      optional: {"labels": [["00000.png", 3], …]}
//!   labels/00000.png …                optional: label maps, grey value = class number
//! ```
//! Pictures are numbered by their sorted names. A set is known by its content
//! ([`Dataset::hash`]): a folder and the ZIP of the same files are the same set.
//!
//! [`Dataset`] decodes what a step asks for, [`Loader`] does so ahead of the step, and
//! [`doctor`] lists everything that is wrong with a set.

mod batch;
mod cache;
mod decode;
pub mod doctor;
mod files;
mod folder;
mod hash;

mod labels;
mod loader;
mod problem;
pub mod resample;
mod source;
mod zip;

pub use batch::{Batch, SampleRequest};
pub use decode::{any_picture, label_map_kind};
pub use doctor::Finding;
pub use files::{Files, LABEL_FILE, MAP_FOLDER};
pub use labels::Labels;
pub use loader::Loader;
pub use problem::Problem;
pub use source::MAX_FILE_BYTES;

use crate::{Error, Result};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The largest width or height of a picture that is read, in pixels.
pub const MAX_SIDE: usize = 16384;

/// A set of pictures of one size, with optional labels and label maps.
pub struct Dataset {
    files: files::Files,
    header: decode::Header,
    cache: cache::Cache,
    hash: OnceLock<String>,
}

impl Dataset {
    /// Opens the folder or ZIP at `path`. The heads of all pictures are checked, so that a long run
    /// does not meet a picture of another size at its end; their contents are not yet decoded.
    ///
    /// # Errors
    /// If there is no such set, or any file of it cannot be used; the message names the first and
    /// counts the others ([`doctor::examine`] lists all).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let mut files = files::Files::open(path)?;
        let headers = files.headers();
        let usual = files::usual(&headers);
        let found = doctor::compare(&files.pictures, headers, usual);
        let mut findings = std::mem::take(&mut files.findings);
        findings.extend(found);
        // A label without its picture is worth a line from the doctor, but does no harm.
        findings.retain(|finding| finding.problem != Problem::LabelWithoutPicture);
        findings.sort_by(|a, b| a.file.cmp(&b.file));
        match (findings.first(), usual) {
            (Some(first), _) => Err(Error::Data {
                place: files.place_of(&first.file),
                problem: Box::new(first.problem.clone()),
                others: findings.len() - 1,
            }),
            (None, None) => Err(Error::data(files.place, Problem::Empty)),
            (None, Some(header)) => Ok(Self { files, header, cache: cache::Cache::default(), hash: OnceLock::new() }),
        }
    }

    /// Bounds the memory for decoded pictures, in bytes (256 MiB unless set). Pictures stay decoded
    /// until the bound is reached; the others are decoded each time they are needed.
    pub fn with_cache(mut self, bytes: usize) -> Self {
        self.cache = cache::Cache::new(bytes);
        self
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.files.pictures.len()
    }

    /// Whether there are no pictures; never true of a set that was opened.
    pub fn is_empty(&self) -> bool {
        self.files.pictures.is_empty()
    }

    /// `[h, w]` of every picture, in pixels.
    pub fn image_size(&self) -> [usize; 2] {
        self.header.size
    }

    /// Channels of every picture: 1 (grey) or 3 (RGB).
    pub fn channels(&self) -> usize {
        self.header.channels
    }

    /// Numbers per label: classes, or the length of the label vectors; 0 without labels.
    pub fn label_dim(&self) -> usize {
        self.files.labels.dim()
    }

    /// The labels of all pictures.
    pub fn labels(&self) -> &Labels {
        &self.files.labels
    }

    /// Whether the pictures have label maps.
    pub fn has_maps(&self) -> bool {
        self.files.maps
    }

    /// The name of each picture inside the set, in order.
    pub fn names(&self) -> &[String] {
        &self.files.pictures
    }

    /// The content hash of the set, 64 hexadecimal digits: of the sorted names, the bytes of the
    /// files, the labels and the label maps. All files are read at the first call.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn hash(&self) -> Result<&str> {
        if let Some(hash) = self.hash.get() {
            return Ok(hash);
        }
        let hash = hash::of(&self.files)?;
        Ok(self.hash.get_or_init(|| hash))
    }

    /// The pixels of a picture, `[c, h, w]` bytes.
    ///
    /// # Errors
    /// If there is no such picture or it cannot be decoded.
    pub fn pixels(&self, picture: usize) -> Result<Arc<[u8]>> {
        let name = self.name(picture)?;
        self.cache.get(picture, || {
            let bytes = self.files.source.read(name, None);
            let pixels = bytes.and_then(|bytes| decode::pixels(&bytes, self.header));
            pixels.map(Into::into).map_err(|problem| self.files.error(name, problem))
        })
    }

    /// The label map of a picture, `[h, w]` class numbers.
    ///
    /// # Errors
    /// If there is no such picture, it has no map, or the map cannot be decoded.
    pub fn map(&self, picture: usize) -> Result<Vec<u8>> {
        let name = files::map_name(self.name(picture)?);
        let bytes = self.files.source.read(&name, None);
        let map = bytes.and_then(|bytes| decode::label_map(&bytes, self.header.size));
        map.map_err(|problem| self.files.error(&name, problem))
    }

    fn name(&self, picture: usize) -> Result<&String> {
        self.files.pictures.get(picture).ok_or(Error::DataIndex { index: picture, len: self.len() })
    }
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [h, w] = self.image_size();
        write!(f, "Dataset({}: {} pictures, {w}x{h}x{})", self.files.place, self.len(), self.channels())
    }
}
