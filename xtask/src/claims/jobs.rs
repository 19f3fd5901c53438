//! Several things at once.

use crate::failure::Result;
use crate::say::say;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does `work` for each item, up to `jobs` at a time; the results are in the items' order. After a failure nothing more is
/// begun; what has begun is ended, which may take hours and is said, and the first failure is the result.
pub(super) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let (next, under_way) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::new());
    let worker = || {
        loop {
            let i = next.fetch_add(1, Ordering::SeqCst);
            let Some(item) = items.get(i) else { return };
            under_way.fetch_add(1, Ordering::SeqCst);
            let result = work(item);
            let others = under_way.fetch_sub(1, Ordering::SeqCst) - 1;
            if let Err(failure) = &result {
                next.store(items.len(), Ordering::SeqCst);
                if others > 0 {
                    say(&format!("{}; what runs beside it comes to its end first", failure.message()));
                }
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push((i, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.clamp(1, items.len().max(1)) {
            scope.spawn(worker);
        }
        worker();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use std::sync::Barrier;

    #[test]
    fn as_many_as_asked_for_run_at_once() {
        // Two meet here: one at a time would wait for ever.
        let meet = Barrier::new(2);
        let found = in_parallel(&[1, 2, 3, 4], 2, |n| {
            meet.wait();
            Ok(n * 10)
        });
        assert_eq!(found.ok(), Some(vec![10, 20, 30, 40]));
        assert_eq!(in_parallel(&[1, 2, 3], 1, |n| Ok(n + 1)).ok(), Some(vec![2, 3, 4]));
        assert_eq!(in_parallel::<i32, i32>(&[], 8, |n| Ok(*n)).ok(), Some(vec![]));
    }

    #[test]
    fn nothing_begins_after_a_failure() {
        let begun = AtomicUsize::new(0);
        let found: Result<Vec<()>> = in_parallel(&[0; 9], 1, |_| {
            let n = begun.fetch_add(1, Ordering::SeqCst);
            if n == 2 { Err(Failure::wrong("no")) } else { Ok(()) }
        });
        assert!(found.is_err());
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }
}
