//! Workspaces that a thread takes and gives back: after the first steps of a training run no
//! kernel asks the system for temporary memory any more.

use super::buffer::{HUGE_PAGE, advise_huge};
use candle_core::WithDType;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Cache-line (and AVX-512 vector) alignment.
const ALIGN: usize = 64;
/// Sizes are rounded up to multiples of this, so that similar requests share a block.
const GRAIN: usize = 1 << 14;
/// More bytes than this no block can have, rounded up and aligned.
const LARGEST: usize = isize::MAX as usize - 2 * HUGE_PAGE;
/// A thread keeps at most this many idle blocks, the largest ones.
const KEPT: usize = 8;

thread_local! {
    static IDLE: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Aligned memory that was zeroed once, when it came from the system: always initialised.
struct Block {
    start: *mut u8,
    bytes: usize,
}

// SAFETY: owned memory, changed only through `&mut`.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    fn layout(bytes: usize) -> Layout {
        let align = if bytes < 2 * HUGE_PAGE { ALIGN } else { HUGE_PAGE };
        // SAFETY: the alignment is a power of two, and `take` bounds the size.
        unsafe { Layout::from_size_align_unchecked(bytes, align) }
    }

    fn new(bytes: usize) -> Self {
        let layout = Self::layout(bytes);
        // SAFETY: the size is at least GRAIN.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            handle_alloc_error(layout)
        }
        // SAFETY: memory of this size that was just allocated.
        unsafe {
            advise_huge(start, bytes);
            start.write_bytes(0, bytes);
        }
        Self { start, bytes }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout.
        unsafe { dealloc(self.start, Self::layout(self.bytes)) }
    }
}

/// A slice of `len` elements of this thread's workspace. It holds whatever was left there; it goes
/// back when dropped.
pub(crate) struct Scratch<T> {
    block: Option<Block>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: WithDType> Scratch<T> {
    /// Takes the smallest idle block that is large enough, or a new one.
    ///
    /// # Panics
    /// When no memory can have `len` elements, as a vector does.
    pub(crate) fn take(len: usize) -> Self {
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= LARGEST);
        let bytes = bytes.unwrap_or_else(|| panic!("a workspace of {len} elements is larger than any memory"));
        let bytes = bytes.next_multiple_of(GRAIN).max(GRAIN);
        let idle = IDLE.with_borrow_mut(|idle| {
            let fits = (0..idle.len()).filter(|&i| idle[i].bytes >= bytes);
            fits.min_by_key(|&i| idle[i].bytes).map(|i| idle.swap_remove(i))
        });
        Self { block: Some(idle.unwrap_or_else(|| Block::new(bytes))), len, element: PhantomData }
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        let Some(block) = self.block.take() else { return };
        // A thread that is ending has no arena any more: then the block is simply freed.
        let _ = IDLE.try_with(|idle| {
            let Ok(mut idle) = idle.try_borrow_mut() else { return };
            idle.push(block);
            if idle.len() > KEPT
                && let Some(smallest) = (0..idle.len()).min_by_key(|&i| idle[i].bytes)
            {
                idle.swap_remove(smallest);
            }
        });
    }
}

impl<T: WithDType> Deref for Scratch<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        let start = self.block.as_ref().map_or(std::ptr::NonNull::dangling().as_ptr(), |b| b.start.cast::<T>());
        // SAFETY: the block holds `len` initialised elements of a plain number type, aligned to 64.
        unsafe { std::slice::from_raw_parts(start, self.len) }
    }
}

impl<T: WithDType> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let start = self.block.as_ref().map_or(std::ptr::NonNull::dangling().as_ptr(), |b| b.start.cast::<T>());
        // SAFETY: as above, and the block is ours alone.
        unsafe { std::slice::from_raw_parts_mut(start, self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_are_aligned_apart_and_reused() {
        let mut a = Scratch::<f32>::take(100_000);
        let mut b = Scratch::<f64>::take(5_000);
        assert_eq!(
            (a.len(), b.len(), a.as_ptr() as usize % ALIGN, b.as_ptr() as usize % ALIGN),
            (100_000, 5_000, 0, 0)
        );
        a.fill(1.);
        b.fill(2.);
        assert!(a.iter().all(|&v| v == 1.) && b.iter().all(|&v| v == 2.));
        let place = a.as_ptr();
        drop(a);
        assert_eq!(Scratch::<f32>::take(99_000).as_ptr(), place);
    }
}
