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

    /// Runs an exchange, and notes its time and the bytes that `moved` finds in what it gives.
    fn watch<T>(&self, exchange: impl FnOnce() -> Result<T>, moved: impl FnOnce(&T) -> usize) -> Result<T> {
        let began = Instant::now();
        let got = exchange()?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.0 += began.elapsed();
        used.1 += moved(&got);
        Ok(got)
    }

    /// Bytes of all ranks but this one.
    fn of_others(&self, parts: &[Vec<u8>]) -> usize {
        let others = parts.iter().enumerate().filter(|(rank, _)| *rank != self.ranks.rank());
        others.map(|(_, bytes)| bytes.len()).sum()
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
        self.watch(|| self.ranks.all_gather(bytes), |got| given + self.of_others(got))
    }

    fn all_to_all(&self, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let given = self.of_others(&parts);
        self.watch(|| self.ranks.all_to_all(parts), |got| given + self.of_others(got))
    }

    fn all_reduce(&self, values: &mut [f32]) -> Result<()> {
        // What a library needs at least: all but a share goes out, and comes in, twice.
        let moved = 4 * size_of_val(values) * (self.ranks.world_size() - 1) / self.ranks.world_size();
        self.watch(|| self.ranks.all_reduce(values), |()| moved)
    }

    fn abort(&self, reason: &str) {
        self.ranks.abort(reason);
    }
}
