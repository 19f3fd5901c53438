//! Several processes training one model.

mod agree;
mod measuring;
#[cfg(feature = "nccl")]
mod meeting;
#[cfg(feature = "mpi")]
mod mpi;
#[cfg(feature = "nccl")]
mod nccl;
mod single;
mod threads;

pub(crate) use agree::any;
pub use agree::{agree, broadcast, same};
pub use measuring::Measuring;
#[cfg(feature = "nccl")]
pub use meeting::{MeetingFile, meet_through};
#[cfg(feature = "mpi")]
pub use mpi::Mpi;
#[cfg(feature = "nccl")]
pub use nccl::{Nccl, Place};
pub use single::Single;
pub use threads::Threads;

use crate::Result;
use candle_core::{Device, Tensor};

/// The ranks of a run and what they exchange, named as in MPI, NCCL and `torch.distributed`.
///
/// Every rank holds the same networks and handles a contiguous run of each batch's shards, as long as
/// any other's or not. [`all_gather`](Self::all_gather) and [`all_to_all`](Self::all_to_all) are collective:
/// all ranks call them, in the same order, [`all_reduce`](Self::all_reduce) too.
pub trait Communicator: Send + Sync {
    /// This process, in `0..world_size`.
    fn rank(&self) -> usize;

    /// How many processes train together.
    fn world_size(&self) -> usize;

    /// The bytes of all ranks, in the order of ranks; each may give as many as it likes. Returns when
    /// all ranks have called it.
    ///
    /// # Errors
    /// When a rank does not answer.
    fn all_gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>>;

    /// Gives each rank a part of its own, in the order of ranks, and returns what each had for this one.
    /// There is a part for every rank, this one included, as long or short as any.
    ///
    /// # Errors
    /// When a rank does not answer.
    fn all_to_all(&self, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>>;

    /// Puts in the place of each number its sum over all ranks, which all give as many: by the library's own
    /// all-reduce where there is one, in the order that it likes, so that the last bits depend on the number of
    /// ranks. All ranks get the same bits.
    ///
    /// # Errors
    /// When a rank does not answer.
    fn all_reduce(&self, values: &mut [f32]) -> Result<()> {
        let own = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        values.fill(0.);
        for given in self.all_gather(own)? {
            let (given, _) = given.as_chunks();
            values.iter_mut().zip(given).for_each(|(sum, value)| *sum += f32::from_le_bytes(*value));
        }
        Ok(())
    }

    /// What exchanges rows of numbers that are on GPUs already; `None` where they go by way of main memory.
    fn on_gpus(&self) -> Option<Box<dyn OnGpus + '_>> {
        None
    }

    /// Lets no rank wait for this one any more, because it failed alone. Where ranks are processes this
    /// does nothing: whoever started them ends all when one ends with an error.
    fn abort(&self, reason: &str);
}

/// What ranks exchange that each have a GPU: rows of f32, which stay on it. Collective, as what a [`Communicator`] exchanges.
pub trait OnGpus {
    /// Gives each rank rows on `device`, and takes from each as many as `lengths` has for it, of that many numbers; the
    /// ranks at the two ends agree on both.
    ///
    /// # Errors
    /// When a rank does not answer, or `device` is not the GPU that this one has joined with.
    fn all_to_all(&self, device: &Device, rows: &[Vec<Tensor>], lengths: &[Vec<usize>]) -> Result<Vec<Vec<Tensor>>>;

    /// The sum over all ranks of each number of a row, as [`Communicator::all_reduce`] adds.
    ///
    /// # Errors
    /// As for [`all_to_all`](Self::all_to_all).
    fn all_reduce(&self, row: &Tensor) -> Result<Tensor>;
}
