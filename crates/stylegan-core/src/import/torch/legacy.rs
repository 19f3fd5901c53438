//! The sequential form (before torch 1.6, and inside `torch.storage._load_from_bytes`): five
//! pickles (magic number, protocol, system, object, storage keys), then the storages in key order.

use super::TorchFile;
use super::storage::persistent_storage;
use crate::import::budget::Budget;
use crate::import::{ImportError, pickle};
use std::collections::HashMap;

/// The number 0x1950a86a20f9469cfc6c as all protocols from 2 on pickle it.
const MAGIC: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// What stands before it: the protocol, and from protocol 4 on the length of a frame.
const MAX_START: usize = 11;

pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(MAX_START + MAGIC.len())];
    bytes.first() == Some(&0x80) && start.windows(MAGIC.len()).any(|window| window == MAGIC)
}

pub(super) fn open(bytes: &[u8]) -> Result<TorchFile<'_>, ImportError> {
    let mut at = 0;
    let mut next = || {
        let (pickle, used) = pickle::read(&bytes[at..])?;
        at += used;
        Ok::<_, ImportError>(pickle)
    };
    // The system says which byte order the machine had; storages are little-endian all the same.
    let (_magic, _protocol, _system, object, keys) = (next()?, next()?, next()?, next()?, next()?);
    let elements: HashMap<String, usize> = persistent_storage(&object)
        .map(|storage| storage.map(|storage| (storage.key, storage.element.size())))
        .collect::<Result<_, _>>()?;
    let damaged = |what: &str| ImportError(format!("torch file: {what}; the file is truncated or damaged"));
    let mut storages = HashMap::new();
    for &key in keys.sequence(keys.root()).ok_or_else(|| damaged("no list of storage keys"))? {
        let key = keys.text(key).ok_or_else(|| damaged("a storage key that is not text"))?.into_owned();
        let size = elements.get(&key).ok_or_else(|| damaged("a storage that no tensor uses"))?;
        let count = bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|&count| u64::from_le_bytes(count));
        let length = count.and_then(|count| usize::try_from(count).ok()).and_then(|count| count.checked_mul(*size));
        let start = at + 8;
        let end = length.and_then(|length| start.checked_add(length)).filter(|&end| end <= bytes.len());
        at = end.ok_or_else(|| damaged("a storage reaches beyond the end"))?;
        storages.insert(key, start..at);
    }
    Ok(TorchFile { pickle: object, source: bytes, storages, big_endian: false, budget: Budget::new(bytes.len()) })
}
