//! How many threads the kernels use, and the one parallel loop they are written with.
//!
//! Work is cut into tasks by shape alone, never by the number of threads, so results are the same
//! bits for any setting.

use rayon::prelude::*;
use std::cell::Cell;

thread_local! {
    static LIMIT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The number of threads that kernels called from this thread may use.
pub fn limit() -> usize {
    LIMIT.get().min(rayon::current_num_threads())
}

/// Runs `f` with kernels limited to `threads` threads (at least 1). Shards that are handled side
/// by side use this to keep to their share of the machine.
pub fn with_limit<R>(threads: usize, f: impl FnOnce() -> R) -> R {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            LIMIT.set(self.0);
        }
    }
    let _restore = Restore(LIMIT.replace(threads.max(1)));
    f()
}

/// Calls `f(0)`, `f(1)`, …, `f(tasks - 1)`, in parallel where the limit allows.
pub(crate) fn for_each(tasks: usize, f: impl Fn(usize) + Sync + Send) {
    if tasks <= 1 || limit() == 1 {
        (0..tasks).for_each(f);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(f);
    }
}

/// Splits `out` into pieces of `len` elements and calls `f(index, piece)` for each.
pub(crate) fn for_each_chunk<T: Send>(out: &mut [T], len: usize, f: impl Fn(usize, &mut [T]) + Sync + Send) {
    let len = len.max(1);
    if out.len() <= len || limit() == 1 {
        out.chunks_mut(len).enumerate().for_each(|(i, piece)| f(i, piece));
    } else {
        out.par_chunks_mut(len).enumerate().for_each(|(i, piece)| f(i, piece));
    }
}
