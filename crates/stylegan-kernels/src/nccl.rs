//! Exchange between GPUs by NVIDIA's NCCL: the calls that no safe interface offers with an end to waiting.
//!
//! `libcuda.so` and `libnccl.so` are loaded when they are first used: what is built with the feature `nccl`
//! compiles and starts without them. Every exchange has ended, one way or another, when its function returns,
//! so that no buffer is freed while the GPU still writes to it.

use candle_core::{Result, bail};
use cudarc::driver::sys as cuda;
use cudarc::nccl::sys as nccl;
use std::ffi::{CStr, c_int, c_void};
use std::ops::Range;
use std::ptr::null_mut;

/// What ranks that belong together are told before they join: rank 0 makes one, the others are given it.
pub type Id = [u8; 128];

/// Asked again and again while a rank waits for others; `false` ends the waiting, and the group with it.
pub type Patience<'a> = dyn FnMut() -> bool + 'a;

/// One rank of a group of GPUs that exchange.
pub struct Group {
    gpu: Gpu,
    /// The group as NCCL knows it, until something goes wrong.
    joined: Option<nccl::ncclComm_t>,
}

/// Memory of a GPU.
pub struct Buffer {
    gpu: Gpu,
    at: cuda::CUdeviceptr,
    len: usize,
}

/// A GPU's primary context, which lives as long as the process, and a stream in it.
#[derive(Clone, Copy)]
struct Gpu {
    context: cuda::CUcontext,
    stream: cuda::CUstream,
}

// SAFETY: handles of a context that is never released; CUDA and NCCL may be called from any thread, one at a
// time for a group, which `&mut` sees to, and each function makes the context that of its thread first.
unsafe impl Send for Group {}
// SAFETY: as above; a buffer belongs to its owner alone.
unsafe impl Send for Buffer {}

/// A new name for a group, for rank 0 to hand to the others.
///
/// # Errors
/// When a library is missing, or NCCL finds no network.
pub fn new_id() -> Result<Id> {
    check_libraries()?;
    let mut id = nccl::ncclUniqueId { internal: [0; 128] };
    // SAFETY: NCCL writes 128 bytes, which is what there is room for.
    checked("ncclGetUniqueId", unsafe { nccl::ncclGetUniqueId(&mut id) })?;
    Ok(id.internal.map(|byte| byte as u8))
}

impl Group {
    /// Joins the group of this name as one of `ranks`, with the GPU of this number; returns when all have come.
    /// This is the one function whose waiting nothing ends but the others: call it on a thread of its own.
    ///
    /// # Errors
    /// When a library or the GPU is missing, or NCCL cannot reach the others.
    pub fn join(id: &Id, rank: usize, ranks: usize, gpu: usize) -> Result<Self> {
        check_libraries()?;
        let gpu = Gpu::open(gpu as c_int)?;
        let id = nccl::ncclUniqueId { internal: id.map(|byte| byte as _) };
        let mut joined = null_mut();
        // SAFETY: NCCL writes a handle; the GPU's context is that of this thread.
        let joining = unsafe { nccl::ncclCommInitRank(&mut joined, ranks as c_int, id, rank as c_int) };
        checked("ncclCommInitRank", joining)?;
        Ok(Self { gpu, joined: Some(joined) })
    }

    /// Memory of this rank's GPU, of so many bytes, with anything in it.
    ///
    /// # Errors
    /// When there is not enough.
    pub fn buffer(&self, len: usize) -> Result<Buffer> {
        self.gpu.enter()?;
        let mut at = 0;
        // SAFETY: CUDA writes an address; the context is that of this thread. It refuses to give no bytes.
        driven("cuMemAlloc", unsafe { cuda::cuMemAlloc_v2(&mut at, len.max(1)) })?;
        Ok(Buffer { gpu: self.gpu, at, len })
    }

    /// The bytes of all ranks, one after the other in the order of ranks: `own` has as many on each.
    ///
    /// # Errors
    /// When sizes do not fit, another rank is gone, or patience ends.
    pub fn all_gather(&mut self, own: &Buffer, all: &mut Buffer, patience: &mut Patience) -> Result<()> {
        let ranks = self.ranks()?;
        if all.len != own.len * ranks {
            bail!("all_gather: {} bytes of {ranks} ranks do not make {}", own.len, all.len)
        }
        self.run("ncclAllGather", patience, |joined, stream| {
            // SAFETY: buffers of these sizes, as was checked, which outlive the exchange (`run`).
            unsafe { nccl::ncclAllGather(pointer(own.at), pointer(all.at), own.len, BYTES, joined, stream) }
        })
    }

