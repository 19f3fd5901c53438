//! Ranks that each have a GPU, and what they exchange.

use super::buffer::Buffer;
use super::gpu::Gpu;
use super::library::{Address, Code, FLOAT32, Handle, NOT_READY, Nccl, SUM, UINT8, UniqueId};
use candle_core::{Result, bail};
use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::ptr::null_mut;

/// What ranks that belong together are told before they join: rank 0 makes one, the others are given it.
pub type Id = [u8; 128];

/// Asked again and again while a rank waits for others; `false` ends the waiting, and the group with it.
pub type Patience<'a> = dyn FnMut() -> bool + 'a;

/// One rank of a group of GPUs that exchange.
pub struct Group {
    nccl: &'static Nccl,
    pub(super) gpu: Gpu,
    /// The group as NCCL knows it, until something goes wrong.
    joined: Option<Handle>,
}

/// Memory that goes to a rank or comes from one.
pub(super) struct Piece {
    pub(super) rank: usize,
    pub(super) at: Address,
    /// Bytes.
    pub(super) len: usize,
}

// SAFETY: a handle beside a GPU's; NCCL may be called from any thread, one at a time for a group, which `&mut` sees to.
unsafe impl Send for Group {}

/// A new name for a group, for rank 0 to hand to the others.
///
/// # Errors
/// When a library is missing, or NCCL finds no network.
pub fn new_id() -> Result<Id> {
    let nccl = Nccl::get()?;
    let mut id = UniqueId([0; 128]);
    // SAFETY: NCCL writes 128 bytes, which is what there is room for.
    nccl.check("ncclGetUniqueId", unsafe { (nccl.ncclGetUniqueId)(&mut id) })?;
    Ok(id.0)
}

impl Group {
    /// Joins the group of this name as one of `ranks`, with the GPU of this number.
    /// Blocks until all ranks have joined and cannot be interrupted: call it on a thread of its own.
    ///
    /// # Errors
    /// When a library or the GPU is missing, or NCCL cannot reach the others.
    pub fn join(id: &Id, rank: usize, ranks: usize, gpu: usize) -> Result<Self> {
        let nccl = Nccl::get()?;
        let gpu = Gpu::open(gpu)?;
        let mut joined = null_mut();
        // SAFETY: NCCL writes a handle; the GPU's context is that of this thread.
        let joining = unsafe { (nccl.ncclCommInitRank)(&mut joined, ranks as c_int, UniqueId(*id), rank as c_int) };
        nccl.check("ncclCommInitRank", joining)?;
        Ok(Self { nccl, gpu, joined: Some(joined) })
    }

    /// `len` bytes of this rank's GPU, not initialised.
    ///
    /// # Errors
    /// When there is not enough.
    pub fn buffer(&self, len: usize) -> Result<Buffer> {
        Buffer::of(self.gpu, len)
    }

    /// The bytes of all ranks, one after the other in the order of ranks: `own` has as many on each.
    ///
    /// # Errors
    /// When a buffer is on another GPU, sizes do not fit, another rank is gone, or patience ends.
    pub fn all_gather(&mut self, own: &Buffer, all: &mut Buffer, patience: &mut Patience) -> Result<()> {
        let ranks = self.ranks()?;
        self.check_buffers("all_gather", &[own, all])?;
        if all.len() != own.len() * ranks {
            bail!("all_gather: {} bytes of {ranks} ranks do not make {}", own.len(), all.len())
        }
        self.run("ncclAllGather", self.gpu.stream, patience, |nccl, joined, stream| {
            // SAFETY: buffers of these sizes on this rank's GPU, as was checked, which outlive the exchange (`run`).
            unsafe { (nccl.ncclAllGather)(pointer(own.at), pointer(all.at), own.len(), UINT8, joined, stream) }
        })
    }

    /// Gives each rank a part of `given`, and takes one from each into `got`; parts may be empty.
    ///
    /// # Errors
    /// When a buffer is on another GPU, there is not a part for each rank within the buffers, another rank is gone, or
    /// patience ends.
    pub fn exchange(
        &mut self,
        (given, parts): (&Buffer, &[Range<usize>]),
        (got, places): (&mut Buffer, &[Range<usize>]),
        patience: &mut Patience,
    ) -> Result<()> {
        let ranks = self.ranks()?;
        self.check_buffers("exchange", &[given, got])?;
        let fit = |buffer: &Buffer, parts: &[Range<usize>]| {
            parts.len() == ranks && parts.iter().all(|part| part.start <= part.end && part.end <= buffer.len())
        };
        if !fit(given, parts) || !fit(got, places) {
            bail!("exchange: expected a part within the buffers for each of {ranks} ranks")
        }
        let pieces = |buffer: &Buffer, parts: &[Range<usize>]| -> Vec<Piece> {
            let pieces = parts.iter().enumerate();
            pieces.map(|(rank, part)| Piece { rank, at: buffer.at + part.start as u64, len: part.len() }).collect()
        };
        // SAFETY: parts lie within buffers on this rank's GPU, as was checked, of which one is borrowed alone.
        unsafe { self.swap(self.gpu.stream, &pieces(given, parts), &pieces(got, places), patience) }
    }

