//! How much ranks exchange, and how long that takes.

use crate::Result;
use crate::communicator::{Communicator, OnGpus};
use candle_core::{Device, Tensor};
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

    /// What all ranks but this one have together.
    fn of_others<T>(&self, parts: &[Vec<T>], each: impl Fn(&Vec<T>) -> usize) -> usize {
        let others = parts.iter().enumerate().filter(|(rank, _)| *rank != self.ranks.rank());
        others.map(|(_, part)| each(part)).sum()
    }

    /// What a library needs at least for the sum of `bytes`: all but a share goes out, and comes in, twice.
    fn for_sum(&self, bytes: usize) -> usize {
        4 * bytes * (self.ranks.world_size() - 1) / self.ranks.world_size()
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
        self.watch(|| self.ranks.all_gather(bytes), |got| given + self.of_others(got, Vec::len))
    }

    fn all_to_all(&self, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let given = self.of_others(&parts, Vec::len);
        self.watch(|| self.ranks.all_to_all(parts), |got| given + self.of_others(got, Vec::len))
    }

    fn all_reduce(&self, values: &mut [f32]) -> Result<()> {
        let moved = self.for_sum(size_of_val(values));
        self.watch(|| self.ranks.all_reduce(values), |()| moved)
    }

    fn on_gpus(&self) -> Option<Box<dyn OnGpus + '_>> {
        self.ranks.on_gpus().map(|gpus| Box::new(MeteredGpus { gpus, meter: self }) as _)
    }

    fn abort(&self, reason: &str) {
        self.ranks.abort(reason);
    }
}

/// Exchange between GPUs that is watched. Its time is also that of work on the GPU which has to be done before.
struct MeteredGpus<'a> {
    gpus: Box<dyn OnGpus + 'a>,
    meter: &'a Metered<'a>,
}

impl OnGpus for MeteredGpus<'_> {
    fn all_to_all(&self, device: &Device, rows: &[Vec<Tensor>], lengths: &[Vec<usize>]) -> Result<Vec<Vec<Tensor>>> {
        let given = self.meter.of_others(rows, |rows| rows.iter().map(Tensor::elem_count).sum());
        let got = self.meter.of_others(lengths, |lengths| lengths.iter().sum());
        let moved = size_of::<f32>() * (given + got);
        self.meter.watch(|| self.gpus.all_to_all(device, rows, lengths), |_| moved)
    }

    fn all_reduce(&self, row: &Tensor) -> Result<Tensor> {
        let moved = self.meter.for_sum(size_of::<f32>() * row.elem_count());
        self.meter.watch(|| self.gpus.all_reduce(row), |_| moved)
    }
}
