//! Memory of tensors: typed access to storage, results without zero-filling, shared writing.

use candle_core::{CpuStorage, Layout, Result, WithDType};
use std::mem::MaybeUninit;

/// Contiguous elements of a storage, in row-major order of its layout. Errors on strided layouts:
/// operations call `contiguous()` on their arguments first.
pub(crate) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("kernel argument of shape {:?} is not contiguous", layout.dims())
    };
    Ok(&storage.as_slice::<T>()?[start..end])
}

/// A vector of `len` elements whose memory is not zeroed before `fill` writes it.
///
/// # Safety
/// `fill` must write every element (a result of any bits, but each of them written).
pub(crate) unsafe fn filled<T: Copy>(len: usize, fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Vec<T> {
    let mut out: Vec<T> = Vec::with_capacity(len);
    // SAFETY: the vector's own memory.
    unsafe { advise_huge(out.as_mut_ptr().cast(), len * size_of::<T>()) };
    fill(&mut out.spare_capacity_mut()[..len]);
    // SAFETY: the capacity is there, and the caller vouches that all elements are written.
    unsafe { out.set_len(len) };
    out
}

/// A large page of Linux.
pub(super) const HUGE_PAGE: usize = 2 << 20;

/// Asks for large pages for fresh memory of several of them. A page of 4 KiB costs more to get than
/// to fill, and large results come fresh from the system each time.
///
/// # Safety
/// The memory is the caller's.
pub(super) unsafe fn advise_huge(start: *mut u8, bytes: usize) {
    #[cfg(target_os = "linux")]
    if bytes >= 2 * HUGE_PAGE {
        unsafe extern "C" {
            fn madvise(start: *mut u8, bytes: usize, advice: i32) -> i32;
        }
        const MADV_HUGEPAGE: i32 = 14;
        let skip = start.align_offset(HUGE_PAGE);
        let whole = bytes.saturating_sub(skip) / HUGE_PAGE * HUGE_PAGE;
        // SAFETY: whole pages inside the caller's memory; the advice changes no contents, and a
        // system that does not take it is no worse off.
        unsafe { madvise(start.add(skip.min(bytes)), whole, MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
}

/// A buffer that several tasks write at once, each to places of its own.
#[derive(Clone, Copy)]
pub(crate) struct SharedMut<T>(*mut T);

// SAFETY: only a pointer; those who write through it keep their places apart.
unsafe impl<T: Send> Send for SharedMut<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedMut<T> {}

impl<T> SharedMut<T> {
    pub(crate) fn new(buffer: &mut [T]) -> Self {
        Self(buffer.as_mut_ptr())
    }

    /// The same for memory that is not yet initialised: it may be written, not read.
    pub(crate) fn uninit(buffer: &mut [MaybeUninit<T>]) -> Self {
        Self(buffer.as_mut_ptr().cast())
    }

    /// The pointer to element `index`.
    ///
    /// # Safety
    /// `index` lies in the buffer (or one past its end).
    #[inline(always)]
    pub(crate) unsafe fn at(self, index: usize) -> *mut T {
        // SAFETY: the caller keeps inside the buffer.
        unsafe { self.0.add(index) }
    }
}