    /// Gives and takes pieces, in an order that the two ends of each agree on, as they do on lengths.
    ///
    /// # Safety
    /// Pieces lie in memory of this rank's GPU that outlives the call; nothing else reads or writes those that are got,
    /// or writes those that are given, but what is in `stream`'s order.
    pub(super) unsafe fn swap(
        &mut self,
        stream: Handle,
        given: &[Piece],
        got: &[Piece],
        patience: &mut Patience,
    ) -> Result<()> {
        self.run("ncclSend and ncclRecv", stream, patience, |nccl, joined, stream| {
            // SAFETY: as the caller says; the exchange has ended when `run` returns.
            unsafe {
                let mut outcome = (nccl.ncclGroupStart)();
                for &Piece { rank, at, len } in given.iter().filter(|piece| piece.len > 0) {
                    outcome = outcome.max((nccl.ncclSend)(pointer(at), len, UINT8, rank as c_int, joined, stream));
                }
                for &Piece { rank, at, len } in got.iter().filter(|piece| piece.len > 0) {
                    outcome = outcome.max((nccl.ncclRecv)(pointer(at), len, UINT8, rank as c_int, joined, stream));
                }
                outcome.max((nccl.ncclGroupEnd)())
            }
        })
    }

    /// The sum over all ranks of each f32 of `values`, in an order of NCCL's own.
    ///
    /// # Errors
    /// When the buffer is on another GPU, another rank is gone, or patience ends.
    pub fn sum(&mut self, values: &mut Buffer, patience: &mut Patience) -> Result<()> {
        self.check_buffers("sum", &[values])?;
        // SAFETY: the f32 of a buffer on this rank's GPU, as was checked, borrowed alone; NCCL allows it to be both ends.
        unsafe { self.all_reduce(self.gpu.stream, (values.at, values.at), values.len() / 4, patience) }
    }

    /// The sums over all ranks of `len` f32 at one address, at another or the same.
    ///
    /// # Safety
    /// As for [`swap`](Self::swap).
    pub(super) unsafe fn all_reduce(
        &mut self,
        stream: Handle,
        (from, to): (Address, Address),
        len: usize,
        patience: &mut Patience,
    ) -> Result<()> {
        self.run("ncclAllReduce", stream, patience, |nccl, joined, stream| {
            // SAFETY: as the caller says; the exchange has ended when `run` returns.
            unsafe { (nccl.ncclAllReduce)(pointer(from), pointer(to), len, FLOAT32, SUM, joined, stream) }
        })
    }

    /// Starts an exchange behind what is in a stream of this GPU, and looks after it to its end. If it does not end well
    /// the group is left, which ends whatever the GPU was doing for it.
    fn run(
        &mut self,
        what: &'static str,
        stream: Handle,
        patience: &mut Patience,
        start: impl FnOnce(&Nccl, Handle, Handle) -> Code,
    ) -> Result<()> {
        let Some(joined) = self.joined else { bail!("{what}: this rank has left its group after an error") };
        self.gpu.enter()?;
        let (nccl, driver) = (self.nccl, self.gpu.driver);
        // Also where `patience` panics.
        let leaving = Leaving(self, stream);
        nccl.check(what, start(nccl, joined, stream))?;
        loop {
            // SAFETY: a stream of this GPU, which the caller keeps.
            match unsafe { (driver.cuStreamQuery)(stream) } {
                NOT_READY => {}
                other => {
                    driver.check(what, other)?;
                    break;
                }
            }
            let mut problem = 0;
            // SAFETY: NCCL writes a code; the group has not been left.
            nccl.check("ncclCommGetAsyncError", unsafe { (nccl.ncclCommGetAsyncError)(joined, &mut problem) })?;
            nccl.check(what, problem)?;
            if !patience() {
                bail!("{what}: the other ranks did not come in time")
            }
        }
        std::mem::forget(leaving);
        Ok(())
    }

    fn leave(&mut self, stream: Handle) {
        if let Some(joined) = self.joined.take() {
            // SAFETY: the group has not been left before. What runs for it on the GPU ends, then the stream that it ran in
            // does: nothing writes to memory of an exchange after this.
            unsafe {
                (self.nccl.ncclCommAbort)(joined);
                (self.gpu.driver.cuStreamSynchronize)(stream);
            }
        }
    }

    /// Buffers are on the GPU that this rank joined with.
    fn check_buffers(&self, what: &str, buffers: &[&Buffer]) -> Result<()> {
        if buffers.iter().any(|buffer| buffer.gpu.context != self.gpu.context) {
            bail!("{what}: a buffer is on another GPU than this rank joined with; take one of `Group::buffer`")
        }
        Ok(())
    }

    pub(super) fn ranks(&self) -> Result<usize> {
        let Some(joined) = self.joined else { bail!("this rank has left its group after an error") };
        let mut ranks = 0;
        // SAFETY: NCCL writes a number; the group has not been left.
        self.nccl.check("ncclCommCount", unsafe { (self.nccl.ncclCommCount)(joined, &mut ranks) })?;
        Ok(ranks as usize)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.leave(self.gpu.stream);
    }
}

/// A group that is left unless this is forgotten, in the middle of an exchange in a stream.
struct Leaving<'a>(&'a mut Group, Handle);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}

fn pointer(at: Address) -> *mut c_void {
    at as *mut c_void
}
