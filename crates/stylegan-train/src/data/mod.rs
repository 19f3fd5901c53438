//! Sets of pictures: a folder or a ZIP (stored or deflated) of PNG, JPEG and WebP files.
//!
//! ```text
//! faces/ or faces.zip
//!   00000.png  more/00001.png …       8 bits, all of one size, all grey, RGB or RGB with alpha
//!   dataset.json                      optional: {"labels": [["00000.png", 3], …]}
//!   labels/00000.png …                optional: label maps, grey value or place in the palette = class number
//!   instances/00000.png …             optional: instance maps, a number for each thing
//!   classes.json                      optional: names of the maps' classes, their colours and values
//! ```
//! All of it may lie in a folder inside of the set. Pictures are numbered by their sorted names, and
//! read upright if they say that they are stored otherwise. A set is known by its content
//! ([`Dataset::hash`]): a folder and the ZIP of the same files are the same set.
//!
//! [`Dataset`] decodes what a step asks for, [`Loader`] does so ahead of the step, and
//! [`doctor`] lists everything that is wrong with a set.

mod batch;
mod budget;
mod cache;
mod class_colour;
mod class_table;
mod decode;
pub mod doctor;
mod files;
mod finding;
mod folder;
mod hash;
mod instance_map;
mod json_text;
mod label_file;
mod label_json;
mod label_map;
mod labels;
mod layout;
mod limits;
mod loader;
mod map_file;
mod names;
mod part;
pub mod preprocess;
mod preprocessed;
mod problem;
mod remedy;
pub(crate) mod resample;
pub mod resize;
mod semantic;
mod source;
mod zip;

pub use batch::{Batch, BatchMaps, SampleRequest};
pub use class_colour::class_colour;
pub use class_table::{ClassTable, MapClass, NO_CLASS};
pub use decode::{Picture, label_map_kind};
pub use files::Files;
pub use finding::Finding;
pub use instance_map::InstanceMap;
pub use label_map::LabelMap;
pub use labels::Labels;
pub use limits::{MAX_FILE_BYTES, MAX_SIDE};
pub use loader::Loader;
pub use names::{CLASS_FILE, INSTANCE_FOLDER, LABEL_FILE, MAP_FOLDER};
pub use part::Part;
pub use problem::{Problem, Severity};
pub use semantic::semantic_map;

use decode::{Head, Header};

