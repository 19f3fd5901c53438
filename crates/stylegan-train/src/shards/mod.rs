//! A batch in pieces, and their sum in an order that nothing can change.

mod sums;
mod tree;

pub use sums::{ShardSums, Sums};

use crate::{Error, Result};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use stylegan_kernels::threads;
use tree::Tree;

/// Calls `work` for each shard of `shards`, `at_once` of them side by side (sharing the threads of
/// the caller's limit), and adds the results as a pairwise tree over the shards' places. The sum is
/// the same bits for any `at_once` and any number of threads, if `work` is.
///
/// # Errors
/// The error of a shard that failed (the first one, should several fail), or that there are no
/// shards.
pub fn sum(
    shards: Range<usize>,
    at_once: usize,
    work: impl Fn(usize) -> Result<ShardSums> + Sync,
) -> Result<ShardSums> {
    let (first, count) = (shards.start, shards.len());
    let lanes = at_once.clamp(1, count.max(1));
    let tree = Mutex::new(Tree::new(count));
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let next = AtomicUsize::new(0);
    let lane = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= count || failed.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                break;
            }
            match work(first + place) {
                Ok(sums) => Tree::insert(&tree, place, sums),
                Err(error) => {
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    if failed.as_ref().is_none_or(|(earlier, _)| place < *earlier) {
                        *failed = Some((place, error));
                    }
                }
            }
        }
    };
    if lanes == 1 {
        lane();
    } else {
        let threads_each = (threads::limit() / lanes).max(1);
        std::thread::scope(|scope| {
            for _ in 0..lanes {
                scope.spawn(|| threads::with_limit(threads_each, lane));
            }
        });
    }
    if let Some((_, error)) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let root = tree.into_inner().unwrap_or_else(PoisonError::into_inner).root;
    root.ok_or_else(|| Error::Config {
        place: "the batch".into(),
        problem: "has no shards; raise schedule.batch".into(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn leaf(value: f32) -> ShardSums {
        let mut sums = ShardSums::default();
        sums.named.set("value", vec![value]);
        sums
    }

    #[test]
    fn sums_as_a_tree_over_places() {
        // 2²⁴ + 1 + 1 depends on the order: ((a+b)+(c+d))+e is the tree for five shards.
        let values = [16_777_216f32, 1., 1., 1., 3.];
        let expected = ((values[0] + values[1]) + (values[2] + values[3])) + values[4];
        for at_once in 1..=6 {
            let total = sum(0..5, at_once, |i| {
                std::thread::sleep(std::time::Duration::from_millis(5 * (5 - i as u64)));
                Ok(leaf(values[i]))
            });
            assert_eq!(total.unwrap().named.get("value").unwrap(), [expected], "{at_once} at once");
        }
        assert_eq!(expected, 16_777_221.);
    }

    #[test]
    fn ranks_hold_subtrees() {
        let values: Vec<f32> = (0..8).map(|i| 0.1 + i as f32 * 1e7).collect();
        let part = |range| sum(range, 1, |i| Ok(leaf(values[i]))).unwrap().named.get("value").unwrap()[0];
        assert_eq!(part(0..8), part(0..4) + part(4..8));
    }

    #[test]
    fn errors_reach_the_caller() {
        let fails = |i| if i == 2 { Err(Error::DataIndex { index: 9, len: 3 }) } else { Ok(leaf(1.)) };
        assert!(matches!(sum(0..4, 2, fails), Err(Error::DataIndex { index: 9, .. })));
        assert!(sum(0..0, 1, fails).is_err());
    }

    #[test]
    fn lanes_share_the_threads() {
        let limits = Mutex::new(vec![]);
        threads::with_limit(2, || {
            sum(0..4, 2, |_| {
                limits.lock().unwrap().push(threads::limit());
                Ok(leaf(0.))
            })
        })
        .unwrap();
        assert!(limits.into_inner().unwrap().iter().all(|&limit| limit == 1));
    }
}
