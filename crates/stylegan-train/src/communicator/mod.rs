//! Several processes training one model.

mod single;

pub use single::Single;

use crate::Result;

/// How values of several ranks become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum, added as a pairwise tree over ranks: the same bits on every rank.
    Sum,
    /// The largest.
    Max,
}

/// The ranks of a run and what they exchange, named as in MPI, NCCL and `torch.distributed`.
///
/// Every rank holds the same networks and handles a contiguous run of each step's shards. Every
/// call but [`abort`](Self::abort) is collective: all ranks make it, in the same order.
pub trait Communicator: Send + Sync {
    /// This process, in `0..world_size`.
    fn rank(&self) -> usize;

    /// How many processes train together.
    fn world_size(&self) -> usize;

    /// Replaces `values` by the reduction over all ranks.
    ///
    /// # Errors
    /// When a rank does not answer, or the ranks' lengths differ.
    fn all_reduce(&self, values: &mut [f32], reduction: Reduction) -> Result<()>;

    /// [`all_reduce`](Self::all_reduce) for statistics.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce).
    fn all_reduce_f64(&self, values: &mut [f64], reduction: Reduction) -> Result<()>;

    /// Replaces `values` by those of rank `root`.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce).
    fn broadcast(&self, values: &mut [f32], root: usize) -> Result<()>;

    /// The bytes of all ranks (as many from each), in the order of ranks.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce).
    fn all_gather(&self, bytes: &[u8]) -> Result<Vec<u8>>;

    /// Returns when all ranks have called it.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce).
    fn barrier(&self) -> Result<()>;

    /// Ends all ranks because this one failed, so that none waits forever. Does nothing where there
    /// is one rank: its error speaks for itself.
    fn abort(&self, reason: &str);
}
