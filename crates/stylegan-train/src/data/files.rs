//! What a set consists of: its pictures in order, their labels and label maps.

use super::source::{self, Source};
use super::{Finding, Labels, Problem, labels};
use crate::{Error, Result};
use rayon::prelude::*;
use std::path::Path;

/// Bytes that hold the head of nearly every picture file; the rest is read if they do not.
const HEAD_BYTES: u64 = 64 << 10;
/// The label file, at the root of the set.
pub const LABEL_FILE: &str = "dataset.json";
/// The folder of label maps, at the root of the set.
pub const MAP_FOLDER: &str = "labels";
const READ: [&str; 4] = ["png", "jpg", "jpeg", "webp"];
const NOT_READ: [&str; 10] = ["gif", "bmp", "tif", "tiff", "avif", "heic", "jfif", "jxl", "ppm", "tga"];

/// The files of a set by their meaning, whatever the size and kind of its pictures.
///
/// [`super::Dataset`] is what trains; this is for those who make a set out of another.
pub struct Files {
    pub(super) source: Box<dyn Source>,
    /// The path of the set, for messages.
    pub(super) place: String,
    /// Names of the pictures, sorted: their order in the set.
    pub(super) pictures: Vec<String>,
    /// Labels, in the order of the pictures.
    pub(super) labels: Labels,
    /// Whether pictures have label maps.
    pub(super) maps: bool,
    /// What is wrong so far.
    pub(super) findings: Vec<Finding>,
}

/// Lists the set at `path` and reads its labels.
fn open(path: &Path) -> Result<Files> {
    let place = path.display().to_string();
    let source::Listing { source, names, mut findings } = source::open(path)?;
    let mut pictures = Vec::new();
    let mut maps = Vec::new();
    for name in &names {
        let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
        if name.strip_prefix(MAP_FOLDER).is_some_and(|rest| rest.starts_with('/')) {
            maps.push(name.as_str());
        } else if READ.contains(&extension.as_str()) {
            pictures.push(name.clone());
        } else if NOT_READ.contains(&extension.as_str()) {
            findings.push(Finding { file: name.clone(), problem: Problem::Format(extension) });
        }
    }
    if pictures.is_empty() && findings.is_empty() {
        return Err(Error::data(place, Problem::Empty));
    }
    if !maps.is_empty() {
        // `names` and so `maps` are sorted.
        for (i, picture) in pictures.iter().enumerate() {
            let map = map_name(picture);
            if maps.binary_search(&map.as_str()).is_err() {
                findings.push(Finding { file: picture.clone(), problem: Problem::MapMissing });
            }
            // a.jpg and a.png would share one map.
            if i > 0 && map_name(&pictures[i - 1]) == map {
                findings.push(Finding { file: picture.clone(), problem: Problem::Duplicate });
            }
        }
    }
    let labels = match names.binary_search_by(|name| name.as_str().cmp(LABEL_FILE)) {
        Err(_) => Labels::None,
        Ok(_) => source
            .read(LABEL_FILE, None)
            .and_then(|json| labels::parse(&json, &pictures, &mut findings))
            .unwrap_or_else(|problem| {
                findings.push(Finding { file: LABEL_FILE.to_string(), problem });
                Labels::None
            }),
    };
    Ok(Files { source, place, pictures, labels, maps: !maps.is_empty(), findings })
}

impl Files {
    /// Lists the folder or ZIP at `path` and reads its labels; no picture is opened.
    ///
    /// # Errors
    /// If it is not a set or holds no pictures. Faults of single files are [`Files::findings`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        open(path.as_ref())
    }

    /// Names of the pictures, sorted: their order in the set.
    pub fn names(&self) -> &[String] {
        &self.pictures
    }

    /// Labels, in the order of the pictures.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// What names, labels and the ZIP index alone show to be wrong.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The bytes of a picture file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, Problem> {
        self.source.read(name, None)
    }

    /// The label map of a picture of `size` (`[h, w]`), if the set has maps: `[h, w]` class numbers.
    pub fn map(&self, name: &str, size: [usize; 2]) -> Option<Result<Vec<u8>, Problem>> {
        let read = || super::decode::label_map(&self.source.read(&map_name(name), None)?, size);
        self.maps.then(read)
    }

    /// The content hash, as of [`super::Dataset::hash`].
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn hash(&self) -> Result<String> {
        super::hash::of(self)
    }

    /// The head of every picture, in order, read in parallel.
    pub(super) fn headers(&self) -> Vec<Result<super::decode::Header, Problem>> {
        self.pictures.par_iter().map(|name| self.header(name)).collect()
    }

    /// How messages call the file `name` of the set; the set itself if `name` is empty.
    pub(super) fn place_of(&self, name: &str) -> String {
        if name.is_empty() { self.place.clone() } else { format!("{}/{name}", self.place) }
    }

    /// A problem of the file `name`.
    pub(super) fn error(&self, name: &str, problem: Problem) -> Error {
        Error::data(self.place_of(name), problem)
    }

    fn header(&self, name: &str) -> Result<super::decode::Header, Problem> {
        let head = self.source.read(name, Some(HEAD_BYTES))?;
        match super::decode::header(&head) {
            Err(_) if head.len() as u64 == HEAD_BYTES => super::decode::header(&self.source.read(name, None)?),
            result => result,
        }
    }
}

/// The kind that most pictures are of: the kind of the set. The smallest wins a tie.
pub(super) fn usual(headers: &[Result<super::decode::Header, Problem>]) -> Option<super::decode::Header> {
    let mut counts = std::collections::BTreeMap::new();
    for header in headers.iter().flatten() {
        *counts.entry(*header).or_insert(0usize) += 1;
    }
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map(|(header, _)| header)
}

/// The name of the label map of a picture: `labels/<same path>.png`.
pub(super) fn map_name(picture: &str) -> String {
    let stem = picture.rsplit_once('.').map_or(picture, |(stem, _)| stem);
    format!("{MAP_FOLDER}/{stem}.png")
}
