//! Several processes training one model.

mod agree;
#[cfg(feature = "mpi")]
mod mpi;
mod single;
mod threads;

pub use agree::{agree, broadcast};
pub(crate) use agree::{any, same};
#[cfg(feature = "mpi")]
pub use mpi::Mpi;
pub use single::Single;
pub use threads::Threads;

use crate::Result;

/// The ranks of a run and what they exchange, named as in MPI, NCCL and `torch.distributed`.
///
/// Every rank holds the same networks and handles a contiguous run of each batch's shards, as long as
/// any other's or not. [`all_gather`](Self::all_gather) and [`all_to_all`](Self::all_to_all) are collective:
/// all ranks call them, in the same order.
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

    /// Lets no rank wait for this one any more, because it failed alone. Where ranks are processes this
    /// does nothing: whoever started them ends all when one ends with an error.
    fn abort(&self, reason: &str);
}
