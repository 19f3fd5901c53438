//! Files that `torch.save` wrote: ZIP archives, the older sequential format, and plain pickles
//! with nested torch storages.

mod archive;
mod legacy;
mod module;
mod storage;
mod tensor;

pub(super) use archive::check_entries;
pub(crate) use module::PersistentObject;

use super::ImportError;
use super::budget::Budget;
use super::pickle::{self, Pickle};
use std::collections::HashMap;
use std::ops::Range;

/// The object pickle of a torch file with the storages it refers to.
pub(crate) struct TorchFile<'a> {
    pub(crate) pickle: Pickle<'a>,
    source: &'a [u8],
    /// Ranges of `source` by storage key.
    storages: HashMap<String, Range<usize>>,
    /// Whether the most significant byte of a number comes first in them.
    big_endian: bool,
    pub(crate) budget: Budget,
}

/// Opens any of the three forms, told apart by their first bytes.
pub(crate) fn open(bytes: &[u8]) -> Result<TorchFile<'_>, ImportError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return archive::open(bytes);
    }
    if legacy::is_legacy(bytes) {
        return legacy::open(bytes);
    }
    let (pickle, _) = pickle::read(bytes)?;
    Ok(TorchFile {
        pickle,
        source: bytes,
        storages: HashMap::new(),
        big_endian: false,
        budget: Budget::new(bytes.len()),
    })
}