use crate::{Error, Result};
use preprocess::Preprocess;
use preprocessed::Preprocessed;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A set of pictures of one size, with optional labels and label maps.
pub struct Dataset {
    files: Files,
    /// Of every sample.
    header: Header,
    preprocessed: Option<Preprocessed>,
    turned: usize,
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
        Self::open_as(path, None)
    }

    /// Opens a set whose pictures are resized and cut as they are read, where `way` says how: they may be of many sizes,
    /// and some of them grey where others are RGB.
    ///
    /// # Errors
    /// As [`open`](Self::open), and if pictures become too large, or of different sizes.
    pub fn open_as(path: impl AsRef<Path>, way: Option<Preprocess>) -> Result<Self> {
        let files = Files::open(path)?;
        let mut heads = files.heads();
        let preprocessed = way.map(|way| Preprocessed::of(way, &mut heads));
        let usual = files::usual(&heads);
        let mut findings = doctor::compare(&files.pictures, &heads, usual);
        let of_set = files.findings.iter().filter(|finding| finding.problem.severity() != Severity::Harmless);
        findings.extend(of_set.cloned());
        // The first thing that is wrong with each file, as `compare` and the listing say it.
        findings.sort_by(|a, b| a.file.cmp(&b.file));
        findings.dedup_by(|later, first| later.file == first.file);
        let turned = heads.iter().flatten().filter(|head| Head::is_turned(head)).count();
        match (findings.first(), usual) {
            (Some(first), _) => Err(Error::Data {
                place: files.place_of(&first.file),
                problem: Box::new(first.problem.clone()),
                others: findings.len() - 1,
            }),
            (None, None) => Err(Error::data(files.place, Problem::Empty)),
            (None, Some(header)) => {
                let cache = cache::Cache::default();
                Ok(Self { files, header, preprocessed, turned, cache, hash: OnceLock::new() })
            }
        }
    }

    /// Keeps up to `bytes` of decoded pictures, in place of 256 MiB.
    #[must_use]
    pub fn with_cache(mut self, bytes: usize) -> Self {
        self.cache = cache::Cache::new(bytes);
        self
    }

    /// What the user may have meant otherwise, though the set can be used: labels that are not read,
    /// labels without a picture, folders reached twice.
    pub fn notes(&self) -> impl Iterator<Item = &Finding> {
        self.files.findings.iter().filter(|finding| finding.problem.severity() == Severity::Harmless)
    }

    /// Pictures that are stored lying or on their head and say so; they are read upright.
    pub fn turned(&self) -> usize {
        self.turned
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.files.pictures.len()
    }

    /// Whether there are no pictures; never true of a set that was opened.
    pub fn is_empty(&self) -> bool {
        self.files.pictures.is_empty()
    }

    /// `[h, w]` of every picture in pixels, as it is read.
    pub fn image_size(&self) -> [usize; 2] {
        self.header.size
    }

    /// Channels of every picture: 1 (grey), 3 (RGB) or 4 (RGB with alpha).
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
        self.files.has_maps()
    }

    /// The name of each picture inside the set, in order.
    pub fn names(&self) -> &[String] {
        &self.files.pictures
    }

    /// The content hash of the set, [`Files::hash`]. All files are read at the first call.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn hash(&self) -> Result<&str> {
        if let Some(hash) = self.hash.get() {
            return Ok(hash);
        }
        let hash = self.files.hash()?;
        Ok(self.hash.get_or_init(|| hash))
    }

    /// Takes the content hash from another process that has read the very same files, so that they are not all read once
    /// more; one that is known already stays.
    pub fn take_hash(&self, hash: String) {
        self.hash.get_or_init(|| hash);
    }

    /// The pixels of a picture, `[c, h, w]` bytes.
    ///
    /// # Errors
    /// If there is no such picture or it cannot be decoded.
    pub fn pixels(&self, picture: usize) -> Result<Arc<[u8]>> {
        if let Some(way) = self.preprocess() {
            return Ok(self.whole_pixels(way, picture)?.into());
        }
        let name = self.name(picture)?;
        self.cache.get(picture, || {
            let bytes = self.files.source.read(name, None);
            let pixels = bytes.and_then(|bytes| decode::pixels(&bytes, self.header, &self.files.budget));
            pixels.map(Into::into).map_err(|problem| self.files.error(name, problem))
        })
    }

    /// The label map of a picture, `[h, w]` class numbers; [`NO_CLASS`] for pixels without a class.
    ///
    /// # Errors
    /// If there is no such picture, it has no map, or the map cannot be decoded.
    pub fn map(&self, picture: usize) -> Result<Vec<u8>> {
        self.sample_map(&SampleRequest::whole(picture))
    }

    /// The same at the size that it is stored in, with all of its pixels.
    pub(crate) fn stored_map(&self, picture: usize) -> Result<Vec<u8>> {
        let name = self.name(picture)?;
        let Some(map) = self.files.maps.get(picture) else { return Err(self.files.error(name, Problem::MapMissing)) };
        self.files.read_map(map, self.stored_size(picture)).map_err(|problem| self.files.error(map, problem))
    }

    /// What the classes of the label maps are called and shown in, if the set has a class table.
    pub fn class_table(&self) -> Option<&ClassTable> {
        self.files.class_table()
    }

    /// Whether the pictures have instance maps.
    pub fn has_instances(&self) -> bool {
        self.files.has_instances()
    }

    /// The instance map of a picture.
    ///
    /// # Errors
    /// If there is no such picture, it has no instance map, or that cannot be decoded.
    pub fn instances(&self, picture: usize) -> Result<InstanceMap> {
        self.sample_instances(&SampleRequest::whole(picture))
    }

    /// The instance map of a picture at the size that it is stored in.
    pub(crate) fn stored_instances(&self, picture: usize) -> Result<InstanceMap> {
        let name = self.name(picture)?;
        let map = self.files.instances(picture, self.stored_size(picture)).unwrap_or(Err(Problem::InstancesMissing));
        map.map_err(|problem| self.files.error(self.files.instances.get(picture).unwrap_or(name), problem))
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
