//! The sequential form (before torch 1.6, and inside `torch.storage._load_from_bytes`): five
//! pickles (magic number, protocol, system, object, storage keys), then the storages in key order.

use super::TorchFile;
use super::tensor::persistent_storage;
use crate::import::budget::Budget;
use crate::import::{ImportError, pickle};
use std::collections::HashMap;

/// `pickle.dumps(0x1950a86a20f9469cfc6c, protocol=2)` without its STOP.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19";

pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

pub(super) fn open(bytes: &[u8]) -> Result<TorchFile<'_>, ImportError> {
    let mut at = 0;
    let mut next = || {
        let (pickle, used) = pickle::read(&bytes[at..])?;
        at += used;
        Ok::<_, ImportError>(pickle)
    };
    let (_magic, _protocol, system, object, keys) = (next()?, next()?, next()?, next()?, next()?);
    let little = system.get(system.root(), "little_endian");
    if little.is_some_and(|id| system.value(id) == &pickle::Value::Bool(false)) {
        return Err(ImportError("torch file: big-endian storages are not supported".into()));
    }
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
    Ok(TorchFile { pickle: object, source: bytes, storages, budget: Budget::new(bytes.len()) })
}
