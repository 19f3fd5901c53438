//! How much ranks exchange, and how long that takes.

use crate::Result;
use crate::communicator::Communicator;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A communicator that is watched.
pub(crate) struct Metered<'a> {
    ranks: &'a dyn Communicator,
    used: Mutex<(Duration, usize)>,
}

impl<'a> Metered<'a> {
    /// Watches a communicator from now on.
    pub(crate) fn new(ranks: &'a dyn Communicator) -> Self {
        Self { ranks, used: Mutex::default() }
    }

    /// The time until all ranks had come and given, and the bytes that this one gave to others and got
    /// from them.
    pub(crate) fn used(self) -> (Duration, usize) {
        self.used.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, given: usize, exchange: impl FnOnce() -> Result<Vec<Vec<u8>>>) -> Result<Vec<Vec<u8>>> {
        let began = Instant::now();
        let got = exchange()?;
        let others = got.iter().enumerate().filter(|(rank, _)| *rank != self.ranks.rank());
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.0 += began.elapsed();
        used.1 += given + others.map(|(_, bytes)| bytes.len()).sum::<usize>();
        Ok(got)
    }
}

impl Communicator for Metered<'_> {
    fn rank(&self) -> usize {
        self.ranks.rank()
    }

    fn world_size(&self) -> usize {
        self.ranks.world_size()
    }

    fn all_gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        // To each of the others.
        let given = bytes.len() * (self.ranks.world_size() - 1);
        self.watch(given, || self.ranks.all_gather(bytes))
    }

    fn all_to_all(&self, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let others = parts.iter().enumerate().filter(|(rank, _)| *rank != self.ranks.rank());
        let given = others.map(|(_, bytes)| bytes.len()).sum();
        self.watch(given, || self.ranks.all_to_all(parts))
    }

    fn all_reduce(&self, values: &mut [f32]) -> Result<()> {
        let began = Instant::now();
        self.ranks.all_reduce(values)?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.0 += began.elapsed();
        // What a library needs at least: all but a share goes out, and comes in, twice.
        used.1 += 4 * size_of_val(values) * (self.ranks.world_size() - 1) / self.ranks.world_size();
        Ok(())
    }

    fn abort(&self, reason: &str) {
        self.ranks.abort(reason);
    }
}
