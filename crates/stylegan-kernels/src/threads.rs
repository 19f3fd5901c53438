//! How many threads the kernels use, and the parallel loops they are written with.
//!
//! Work is cut into tasks by shape alone, or where each element is computed as it would be alone also by the
//! number of threads, and no two tasks write the same element, so results are the same bits for any setting.

use rayon::prelude::*;
use std::cell::Cell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

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

/// Keeps candle's own element-wise operations on the thread that calls them. Programs that train
/// call it first.
///
/// candle hands operations on more than 65,536 elements to a pool of its own, where the caller
/// waits in a busy loop: it knows nothing of [`limit`], serves one caller at a time, and on a
/// machine with other work spends several times the operation on waiting (measured: 85 % of a
/// training step at 8x8 pixels). `CANDLE_NUM_THREADS` in the environment still decides if it is set.
#[expect(clippy::disallowed_methods, reason = "the size of candle's pool is an environment variable")]
pub fn keep_candle_on_its_thread() {
    const VARIABLE: &str = "CANDLE_NUM_THREADS";
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if std::env::var_os(VARIABLE).is_some() {
            return;
        }
        // SAFETY: Rust's own environment functions synchronise with each other, `ONCE` lets one
        // thread through, and the variable is taken back below; no C code that we call reads the
        // environment here.
        unsafe { std::env::set_var(VARIABLE, "1") };
        // The first call makes the pool, with as many workers as the variable says, less the caller.
        candle_core::utils::barrier_pool();
        // SAFETY: as above.
        unsafe { std::env::remove_var(VARIABLE) };
    });
}

/// Calls `f(0)`, `f(1)`, …, `f(tasks - 1)`, in parallel where the limit allows.
pub(crate) fn for_each(tasks: usize, f: impl Fn(usize) + Sync + Send) {
    for_each_item(0..tasks, f);
}

/// Splits `out` into pieces of `len` elements and calls `f(index, piece)` for each, in parallel where the limit allows.
pub fn for_each_chunk<T: Send>(out: &mut [T], len: usize, f: impl Fn(usize, &mut [T]) + Sync + Send) {
    for_each_item(out.chunks_mut(len.max(1)).enumerate(), |(i, piece)| f(i, piece));
}

/// Calls `f` for each item, in parallel where the limit allows. The items are handed out in order
/// to as many workers as the limit says.
pub(crate) fn for_each_item<I>(items: I, f: impl Fn(I::Item) + Sync + Send)
where
    I: ExactSizeIterator + Send,
{
    let workers = limit().min(items.len());
    if workers <= 1 {
        return items.for_each(f);
    }
    let queue = Mutex::new(items);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    (0..workers).into_par_iter().with_max_len(1).for_each(|_| {
        while let Some(item) = next() {
            f(item);
        }
    });
}

/// Cuts `units`, whose elements do not depend on what they are computed with, into ranges of at most `most`, as many for
/// each thread, but for that of no fewer than `least`.
pub(crate) fn even(units: usize, least: usize, most: usize) -> impl ExactSizeIterator<Item = Range<usize>> + Send {
    let needed = units.div_ceil(most.max(1));
    let parts = needed.next_multiple_of(limit()).min(units / least.max(1)).max(needed);
    (0..parts).map(move |i| i * units / parts..(i + 1) * units / parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn every_task_runs_once_and_no_more_workers_than_allowed() {
        let most = limit();
        for threads in [1, 2, 64] {
            let runs: Vec<AtomicUsize> = (0..37).map(|_| AtomicUsize::new(0)).collect();
            let (active, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
            with_limit(threads, || {
                for_each(runs.len(), |i| {
                    peak.fetch_max(active.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_micros(200));
                    runs[i].fetch_add(1, Ordering::SeqCst);
                    active.fetch_sub(1, Ordering::SeqCst);
                })
            });
            assert!(runs.iter().all(|r| r.load(Ordering::SeqCst) == 1));
            assert!(peak.load(Ordering::SeqCst) <= threads.min(most));
        }
    }

    #[test]
    fn all_threads_get_as_many_ranges() {
        let cut = |threads, units, least, most| with_limit(threads, || even(units, least, most).collect::<Vec<_>>());
        for (units, least, most) in [(145, 4, 16), (34, 4, 8), (7, 1, 100), (5, 3, 2), (1, 1, 1), (0, 4, 16)] {
            for threads in [1, 2] {
                let parts = cut(threads, units, least, most);
                let joined: Vec<usize> = parts.iter().cloned().flatten().collect();
                assert!(joined.into_iter().eq(0..units), "{parts:?}");
                assert!(parts.iter().all(|part| (1..=most).contains(&part.len())), "{parts:?}");
            }
        }
        assert_eq!(cut(1, 34, 4, 8).len(), 5);
        // Two threads have three each, but of a few units alone as many ranges as are needed.
        assert_eq!(cut(2, 34, 4, 8).len(), 5 + limit().min(2) - 1);
        assert_eq!(cut(2, 5, 3, 2).len(), 3);
    }

    #[test]
    fn chunks_cover_the_buffer() {
        let mut out = vec![0; 103];
        for_each_chunk(&mut out, 10, |i, piece| {
            assert_eq!(piece.len(), if i == 10 { 3 } else { 10 });
            piece.fill(i + 1);
        });
        assert!(out.iter().enumerate().all(|(at, &v)| v == at / 10 + 1));
        for_each_chunk(&mut [0u8; 0], 10, |_, _| unreachable!("there is nothing to do"));
    }
}
