//! A set in a ZIP file, mapped into memory; its index is read once.

use super::source::{Listing, MAX_FILE_BYTES, Source, is_plain};
use super::{Finding, Problem};
use crate::{Error, Result};
use ::zip::result::ZipError;
use ::zip::{CompressionMethod, ZipArchive};
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
    /// The largest file that is unpacked.
    limit: u64,
}

/// How many times the size of the archive a file in it may have, beside a megabyte: pictures do not
/// shrink in an archive, and labels are small beside them.
const MAX_GROWTH: u64 = 4;

impl Source for Zip {
    fn read(&self, name: &str, limit: Option<u64>) -> Result<Vec<u8>, Problem> {
        // A clone shares the map and the index: it costs two reference counts.
        let mut archive = self.archive.clone();
        let file = archive.by_name(name).map_err(describe)?;
        let bytes = file.size();
        if bytes > self.limit {
            return Err(Problem::TooManyBytes { bytes, limit: self.limit });
        }
        let wanted = limit.map_or(bytes, |limit| limit.min(bytes));
        let mut buffer = Vec::new();
        // The stated size is a claim: memory grows with what really comes. One byte more is asked
        // for so that a file which is longer than it says is noticed, and its checksum verified.
        let asked = if limit.is_some() { wanted } else { wanted + 1 };
        file.take(asked).read_to_end(&mut buffer).map_err(|e| Problem::Damaged(e.to_string()))?;
        if buffer.len() as u64 != wanted {
            return Err(Problem::Damaged(format!("{} bytes where the index says {bytes}", buffer.len())));
        }
        Ok(buffer)
    }
}

/// Reads the index of the ZIP at `path`.
pub(super) fn list(path: &Path, place: &str) -> Result<Listing> {
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    // SAFETY: the map is read-only and private to `Zip`. Another process that shortens the file
    // while it is in use can end this one with a bus error, as with any mapped file; bytes that
    // change are no danger, for all that is read from them is checked on every read.
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(Error::io("read", path))?;
    let limit = MAX_FILE_BYTES.min((1 << 20) + MAX_GROWTH * map.len() as u64);
    if !map.starts_with(b"PK") {
        return Err(Error::data(place, Problem::NotASet));
    }
    let archive = ZipArchive::new(Cursor::new(Map(Arc::new(map)))).map_err(|e| Error::data(place, describe(e)))?;
    let mut findings = Vec::new();
    if archive.has_duplicate_names() {
        findings.push(Finding { file: String::new(), problem: Problem::Duplicate });
    }
    let mut names = Vec::with_capacity(archive.len());
    for i in 0..archive.len() {
        let entry = archive.by_index_data(i).map_err(|e| Error::data(place, describe(e)))?;
        let Ok(name) = entry.name().map(std::borrow::Cow::into_owned) else {
            let file = String::from_utf8_lossy(entry.name_raw()).into_owned();
            findings.push(Finding { file, problem: Problem::Name });
            continue;
        };
        if entry.is_dir() {
            continue;
        }
        let problem = if !is_plain(&name) {
            Some(Problem::Name)
        } else if entry.encrypted() {
            Some(Problem::ZipEncrypted)
        } else if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            Some(Problem::ZipMethod(entry.compression().to_string()))
        } else if entry.size() > limit {
            Some(Problem::TooManyBytes { bytes: entry.size(), limit })
        } else {
            None
        };
        match problem {
            Some(problem) => findings.push(Finding { file: name, problem }),
            None => names.push(name),
        }
    }
    Ok(Listing { source: Box::new(Zip { archive, limit }), names, findings })
}

fn describe(error: ZipError) -> Problem {
    match error {
        ZipError::Io(e) => Problem::Zip(e.to_string()),
        ZipError::InvalidArchive(why) => Problem::Zip(why.into_owned()),
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Problem::ZipEncrypted,
        other => Problem::Zip(other.to_string()),
    }
}
