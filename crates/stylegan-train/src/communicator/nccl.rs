//! Ranks that each have a GPU, joined by NCCL.
//!
//! What ranks tell each other goes over the GPUs as well, so that nothing else need join them: bytes are
//! copied to the GPU, exchanged, and copied back. Rows that are on a GPU already stay there (feature `cuda`).

use super::Communicator;
#[cfg(feature = "cuda")]
use super::OnGpus;
use crate::{Error, Result};
#[cfg(feature = "cuda")]
use candle_core::{Device, Tensor};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use stylegan_kernels::nccl::{Group, Id};

/// The ranks of a group of GPUs.
pub struct Nccl {
    place: Place,
    group: Mutex<Group>,
    patience: Duration,
}

/// One of several ranks, and the GPU that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// This rank.
    pub rank: usize,
    /// How many there are.
    pub ranks: usize,
    /// The number of its GPU on this machine.
    pub gpu: usize,
}

/// Bytes of a length.
const LENGTH: usize = 8;

/// How often a waiting rank looks before it naps, and for how long it does.
const LOOKS: u32 = 1000;
const NAP: Duration = Duration::from_millis(1);

impl Nccl {
    /// Joins the group called `id`, once all ranks have come. `patience`: how long any of them waits for the
    /// others, here and later; evaluations and writing by rank 0 alone must fit into it.
    ///
    /// # Errors
    /// When a library or the GPU is missing, or not all ranks come in time.
    pub fn join(id: &Id, place: Place, patience: Duration) -> Result<Self> {
        let (tell, told) = mpsc::channel();
        let id = *id;
        let join = move || {
            let _ = tell.send(Group::join(&id, place.rank, place.ranks, place.gpu));
        };
        // What waits for ever does so on a thread that nobody waits for.
        let thread = std::thread::Builder::new().name("nccl".into());
        thread.spawn(join).map_err(|error| place.lost("joining", &error.to_string()))?;
        let group = match told.recv_timeout(patience) {
            Ok(group) => group.map_err(|error| place.lost("joining", &error.to_string()))?,
            Err(_) => {
                let reason = format!("not all {} ranks came within {} s", place.ranks, patience.as_secs_f64());
                return Err(place.lost("joining", &reason));
            }
        };
        Ok(Self { place, group: Mutex::new(group), patience })
    }

    /// This rank, and its GPU.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Runs an exchange, and says what it was and where if it fails.
    fn wait<T>(
        &self,
        what: &str,
        exchange: impl FnOnce(&mut Group, &mut dyn FnMut() -> bool) -> candle_core::Result<T>,
    ) -> Result<T> {
        let (mut looks, mut slept) = (0, Duration::ZERO);
        let mut patience = || {
            looks += 1;
            if looks <= LOOKS {
                std::thread::yield_now();
            } else {
                std::thread::sleep(NAP);
                slept += NAP;
            }
            slept < self.patience
        };
        exchange(&mut self.group(), &mut patience).map_err(|error| self.place.lost(what, &error.to_string()))
    }

    fn group(&self) -> MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many bytes of each rank, by way of the GPU.
    fn gather_equal(&self, own: &[u8]) -> Result<Vec<u8>> {
        self.wait("all_gather", |group, patience| {
            let (mut given, mut got) = (group.buffer(own.len())?, group.buffer(own.len() * self.place.ranks)?);
            given.write(own)?;
            group.all_gather(&given, &mut got, patience)?;
            let mut all = vec![0; got.len()];
            got.read(&mut all)?;
            Ok(all)
        })
    }

    /// Parts for each rank, and of each, whose lengths all know.
    fn exchange_known(&self, parts: &[Vec<u8>], lengths: &[usize]) -> Result<Vec<Vec<u8>>> {
        let given = parts.concat();
        let own: Vec<usize> = parts.iter().map(Vec::len).collect();
        let (ranges, places) = (in_a_row(&own), in_a_row(lengths));
        self.wait("all_to_all", |group, patience| {
            let (mut from, mut to) = (group.buffer(given.len())?, group.buffer(lengths.iter().sum())?);
            from.write(&given)?;
            group.exchange((&from, &ranges), (&mut to, &places), patience)?;
            let mut got = vec![0; to.len()];
            to.read(&mut got)?;
            Ok(places.iter().map(|place| got[place.clone()].to_vec()).collect())
        })
    }
}

impl Place {
    fn lost(&self, what: &str, reason: &str) -> Error {
        Error::Rank { reason: format!("{what} failed on rank {} of {}: {reason}", self.rank, self.ranks) }
    }
}

impl Communicator for Nccl {
    fn rank(&self) -> usize {
        self.place.rank
    }

    fn world_size(&self) -> usize {
        self.place.ranks
    }

    fn all_gather(&self, mut bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        let lengths = numbers(&self.gather_equal(&(bytes.len() as u64).to_le_bytes())?);
        let longest = lengths.iter().max().copied().unwrap_or_default();
        if longest == 0 {
            return Ok(vec![vec![]; lengths.len()]);
        }
        bytes.resize(longest, 0);
        let all = self.gather_equal(&bytes)?;
        Ok(all.chunks_exact(longest).zip(lengths).map(|(chunk, length)| chunk[..length].to_vec()).collect())
    }

    fn all_to_all(&self, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let own = parts.iter().map(|part| (part.len() as u64).to_le_bytes().to_vec()).collect::<Vec<_>>();
        let lengths = self.exchange_known(&own, &vec![LENGTH; parts.len()])?;
        self.exchange_known(&parts, &numbers(&lengths.concat()))
    }

    fn all_reduce(&self, values: &mut [f32]) -> Result<()> {
        let mut bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.wait("all_reduce", |group, patience| {
            let mut buffer = group.buffer(bytes.len())?;
            buffer.write(&bytes)?;
            group.sum(&mut buffer, patience)?;
            buffer.read(&mut bytes)
        })?;
        let (sums, _) = bytes.as_chunks();
        values.iter_mut().zip(sums).for_each(|(value, sum)| *value = f32::from_le_bytes(*sum));
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn on_gpus(&self) -> Option<Box<dyn OnGpus + '_>> {
        Some(Box::new(self))
    }

    fn abort(&self, _reason: &str) {}
}

#[cfg(feature = "cuda")]
impl OnGpus for &Nccl {
    fn all_to_all(&self, device: &Device, rows: &[Vec<Tensor>], lengths: &[Vec<usize>]) -> Result<Vec<Vec<Tensor>>> {
        self.wait("exchange of rows", |group, patience| group.exchange_rows(device, rows, lengths, patience))
    }

    fn all_reduce(&self, row: &Tensor) -> Result<Tensor> {
        self.wait("sum of rows", |group, patience| group.sum_row(row, patience))
    }
}

/// Numbers as they were sent.
fn numbers(bytes: &[u8]) -> Vec<usize> {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().map(|number| u64::from_le_bytes(*number) as usize).collect()
}

/// Where pieces of these lengths lie, one after the other.
fn in_a_row(lengths: &[usize]) -> Vec<Range<usize>> {
    let ranges = lengths.iter().scan(0, |end, length| {
        let begin = *end;
        *end += length;
        Some(begin..*end)
    });
    ranges.collect()
}