    /// Gives each rank a part of `given`, and takes one from each into `got`; parts may be empty.
    ///
    /// # Errors
    /// When there is not a part for each rank within the buffers, another rank is gone, or patience ends.
    pub fn exchange(
        &mut self,
        (given, parts): (&Buffer, &[Range<usize>]),
        (got, places): (&mut Buffer, &[Range<usize>]),
        patience: &mut Patience,
    ) -> Result<()> {
        let ranks = self.ranks()?;
        let fit = |buffer: &Buffer, parts: &[Range<usize>]| {
            parts.len() == ranks && parts.iter().all(|part| part.start <= part.end && part.end <= buffer.len)
        };
        if !fit(given, parts) || !fit(got, places) {
            bail!("exchange: expected a part within the buffers for each of {ranks} ranks")
        }
        self.run("ncclSend and ncclRecv", patience, |joined, stream| {
            // SAFETY: parts lie within buffers, as was checked, which outlive the exchange (`run`).
            unsafe {
                let mut outcome = nccl::ncclGroupStart();
                for (rank, (part, place)) in parts.iter().zip(places).enumerate() {
                    let (from, to) = (pointer(given.at + part.start as u64), pointer(got.at + place.start as u64));
                    let sent = nccl::ncclSend(from, part.len(), BYTES, rank as c_int, joined, stream);
                    let received = nccl::ncclRecv(to, place.len(), BYTES, rank as c_int, joined, stream);
                    outcome = [outcome, sent, received].into_iter().max().unwrap_or(outcome);
                }
                outcome.max(nccl::ncclGroupEnd())
            }
        })
    }

    /// The sum over all ranks of each f32 of `values`, in an order of NCCL's own.
    ///
    /// # Errors
    /// When another rank is gone, or patience ends.
    pub fn sum(&mut self, values: &mut Buffer, patience: &mut Patience) -> Result<()> {
        let at = values.at;
        self.run("ncclAllReduce", patience, |joined, stream| {
            let (kind, sum) = (nccl::ncclDataType_t::ncclFloat32, nccl::ncclRedOp_t::ncclSum);
            // SAFETY: a buffer of so many f32, which outlives the exchange (`run`); NCCL allows it to be both ends.
            unsafe { nccl::ncclAllReduce(pointer(at), pointer(at), values.len / 4, kind, sum, joined, stream) }
        })
    }

    /// Starts an exchange and looks after it to its end. If it does not end well the group is left, which ends
    /// whatever the GPU was doing for it.
    fn run(
        &mut self,
        what: &'static str,
        patience: &mut Patience,
        start: impl FnOnce(nccl::ncclComm_t, nccl::cudaStream_t) -> nccl::ncclResult_t,
    ) -> Result<()> {
        let Some(joined) = self.joined else { bail!("{what}: this rank has left its group after an error") };
        self.gpu.enter()?;
        // Also where `patience` panics.
        let leaving = Leaving(self);
        let stream = leaving.0.gpu.stream;
        checked(what, start(joined, stream.cast()))?;
        loop {
            // SAFETY: a stream that lives as long as the process.
            match unsafe { cuda::cuStreamQuery(stream) } {
                cuda::CUresult::CUDA_ERROR_NOT_READY => {}
                other => {
                    driven(what, other)?;
                    break;
                }
            }
            let mut problem = nccl::ncclResult_t::ncclSuccess;
            // SAFETY: NCCL writes a code; the group has not been left.
            checked("ncclCommGetAsyncError", unsafe { nccl::ncclCommGetAsyncError(joined, &mut problem) })?;
            checked(what, problem)?;
            if !patience() {
                bail!("{what}: the other ranks did not come in time")
            }
        }
        std::mem::forget(leaving);
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(joined) = self.joined.take() {
            // SAFETY: the group has not been left before. What runs for it on the GPU ends, then the stream does:
            // nothing writes to a buffer after this.
            unsafe {
                nccl::ncclCommAbort(joined);
                cuda::cuStreamSynchronize(self.gpu.stream);
            }
        }
    }

