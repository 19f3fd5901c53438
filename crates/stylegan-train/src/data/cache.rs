//! Decoded pictures that are kept, up to a bound of memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Memory for decoded pictures unless the caller sets another bound (256 MiB).
const DEFAULT_BYTES: usize = 256 << 20;

/// Keeps what comes first until the bound is reached, and nothing after. Samples are drawn
/// uniformly, so no picture is likelier to be needed next than another, and throwing one out for
/// another would gain nothing.
pub(super) struct Cache {
    bound: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    pictures: HashMap<usize, Arc<[u8]>>,
}

impl Default for Cache {
    fn default() -> Self {
        Self::new(DEFAULT_BYTES)
    }
}

impl Cache {
    pub(super) fn new(bound: usize) -> Self {
        Self { bound, kept: Mutex::default() }
    }

    /// The picture, from memory or else from `decode`.
    pub(super) fn get<E>(&self, picture: usize, decode: impl FnOnce() -> Result<Arc<[u8]>, E>) -> Result<Arc<[u8]>, E> {
        if let Some(pixels) = self.lock().pictures.get(&picture) {
            return Ok(pixels.clone());
        }
        // Not under the lock: others decode meanwhile.
        let pixels = decode()?;
        let mut kept = self.lock();
        if kept.bytes + pixels.len() <= self.bound && kept.pictures.insert(picture, pixels.clone()).is_none() {
            kept.bytes += pixels.len();
        }
        Ok(pixels)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Every change is complete when the lock is released, so a poisoned one holds good data.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
