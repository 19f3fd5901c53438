//! The ZIP form: `NAME/data.pkl` and one uncompressed entry per storage.

use super::TorchFile;
use crate::import::budget::Budget;
use crate::import::{ImportError, pickle};
use std::collections::HashMap;
use std::io::Cursor;
use zip::{CompressionMethod, ZipArchive};

pub(super) fn open(bytes: &[u8]) -> Result<TorchFile<'_>, ImportError> {
    let unreadable = |error| ImportError(format!("torch archive: {error}; the file is truncated or damaged"));
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let (mut root, mut storages, mut big_endian) = (None, HashMap::new(), false);
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(unreadable)?;
        // Entries are `NAME/…` with one NAME for all, which carries no information.
        let full = entry.name().map_err(unreadable)?.into_owned();
        let Some((_, name)) = full.split_once('/') else { continue };
        if full.starts_with('/') || full.split(['/', '\\']).any(|part| part == "..") {
            let full: String = full.escape_debug().take(80).collect();
            return Err(ImportError(format!(
                "torch archive: entry `{full}` leads out of the archive, which torch never writes; do not trust this file"
            )));
        }
        let (is_root, key) = (name == "data.pkl", name.strip_prefix("data/"));
        if !is_root && key.is_none() && name != "byteorder" {
            continue;
        }
        if entry.compression() != CompressionMethod::Stored {
            return Err(ImportError(format!(
                "torch archive: entry `{full}` is compressed, which torch never does; unpack it and pack it with `zip -0`"
            )));
        }
        let start = entry.data_start().and_then(|start| usize::try_from(start).ok());
        let end = start.zip(usize::try_from(entry.size()).ok()).and_then(|(start, size)| start.checked_add(size));
        let Some((range, content)) = start.zip(end).and_then(|(start, end)| Some((start..end, bytes.get(start..end)?)))
        else {
            return Err(ImportError(format!("torch archive: entry `{full}` reaches beyond the file; it is damaged")));
        };
        match key {
            Some(key) => drop(storages.insert(key.to_string(), range)),
            None if is_root => root = Some(content),
            None if content == b"big" => big_endian = true,
            None if content == b"little" => {}
            None => {
                let order: String = content.escape_ascii().to_string().chars().take(20).collect();
                return Err(ImportError(format!("torch archive: byte order `{order}`, expected little or big")));
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
