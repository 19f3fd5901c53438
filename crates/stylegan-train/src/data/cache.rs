//! Decoded pictures that are kept, up to a bound of memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Memory for decoded pictures of a set (256 MiB).
const BYTES: usize = 256 << 20;

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
        Self::new(BYTES)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_kept_within_the_bound() -> Result<(), String> {
        // One picture of 144 bytes fits, a second does not.
        let cache = Cache::new(200);
        let decode = |value: u8| move || Ok::<Arc<[u8]>, String>(vec![value; 144].into());
        let first = cache.get(0, decode(1))?;
        let second = cache.get(1, decode(2))?;
        assert!(Arc::ptr_eq(&first, &cache.get(0, decode(3))?));
        assert!(!Arc::ptr_eq(&second, &cache.get(1, decode(2))?));
        assert_eq!(second, cache.get(1, decode(2))?);
        Ok(())
    }
}
