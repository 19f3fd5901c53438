//! Several processes training one model.

mod single;
mod threads;

pub use single::Single;
pub use threads::Threads;

use crate::Result;

/// The ranks of a run and what they exchange, named as in MPI, NCCL and `torch.distributed`.
///
/// Every rank holds the same networks and handles a contiguous run of each batch's shards, as long as
/// any other's or not. [`all_gather`](Self::all_gather) is collective: all ranks call it, in the same
/// order.
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

    /// Ends all ranks because this one failed, so that none waits forever. Does nothing where there
    /// is one rank: its error speaks for itself.
    fn abort(&self, reason: &str);
}

/// Whether a flag is set on any rank; all ranks get the same answer.
pub(crate) fn any(communicator: &dyn Communicator, flag: bool) -> Result<bool> {
    let flags = communicator.all_gather(vec![u8::from(flag)])?;
    Ok(flags.iter().flatten().any(|&flag| flag > 0))
}
