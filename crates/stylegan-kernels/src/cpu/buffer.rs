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
    let mut out = Vec::with_capacity(len);
    fill(&mut out.spare_capacity_mut()[..len]);
    // SAFETY: the capacity is there, and the caller vouches that all elements are written.
    unsafe { out.set_len(len) };
    out
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