    fn ranks(&self) -> Result<usize> {
        let Some(joined) = self.joined else { bail!("this rank has left its group after an error") };
        let mut ranks = 0;
        // SAFETY: NCCL writes a number; the group has not been left.
        checked("ncclCommCount", unsafe { nccl::ncclCommCount(joined, &mut ranks) })?;
        Ok(ranks as usize)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A group that is left unless this is forgotten.
struct Leaving<'a>(&'a mut Group);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Buffer {
    /// Its bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies bytes to its beginning.
    ///
    /// # Errors
    /// When they are more than it holds, or the GPU fails.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.len {
            bail!("{} bytes do not fit into a buffer of {}", bytes.len(), self.len)
        }
        self.gpu.enter()?;
        // SAFETY: so many bytes are there on both sides; CUDA has read them when it returns.
        driven("cuMemcpyHtoD", unsafe { cuda::cuMemcpyHtoD_v2(self.at, bytes.as_ptr().cast(), bytes.len()) })
    }

    /// Copies its first bytes.
    ///
    /// # Errors
    /// When they are more than it holds, or the GPU fails.
    pub fn read(&self, bytes: &mut [u8]) -> Result<()> {
        if bytes.len() > self.len {
            bail!("a buffer of {} does not hold {} bytes", self.len, bytes.len())
        }
        self.gpu.enter()?;
        // SAFETY: so many bytes are there on both sides; CUDA has written them when it returns.
        driven("cuMemcpyDtoH", unsafe { cuda::cuMemcpyDtoH_v2(bytes.as_mut_ptr().cast(), self.at, bytes.len()) })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // SAFETY: memory of this context that nobody else frees, and no exchange is under way (`Group::run`).
            unsafe { cuda::cuMemFree_v2(self.at) };
        }
    }
}

impl Gpu {
    fn open(number: c_int) -> Result<Self> {
        let (mut device, mut context, mut stream) = (0, null_mut(), null_mut());
        // SAFETY: CUDA writes a number and two handles. The stream waits for copies of the default one, and these
        // for it, as flags of zero say.
        unsafe {
            driven("cuInit", cuda::cuInit(0))?;
            driven("cuDeviceGet", cuda::cuDeviceGet(&mut device, number))?;
            driven("cuDevicePrimaryCtxRetain", cuda::cuDevicePrimaryCtxRetain(&mut context, device))?;
            driven("cuCtxSetCurrent", cuda::cuCtxSetCurrent(context))?;
            driven("cuStreamCreate", cuda::cuStreamCreate(&mut stream, 0))?;
        }
        Ok(Self { context, stream })
    }

    /// Makes this GPU that of the calling thread.
    fn enter(self) -> Result<()> {
        // SAFETY: a context that is never released.
        driven("cuCtxSetCurrent", unsafe { cuda::cuCtxSetCurrent(self.context) })
    }
}

const BYTES: nccl::ncclDataType_t = nccl::ncclDataType_t::ncclUint8;

fn pointer(at: cuda::CUdeviceptr) -> *mut c_void {
    at as *mut c_void
}

/// The bindings panic where a library is missing; this says so first.
fn check_libraries() -> Result<()> {
    // SAFETY: NVIDIA's libraries have nothing against being loaded.
    let [cuda, nccl] = unsafe { [cuda::is_culib_present(), nccl::is_culib_present()] };
    for (name, there) in [("libcuda.so (of the driver)", cuda), ("libnccl.so", nccl)] {
        if !there {
            bail!("{name} cannot be loaded; install it, or name its folder in LD_LIBRARY_PATH")
        }
    }
    Ok(())
}

fn checked(what: &'static str, outcome: nccl::ncclResult_t) -> Result<()> {
    if outcome == nccl::ncclResult_t::ncclSuccess {
        return Ok(());
    }
    // SAFETY: NCCL returns a text that is never freed, for any code.
    let text = unsafe { CStr::from_ptr(nccl::ncclGetErrorString(outcome)) };
    bail!("{what}: {}", text.to_string_lossy())
}

fn driven(what: &'static str, outcome: cuda::CUresult) -> Result<()> {
    if outcome == cuda::CUresult::CUDA_SUCCESS {
        return Ok(());
    }
    bail!("{what}: {outcome:?}")
}
