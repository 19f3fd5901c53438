//! The ZIP form: `NAME/data.pkl` and one uncompressed entry per storage.

use super::TorchFile;
use crate::import::budget::Budget;
use crate::import::{ImportError, pickle};
use memchr::memmem;
use std::collections::HashMap;
use std::io::{self, Cursor};
use zip::{CompressionMethod, ZipArchive};

/// The largest known checkpoints have some 2000 entries; the archive's directory is read into memory.
const MAX_ENTRIES: usize = 100_000;
/// What each entry of the directory begins with.
const ENTRY: &[u8] = b"PK\x01\x02";

/// Refuses a ZIP archive of too many entries, before its directory is read.
pub(in crate::import) fn check_entries(bytes: &[u8]) -> Result<(), ImportError> {
    if memmem::find_iter(bytes, ENTRY).nth(MAX_ENTRIES).is_some() {
        return Err(ImportError(format!("archive of more than {MAX_ENTRIES} entries; no checkpoint has that many")));
    }
    Ok(())
}

pub(super) fn open(bytes: &[u8]) -> Result<TorchFile<'_>, ImportError> {
    check_entries(bytes)?;
    let unreadable = |error| ImportError(format!("torch archive: {error}; the file is truncated or damaged"));
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let (mut root, mut storages, mut big_endian) = (None, HashMap::new(), false);
    let mut left = bytes.len();
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(unreadable)?;
        // Entries are `NAME/…` with one NAME for all, which carries no information.
        let full = entry.name().map_err(unreadable)?.into_owned();
        let Some((_, name)) = full.split_once('/') else { continue };
        if full.starts_with('/') || full.split(['/', '\\']).any(|part| part == "..") {
            return Err(ImportError(format!(
                "torch archive: entry `{full:.80}` leads out of the archive, which torch never writes; do not trust this file"
            )));
        }
        let (is_root, key) = (name == "data.pkl", name.strip_prefix("data/"));
        if !is_root && key.is_none() && name != "byteorder" {
            continue;
        }
        if entry.compression() != CompressionMethod::Stored {
            return Err(ImportError(format!(
                "torch archive: entry `{full:.80}` is compressed, which torch never does; unpack it and pack it with `zip -0`"
            )));
        }
        let start = entry.data_start().and_then(|start| usize::try_from(start).ok());
        let end = start.zip(usize::try_from(entry.size()).ok()).and_then(|(start, size)| start.checked_add(size));
        let Some((range, content)) = start.zip(end).and_then(|(start, end)| Some((start..end, bytes.get(start..end)?)))
        else {
            return Err(ImportError(format!(
                "torch archive: entry `{full:.80}` reaches beyond the file; it is damaged"
            )));
        };
        let has_checksum = entry.crc32() != 0;
        drop(entry);
        left = left.checked_sub(content.len()).ok_or_else(|| {
            ImportError("torch archive: its entries overlap, which torch never writes; do not trust this file".into())
        })?;
        // torch may leave checksums out, as 0; where there is one, reading to the end compares it.
        if has_checksum
            && let Err(error) =
                zip.by_index(index).map_err(io::Error::from).and_then(|mut entry| io::copy(&mut entry, &mut io::sink()))
        {
            return Err(ImportError(format!(
                "torch archive: entry `{full:.80}` is not what was written ({error}); the file is damaged, copy it again \
                 from its source"
            )));
        }
        match key {
            Some(key) => drop(storages.insert(key.to_string(), range)),
            None if is_root => root = Some(content),
            None if content == b"big" => big_endian = true,
            None if content == b"little" => {}
            None => {
                let order = String::from_utf8_lossy(content);
                return Err(ImportError(format!("torch archive: byte order `{order:.20}`, expected little or big")));
            }
        }
    }
    let root = root.ok_or_else(|| {
        let problem = "ZIP archive without `data.pkl`, so not one that torch saved; if a network is packed in it, unpack \
                       that first";
        ImportError(problem.into())
    })?;
    let (pickle, _) = pickle::read(root)?;
    Ok(TorchFile { pickle, source: bytes, storages, big_endian, budget: Budget::new(bytes.len()) })
}
