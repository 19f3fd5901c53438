//! Everything that is wrong with a set, file by file, with what to do about it.

use super::decode::{self, Header};
use super::{Problem, files};
use crate::Result;
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::Path;

/// One file of a set that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name inside the set; empty if the set itself is concerned.
    pub file: String,
    /// What is wrong, with the remedy.
    pub problem: Problem,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = if self.file.is_empty() { "the set" } else { &self.file };
        write!(f, "{file}: {}; {}", self.problem, self.problem.remedy())
    }
}

/// What an examination found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Pictures in the set, good and bad.
    pub pictures: usize,
    /// `[h, w]` in pixels of most pictures; `None` if no picture can be read.
    pub size: Option<[usize; 2]>,
    /// Channels of most pictures.
    pub channels: Option<usize>,
    /// Numbers per label; 0 without labels.
    pub label_dim: usize,
    /// Whether there are label maps.
    pub maps: bool,
    /// What is wrong, sorted by file; empty for a good set.
    pub findings: Vec<Finding>,
}

/// Reads and decodes every file of the set at `path`. `progress` is called once per picture, from
/// any thread.
///
/// # Errors
/// If the set cannot be opened at all; faults of its files are in the report.
pub fn examine(path: impl AsRef<Path>, progress: impl Fn() + Sync) -> Result<Report> {
    let files = files::Files::open(path)?;
    let headers = files.headers();
    let usual = files::usual(&headers);
    let mut findings = compare(&files.pictures, headers, usual);
    let known: Vec<String> = findings.iter().map(|finding| finding.file.clone()).collect();
    let without_map = files.findings.iter().filter(|finding| finding.problem == Problem::MapMissing);
    let without_map: HashSet<&str> = without_map.map(|finding| finding.file.as_str()).collect();
    let contents = files.pictures.par_iter().map(|name| {
        // What the head already shows need not be said twice; `known` is sorted like the pictures.
        let picture = match known.binary_search(name) {
            Ok(_) => None,
            Err(_) => usual.and_then(|usual| {
                let pixels = files.source.read(name, None).and_then(|bytes| decode::pixels(&bytes, usual));
                pixels.err().map(|problem| Finding { file: name.clone(), problem })
            }),
        };
        let map_name = files::map_name(name);
        let map = usual.filter(|_| files.maps && !without_map.contains(name.as_str())).and_then(|usual| {
            let map = files.source.read(&map_name, None).and_then(|bytes| decode::label_map(&bytes, usual.size));
            map.err().map(|problem| Finding { file: map_name, problem })
        });
        progress();
        picture.into_iter().chain(map).collect::<Vec<_>>()
    });
    let contents: Vec<Vec<Finding>> = contents.collect();
    findings.extend(contents.into_iter().flatten());
    findings.extend(files.findings);
    findings.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(Report {
        pictures: files.pictures.len(),
        size: usual.map(|header| header.size),
        channels: usual.map(|header| header.channels),
        label_dim: files.labels.dim(),
        maps: files.maps,
        findings,
    })
}

/// The pictures whose heads show that they do not belong to a set of the `usual` kind.
pub(super) fn compare(
    pictures: &[String],
    headers: Vec<Result<Header, Problem>>,
    usual: Option<Header>,
) -> Vec<Finding> {
    let problems = pictures.iter().zip(headers).filter_map(|(name, header)| {
        let checked = header.and_then(|found| usual.map_or(Ok(()), |usual| decode::matches(found, usual)));
        checked.err().map(|problem| Finding { file: name.clone(), problem })
    });
    problems.collect()
}
