//! A set in a ZIP file, mapped into memory; its index is read once.

use super::limits::{MAX_FILE_BYTES, MAX_FILES};
use super::names::{self, Kind};
use super::source::{Listing, Source};
use super::{Finding, Problem, decode};
use crate::{Error, Result};
use ::zip::read::{Config, ZipFileEntry};
use ::zip::result::ZipError;
use ::zip::unstable::read::ZipIterable;
use ::zip::{CompressionMethod, ZipArchive};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

/// A file mapped into memory, shared between readers.
#[derive(Clone)]
struct Map(Arc<memmap2::Mmap>);

impl AsRef<[u8]> for Map {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

struct Zip {
    archive: ZipArchive<Cursor<Map>>,
    /// The place of each file in the archive's index. The archive's own search by name knows names as
    /// they are stored, and walks through all of them where they are not UTF-8.
    index: HashMap<String, usize>,
}

/// How many times the size of the archive all files in it may have, beside the largest file that is read.
const MAX_TOTAL_GROWTH: u64 = 16;

/// Bytes of an entry before its name.
const ENTRY_HEAD: u64 = 30;

impl Source for Zip {
    fn read(&self, name: &str, limit: Option<u64>) -> Result<Vec<u8>, Problem> {
        // A clone shares the map and the index: it costs two reference counts.
        let mut archive = self.archive.clone();
        let Some(&index) = self.index.get(name) else {
            return Err(Problem::Unreadable("the archive has no such file".to_string()));
        };
        let file = archive.by_index(index).map_err(describe)?;
        let bytes = file.size();
        if bytes > MAX_FILE_BYTES {
            return Err(Problem::TooManyBytes { bytes, limit: MAX_FILE_BYTES });
        }
        let wanted = limit.map_or(bytes, |limit| limit.min(bytes));
        let mut buffer = Vec::new();
        // The stated size is a claim: memory grows with what really comes. One byte more is asked
        // for so that a file which is longer than it says is noticed, and its checksum verified.
        let asked = if wanted < bytes { wanted } else { wanted + 1 };
        file.take(asked).read_to_end(&mut buffer).map_err(decode::damaged)?;
        if buffer.len() as u64 != wanted {
            return Err(Problem::Damaged(format!("{} bytes where the index says {bytes}", buffer.len())));
        }
        Ok(buffer)
    }
}

/// Reads the index of the ZIP at `path`.
pub(super) fn list(path: &Path, place: &str) -> Result<Listing> {
    if !std::fs::metadata(path).map_err(Error::io("read", path))?.is_file() {
        return Err(Error::data(place, Problem::NotASet));
    }
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    // SAFETY: the map is read-only and private to `Zip`. Another process that shortens the file
    // while it is in use can end this one with a bus error, as with any mapped file; bytes that
    // change are no danger, for all that is read from them is checked on every read.
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(Error::io("read", path))?;
    let packed = map.len() as u64;
    if map.is_empty() {
        return Err(Error::data(place, Problem::NoBytes));
    }
    if !map.starts_with(b"PK") {
        return Err(Error::data(place, Problem::NotASet));
    }
    let archive = ZipArchive::new(Cursor::new(Map(Arc::new(map)))).map_err(|e| Error::data(place, describe(e)))?;
    if archive.len() > MAX_FILES {
        return Err(Error::data(place, Problem::TooManyFiles));
    }
    check_overlaps(&archive).map_err(|problem| Error::data(place, problem))?;
    let mut findings = Vec::new();
    let repeated = repeated(&archive).map_err(|e| Error::data(place, describe(e)))?;
    // Names that occur twice, of which none is known to be the one that is meant.
    let mut twice = BTreeSet::new();
    let mut index = HashMap::with_capacity(archive.len());
    let mut total = 0u64;
    for i in 0..archive.len() {
        let entry = archive.by_index_data(i).map_err(|e| Error::data(place, describe(e)))?;
        let name = match name(&entry) {
            Ok(name) => name,
            Err(problem) => {
                let file = String::from_utf8_lossy(entry.name_raw()).into_owned();
                findings.push(Finding { file, problem });
                continue;
            }
        };
        if entry.is_dir() || name.is_empty() || names::is_hidden(&name) {
            continue;
        }
        // What is not read anyway may be as it likes.
        if !names::is_read(&name) {
            index.insert(name, i);
        } else if let Some(problem) = fault(&entry) {
            findings.push(Finding { file: name, problem });
        } else {
            total = total.saturating_add(entry.size());
            if index.insert(name.clone(), i).is_some() || repeated.contains(entry.name_raw()) {
                twice.insert(name);
            }
        }
    }
    // Of pictures the place in the set stays; labels are not read by chance.
    index.retain(|name, _| names::kind(name) == Kind::Picture || !twice.contains(name));
    findings.extend(twice.into_iter().map(|file| Finding { file, problem: Problem::Duplicate }));
    let limit_of_all = MAX_FILE_BYTES + MAX_TOTAL_GROWTH * packed;
    if total > limit_of_all {
        return Err(Error::data(place, Problem::TooManyBytesInAll { bytes: total, limit: limit_of_all }));
    }
    let names = index.keys().cloned().collect();
    Ok(Listing { source: Box::new(Zip { archive, index }), names, findings })
}

fn name(entry: &ZipFileEntry<'_>) -> Result<String, Problem> {
    let raw = entry.name().map_err(|_| Problem::Name("is in no known encoding"))?;
    names::of_entry(&raw)
}

/// Names, as they are stored, of which there are several entries: the archive's index keeps the last alone.
fn repeated(archive: &ZipArchive<Cursor<Map>>) -> Result<HashSet<Vec<u8>>, ZipError> {
    let mut repeated = HashSet::new();
    if archive.has_duplicate_names() {
        let mut seen = HashSet::new();
        for entry in ZipIterable::try_new(archive.clone().into_inner(), Config::default())?.files()? {
            let entry = entry?;
            if !seen.insert(entry.name_raw().to_vec()) {
                repeated.insert(entry.name_raw().to_vec());
            }
        }
    }
    Ok(repeated)
}

/// Why a file is not read.
fn fault(entry: &ZipFileEntry<'_>) -> Option<Problem> {
    if entry.encrypted() {
        Some(Problem::ZipEncrypted)
    } else if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        Some(Problem::ZipMethod(entry.compression().to_string()))
    } else if entry.size() > MAX_FILE_BYTES {
        Some(Problem::TooManyBytes { bytes: entry.size(), limit: MAX_FILE_BYTES })
    } else {
        None
    }
}

