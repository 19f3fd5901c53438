//! What a set consists of: its pictures in order, their labels and label maps.

use super::budget::Budget;
use super::decode::{self, Head, Header};
use super::layout::Layout;
use super::source::{Listing, Source};
use super::{ClassTable, Finding, InstanceMap, LabelMap, Labels, Picture, Problem, Severity};
use super::{folder, label_file, names, zip};
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes that hold the head of nearly every picture file; the rest is read if they do not.
const HEAD_BYTES: u64 = 64 << 10;

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
    /// The name of each picture's label map; empty if there are no maps.
    pub(super) maps: Vec<String>,
    /// The name of each picture's instance map; empty if there are none.
    pub(super) instances: Vec<String>,
    /// What the values and colours of label maps mean, if a file says so.
    pub(super) class_table: Option<ClassTable>,
    /// What is wrong so far.
    pub(super) findings: Vec<Finding>,
    /// Files that are not looked at: how many of each ending.
    pub(super) unread: BTreeMap<String, usize>,
    /// Memory for pictures being decoded.
    pub(super) budget: Budget,
}

impl Files {
    /// Lists the folder or ZIP at `path` and reads its labels; no picture is opened.
    ///
    /// # Errors
    /// If it is not a set or holds no pictures. Faults of single files are [`Files::findings`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let kind = std::fs::metadata(path).map_err(Error::io("read", path))?;
        let listing = if kind.is_dir() { folder::list(path)? } else { zip::list(path, &place)? };
        let Listing { source, mut names, mut findings } = listing;
        names.sort_unstable();
        let Layout { pictures, maps, instances, class_table, labels, findings: of_names, unread } = Layout::of(names);
        findings.extend(of_names);
        if pictures.is_empty() && findings.iter().all(|finding| finding.problem.severity() == Severity::Harmless) {
            return Err(Error::data(place, nothing(&findings)));
        }
        let labels = match labels {
            None => Labels::None,
            Some(file) => label_file::read(&*source, &file, &pictures, &mut findings).unwrap_or_else(|problem| {
                findings.push(Finding { file, problem });
                Labels::None
            }),
        };
        let class_table = class_table.and_then(|file| {
            let table = source.read(&file, Some(ClassTable::ENOUGH)).and_then(|text| ClassTable::parse(&text));
            let problem = table.as_ref().map_or_else(|problem| Some(problem.clone()), ClassTable::fault_of_names);
            findings.extend(problem.map(|problem| Finding { file, problem }));
            table.ok()
        });
        let budget = Budget::default();
        Ok(Self { source, place, pictures, labels, maps, instances, class_table, findings, unread, budget })
    }

    /// The set of one picture, the file at `path`, whatever lies beside it.
    ///
    /// # Errors
    /// If there is no such file, or its name is not UTF-8.
    pub fn of_one(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        std::fs::metadata(path).map_err(Error::io("read", path))?;
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(Error::data(path.display().to_string(), Problem::Name("is not UTF-8")));
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self {
            source: folder::source(folder),
            place: folder.display().to_string(),
            pictures: vec![name.to_owned()],
            labels: Labels::None,
            maps: vec![],
            instances: vec![],
            class_table: None,
            findings: vec![],
            unread: BTreeMap::new(),
            budget: Budget::default(),
        })
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

    /// The deepest folder that all pictures lie in, with the `/` behind it; empty for the set itself.
    pub fn common_folder(&self) -> &str {
        super::layout::common_folder(&self.pictures)
    }

    /// The bytes of a picture file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, Problem> {
        self.source.read(name, None)
    }

    /// Decodes a picture file of any kind that is read and hands it to `work`. Where pictures are so
    /// large that not all threads can decode one at a time, this waits for its turn.
    ///
    /// # Errors
    /// If the file cannot be read or decoded.
    pub fn with_picture<R>(&self, name: &str, work: impl FnOnce(Picture) -> R) -> Result<R, Problem> {
        let bytes = self.source.read(name, None)?;
        // What is decoded, and what `work` makes of it.
        let _turn = self.budget.take(2 * decode::head(&bytes)?.bytes);
        decode::any(bytes).map(work)
    }

    /// The label map of a picture of `size` (`[h, w]`), if the set has maps: `[h, w]` class numbers.
    pub fn map(&self, picture: usize, size: [usize; 2]) -> Option<Result<Vec<u8>, Problem>> {
        let name = self.maps.get(picture)?;
        Some(if name.is_empty() { Err(Problem::MapMissing) } else { self.read_map(name, size) })
    }

    /// The instance map of a picture of `size` (`[h, w]`), if the set has instance maps.
    pub fn instances(&self, picture: usize, size: [usize; 2]) -> Option<Result<InstanceMap, Problem>> {
        let name = self.instances.get(picture)?;
        Some(if name.is_empty() { Err(Problem::InstancesMissing) } else { self.read_instances(name, size) })
    }

    /// Whether the pictures have label maps.
    pub fn has_maps(&self) -> bool {
        !self.maps.is_empty()
    }

    /// Whether the pictures have instance maps.
    pub fn has_instances(&self) -> bool {
        !self.instances.is_empty()
    }

    /// What the values and colours of label maps mean, if the set has a class table.
    pub fn class_table(&self) -> Option<&ClassTable> {
        self.class_table.as_ref()
    }

    /// Reads the instance map with this name.
    pub(super) fn read_instances(&self, name: &str, size: [usize; 2]) -> Result<InstanceMap, Problem> {
        InstanceMap::decode_within(&self.source.read(name, None)?, &self.budget, &of_size(size))
    }

    /// Reads the label map with this name.
    pub(super) fn read_map(&self, name: &str, size: [usize; 2]) -> Result<Vec<u8>, Problem> {
        let (bytes, table) = (self.source.read(name, None)?, self.class_table.as_ref());
        Ok(LabelMap::decode_within(&bytes, table, &self.budget, &of_size(size))?.classes)
    }

    /// The head of every picture, in order, read in parallel.
    pub(super) fn heads(&self) -> Vec<Result<Head, Problem>> {
        self.pictures.par_iter().map(|name| self.head(name)).collect()
    }

    /// How messages call the file `name` of the set; the set itself if `name` is empty.
    pub(super) fn place_of(&self, name: &str) -> String {
        if name.is_empty() { self.place.clone() } else { format!("{}/{name}", self.place) }
    }

    /// A problem of the file `name`.
    pub(super) fn error(&self, name: &str, problem: Problem) -> Error {
        Error::data(self.place_of(name), problem)
    }

    fn head(&self, name: &str) -> Result<Head, Problem> {
        let bytes = self.source.read(name, Some(HEAD_BYTES))?;
        if bytes.len() as u64 == HEAD_BYTES && decode::orientation_is_at_the_end(&bytes) {
            return decode::head(&self.source.read(name, None)?);
        }
        match decode::head(&bytes) {
            Err(_) if bytes.len() as u64 == HEAD_BYTES => decode::head(&self.source.read(name, None)?),
            result => result,
        }
    }
}

/// Admits maps of this size alone.
fn of_size(expected: [usize; 2]) -> impl Fn([usize; 2]) -> Result<(), Problem> {
    move |found| if found == expected { Ok(()) } else { Err(Problem::MapSize { found, expected }) }
}

/// Why there are no pictures in a set of which nothing is broken.
fn nothing(findings: &[Finding]) -> Problem {
    let mut archives = BTreeMap::new();
    for archive in findings.iter().filter(|finding| finding.problem == Problem::Archive) {
        *archives.entry(names::ending(&archive.file)).or_insert(0usize) += 1;
    }
    match archives.into_iter().map(|(ending, n)| format!("{n} .{ending}")).collect::<Vec<_>>() {
        found if found.is_empty() => Problem::Empty,
        found => Problem::OnlyArchives(found.join(", ")),
    }
}

/// The kind that most pictures are of: the kind of the set. The smallest wins a tie.
pub(super) fn usual<'a>(heads: impl IntoIterator<Item = &'a Result<Head, Problem>>) -> Option<Header> {
    let mut counts = BTreeMap::new();
    for header in heads.into_iter().flatten().flat_map(Head::header) {
        *counts.entry(header).or_insert(0usize) += 1;
    }
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map(|(header, _)| header)
}
