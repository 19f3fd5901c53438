//! Decoding ahead of the step, on threads of its own.

use super::{Batch, BatchMaps, Dataset, SampleRequest};
use crate::Result;
use candle_core::Device;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// One batch to decode, and where it goes.
type Job = (Vec<SampleRequest>, SyncSender<Result<Batch>>);

/// Hands out batches in the order of the requests while the next ones are being decoded.
///
/// The requests come from an iterator, one item per step, that is advanced at most `ahead` items
/// beyond the batch handed out. Threads of its own decode, so that the kernels of the step keep
/// theirs. An error is handed out in the place of its batch.
pub struct Loader<I> {
    requests: I,
    ahead: usize,
    pending: VecDeque<Receiver<Result<Batch>>>,
    jobs: Option<Sender<Job>>,
    workers: Vec<JoinHandle<()>>,
}

impl<I: Iterator<Item = Vec<SampleRequest>>> Loader<I> {
    /// Decodes the batches of `requests` with `threads` threads (at least 1), keeping up to `ahead`
    /// batches (at least 1) ready or in work; with the maps that `maps` says, images and labels on `device`.
    pub fn new(
        dataset: Arc<Dataset>,
        requests: I,
        (maps, device): (BatchMaps, Device),
        threads: usize,
        ahead: usize,
    ) -> Self {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let workers = (0..threads.max(1)).map(|_| {
            let (dataset, queue, device) = (dataset.clone(), queue.clone(), device.clone());
            std::thread::spawn(move || work(&dataset, maps, &device, &queue))
        });
        let workers = workers.collect();
        let mut loader = Self { requests, ahead: ahead.max(1), pending: VecDeque::new(), jobs: Some(jobs), workers };
        loader.fill();
        loader
    }

    /// Sends out jobs until `ahead` batches are pending or the requests end.
    fn fill(&mut self) {
        while self.pending.len() < self.ahead {
            let (Some(jobs), Some(request)) = (&self.jobs, self.requests.next()) else { return };
            let (reply, batch) = sync_channel(1);
            if jobs.send((request, reply)).is_err() {
                return;
            }
            self.pending.push_back(batch);
        }
    }
}

impl<I: Iterator<Item = Vec<SampleRequest>>> Iterator for Loader<I> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.pending.pop_front()?;
        self.fill();
        next.recv().ok()
    }
}

impl<I> Drop for Loader<I> {
    fn drop(&mut self) {
        // With their receivers gone, jobs that are still queued are dropped undone.
        self.pending.clear();
        self.jobs = None;
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

fn work(dataset: &Dataset, maps: BatchMaps, device: &Device, queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((request, reply)) = job else { return };
        let batch = dataset.load_quietly(&request, maps).and_then(|batch| batch.to_device(device));
        if reply.send(batch).is_err() {
            // Nobody wants this batch any more, nor those after it.
            return;
        }
    }
}