/// Refuses archives whose entries share bytes: thousands of files that unpack out of the same
/// stream. The archive's own check reads every entry's head; the least that an entry takes up is
/// known without, and is enough to keep the sum of all below the size of the archive.
fn check_overlaps(archive: &ZipArchive<Cursor<Map>>) -> Result<(), Problem> {
    let mut places = Vec::with_capacity(archive.len());
    for i in 0..archive.len() {
        let entry = archive.by_index_data(i).map_err(describe)?;
        let bytes = ENTRY_HEAD.saturating_add(entry.name_raw().len() as u64).saturating_add(entry.compressed_size());
        places.push((entry.header_start(), entry.header_start().saturating_add(bytes), i));
    }
    places.sort_unstable();
    let shared = places.windows(2).find(|pair| pair[0].1 > pair[1].0);
    let Some(pair) = shared else { return Ok(()) };
    let shown = |i| archive.by_index_data(i).map(|entry| String::from_utf8_lossy(entry.name_raw()).into_owned());
    Err(Problem::ZipOverlap([shown(pair[0].2).map_err(describe)?, shown(pair[1].2).map_err(describe)?]))
}

fn describe(error: ZipError) -> Problem {
    match error {
        ZipError::Io(e) => Problem::Zip(e.to_string()),
        ZipError::InvalidArchive(why) => Problem::Zip(why.into_owned()),
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Problem::ZipEncrypted,
        other => Problem::Zip(other.to_string()),
    }
}
