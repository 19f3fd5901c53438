//! A batch in pieces, and their sum in an order that nothing can change.

mod on_gpus;
mod reduction;
mod row;
mod sums;
mod tree;
mod wire;

pub use reduction::Reduction;
pub use row::Row;
pub use sums::{ShardSums, Sums};

use crate::communicator::{Communicator, agree};
use crate::{Error, Result};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use stylegan_kernels::threads;
use tree::Tree;

/// A rank's part of a batch's shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The places of its own shards in the whole batch.
    pub own: Range<usize>,
    /// Shards of the whole batch.
    pub count: usize,
    /// Own shards handled side by side.
    pub at_once: usize,
    /// How its sums and those of others become one.
    pub reduction: Reduction,
}

/// Calls `work` for each place of `part.own`, some side by side (sharing the threads of the caller's
/// limit), and adds the results of all ranks as a pairwise tree over places in the whole batch. The sum
/// is the same bits for any `at_once`, any number of threads, and (unless the reduction is fast) any number of
/// ranks that hold any parts, if `work` is. Rows on a GPU stay there. With several ranks they
/// stay only if the communicator can exchange them ([`Communicator::on_gpus`]), which needs a shard on every rank; otherwise
/// they are added in main memory.
///
/// # Errors
/// The error of a shard that failed (the first one, should several fail), that there are no shards, or
/// that a rank does not answer.
pub fn sum(
    part: &Part,
    communicator: &dyn Communicator,
    work: impl Fn(usize) -> Result<ShardSums> + Sync,
) -> Result<ShardSums> {
    let lanes = part.at_once.clamp(1, part.own.len().max(1));
    let tree = Mutex::new(Tree::new(part.count));
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let next = AtomicUsize::new(part.own.start);
    let lane = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= part.own.end || failed.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                break;
            }
            if let Err(error) = work(place).and_then(|sums| Tree::insert(&tree, (0, place), sums)) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(earlier, _)| place < *earlier) {
                    *failed = Some((place, error));
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
    // Ranks that are well learn of one that is not before they wait for its sums.
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    let tree = tree.into_inner().unwrap_or_else(PoisonError::into_inner);
    let own = failed.map_or(Ok(tree), |(_, error)| Err(error));
    let several = communicator.world_size() > 1;
    let gpus = several.then(|| communicator.on_gpus()).flatten();
    let own = if several && gpus.is_none() { own.and_then(Tree::in_main_memory) } else { own };
    let mut own = agree(communicator, own)?;
    let on_gpus = gpus.map(|gpus| on_gpus::sum(&own.take_rows_on_gpu(), communicator, &*gpus, part.reduction));
    let on_gpus = on_gpus.transpose()?.unwrap_or_default();
    let mut total = own.finish(communicator, part.reduction)?.ok_or_else(|| Error::Config {
        place: "the batch".into(),
        problem: "has no shards; raise schedule.batch".into(),
    })?;
    total.named.0.extend(on_gpus.0);
    Ok(total)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::communicator::{Single, Threads};
    use stylegan_core::latent::StreamKey;

    fn leaf(value: f32) -> ShardSums {
        let mut sums = ShardSums::default();
        sums.named.set("value", vec![value]);
        sums
    }

    fn all(count: usize, at_once: usize) -> Part {
        Part { own: 0..count, count, at_once, reduction: Reduction::Exact }
    }

    #[test]
    fn sums_as_a_tree_over_places() {
        // 2²⁴ + 1 + 1 depends on the order: ((a+b)+(c+d))+e is the tree for five shards.
        let values = [16_777_216f32, 1., 1., 1., 3.];
        let expected = ((values[0] + values[1]) + (values[2] + values[3])) + values[4];
        for at_once in 1..=6 {
            let total = sum(&all(5, at_once), &Single, |i| {
                std::thread::sleep(std::time::Duration::from_millis(5 * (5 - i as u64)));
                Ok(leaf(values[i]))
            });
            assert_eq!(total.unwrap(), leaf(expected), "{at_once} at once");
        }
        assert_eq!(expected, 16_777_221.);
    }

    /// Wherever the parts are cut, also where a rank has none.
    #[test]
    fn ranks_hold_any_parts() {
        for count in [1, 5, 6, 8] {
            let work = |i: usize| {
                let mut sums = leaf(0.1 + i as f32 * 1e7);
                sums.stats.extend("x", [i as f64 * 0.1, 1e17, f64::NAN]);
                Ok(sums)
            };
            let alone = sum(&all(count, 1), &Single, work).unwrap();
            for cuts in [vec![count], vec![1, count], vec![0, count.div_ceil(3), count], vec![1, 1, count, count]] {
                let found: Vec<ShardSums> = std::thread::scope(|scope| {
                    let ranks = Threads::world(cuts.len()).into_iter().enumerate().map(|(rank, me)| {
                        let own = if rank == 0 { 0 } else { cuts[rank - 1] }..cuts[rank];
                        let part = Part { own, count, at_once: 2, reduction: Reduction::Exact };
                        scope.spawn(move || sum(&part, &me, work).unwrap())
                    });
                    ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
                });
                for sums in found {
                    assert_eq!(sums.named, alone.named, "{count} shards cut at {cuts:?}");
                    let bits = |sums: &ShardSums| sums.stats.iter().map(|(_, m)| m.count.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&sums), bits(&alone));
                }
            }
        }
    }

    /// On random rows, some of whose numbers nearly cancel; ranks without shards give zeros.
    #[test]
    fn fast_sums_are_within_what_is_promised() {
        let work = |i: usize| {
            let mut sums = ShardSums::default();
            for (name, length) in [("gradient", 10_000), ("w_avg", 7)] {
                let mut stream = StreamKey::new(1, name, i as u64).stream(0, 0);
                sums.named.set(name, stream.normals_f32(length));
            }
            sums.stats.extend("x", [i as f64]);
            Ok(sums)
        };
        let count = 16;
        let exact = sum(&all(count, 1), &Single, work).unwrap();
        for cuts in [vec![7, 16], vec![3, 8, 16], vec![0, 5, 5, 16]] {
            let found: Vec<ShardSums> = std::thread::scope(|scope| {
                let ranks = Threads::world(cuts.len()).into_iter().enumerate().map(|(rank, me)| {
                    let own = if rank == 0 { 0 } else { cuts[rank - 1] }..cuts[rank];
                    let part = Part { own, count, at_once: 1, reduction: Reduction::Fast };
                    scope.spawn(move || sum(&part, &me, work).unwrap())
                });
                ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
            });
            let mut others = 0;
            for sums in &found {
                assert_eq!(sums, &found[0], "all ranks have the same");
                assert_eq!(sums.stats, exact.stats);
                for name in ["gradient", "w_avg"] {
                    let (found, exact) = (sums.named.get(name).unwrap(), exact.named.get(name).unwrap());
                    let largest = exact.iter().fold(0f32, |most, value| most.max(value.abs()));
                    let near = found.iter().zip(exact).all(|(a, b)| (a - b).abs() <= 1e-5 * largest);
                    assert!(near, "{name} cut at {cuts:?}");
                    others += usize::from(found != exact);
                }
            }
            assert!(others > 0, "cut at {cuts:?} the order is another, and nobody would see");
        }
    }

    #[test]
    fn errors_reach_the_caller() {
        let fails = |i| if i == 2 { Err(Error::DataIndex { index: 9, len: 3 }) } else { Ok(leaf(1.)) };
        assert!(matches!(sum(&all(4, 2), &Single, fails), Err(Error::DataIndex { index: 9, .. })));
        assert!(sum(&all(0, 1), &Single, fails).is_err());
    }

    #[test]
    fn lanes_share_the_threads() {
        let limits = Mutex::new(vec![]);
        threads::with_limit(2, || {
            sum(&all(4, 2), &Single, |_| {
                limits.lock().unwrap().push(threads::limit());
                Ok(leaf(0.))
            })
        })
        .unwrap();
        assert!(limits.into_inner().unwrap().iter().all(|&limit| limit == 1));
    }
}
