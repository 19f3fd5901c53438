//! Sums of rows that lie on the GPUs of several ranks, which they never leave.

use super::reduction::Reduction;
use super::tree::Tree;
use super::wire::{Node, torn};
use super::{Row, ShardSums, Sums};
use crate::communicator::{Communicator, OnGpus};
use crate::{Error, Result};
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// What all ranks find alike: where rows are, and how long.
struct Layout {
    /// The rows of every node, in the order of names.
    rows: Lengths,
    /// The nodes that each rank has.
    nodes: Vec<Vec<Node>>,
}

/// Rows by name, and how many numbers each has.
type Lengths = Vec<(String, usize)>;

/// The sums of all leaves, of which other ranks have the missing ones: as the tree has them, or as the library adds.
pub(super) fn sum(own: &Tree, ranks: &dyn Communicator, gpus: &dyn OnGpus, how: Reduction) -> Result<Sums> {
    let layout = Layout::agreed(own, ranks)?;
    match how {
        Reduction::Exact => layout.exact(own, ranks.rank(), gpus),
        Reduction::Fast => fast(own, gpus),
    }
}

impl Layout {
    fn agreed(own: &Tree, ranks: &dyn Communicator) -> Result<Self> {
        let lengths = |sums: &ShardSums| sums.named.0.iter().map(|(name, row)| (name.clone(), row.len())).collect();
        let own: Vec<(Node, Lengths)> = own.waiting.iter().map(|(node, sums)| (*node, lengths(sums))).collect();
        let told = ranks.all_gather(serde_json::to_vec(&own).map_err(|_| torn())?)?;
        let told = told.iter().map(|bytes| serde_json::from_slice::<Vec<(Node, Lengths)>>(bytes).map_err(|_| torn()));
        let told = told.collect::<Result<Vec<_>>>()?;
        let rows = told.iter().flatten().next().map(|(_, rows)| rows.clone()).unwrap_or_default();
        let problem = if told.iter().flatten().any(|(_, other)| *other != rows) {
            "has other sums on its GPU than this one; start all ranks with the same program, settings and --device"
        } else if !rows.is_empty() && told.iter().any(Vec::is_empty) {
            "has no shard, and no GPU that takes part in sums; start fewer ranks, or raise schedule.batch"
        } else {
            let nodes = told.iter().map(|nodes| nodes.iter().map(|(node, _)| *node).collect());
            return Ok(Self { nodes: nodes.collect(), rows });
        };
        Err(Error::Rank { reason: problem.into() })
    }

    /// The slice of each row that a rank finishes. Of rows shorter than there are ranks some slices are nothing, and left out.
    fn slices(&self, rank: usize) -> impl Iterator<Item = (&str, Range<usize>)> {
        let ranks = self.nodes.len();
        let slices = self.rows.iter().map(move |(name, len)| (&name[..], len * rank / ranks..len * (rank + 1) / ranks));
        slices.filter(|(_, slice)| !slice.is_empty())
    }

    fn lengths(&self, rank: usize) -> Vec<usize> {
        self.slices(rank).map(|(_, slice)| slice.len()).collect()
    }

    /// As rows of main memory are added: every rank finishes the tree for its slice of each row, and then has those of all.
    fn exact(&self, own: &Tree, me: usize, gpus: &dyn OnGpus) -> Result<Sums> {
        let Some(row) = own.waiting.values().find_map(|sums| sums.named.0.values().next()) else {
            return Ok(Sums::default());
        };
        let (device, ranks) = (row.on_gpu()?.device(), 0..self.nodes.len());
        let cut = |rank: usize| -> Result<Vec<Tensor>> {
            let pieces = own.waiting.values().flat_map(|sums| {
                let cut = move |(name, slice): (&str, Range<usize>)| -> Result<Tensor> {
                    Ok(sums.named.row(name)?.on_gpu()?.narrow(0, slice.start, slice.len())?)
                };
                self.slices(rank).map(cut)
            });
            pieces.collect()
        };
        let given = ranks.clone().map(cut).collect::<Result<Vec<_>>>()?;
        let expected: Vec<_> = self.nodes.iter().map(|nodes| self.lengths(me).repeat(nodes.len())).collect();
        let tree = Mutex::new(own.emptied());
        for (nodes, slices) in self.nodes.iter().zip(gpus.all_to_all(device, &given, &expected)?) {
            let mut slices = slices.into_iter();
            for node in nodes {
                let mut sums = ShardSums::default();
                self.slices(me).zip(&mut slices).for_each(|((name, _), slice)| sums.named.set(name, Row::OnGpu(slice)));
                Tree::insert(&tree, *node, sums)?;
            }
        }

        let Some(finished) = tree.into_inner().unwrap_or_else(PoisonError::into_inner).root() else {
            return Ok(Sums::default());
        };
        let own = finished.named.0.values().map(|row| row.on_gpu().cloned()).collect::<Result<Vec<_>>>()?;
        let expected: Vec<_> = ranks.clone().map(|rank| self.lengths(rank)).collect();
        let mut rows: BTreeMap<&str, Vec<Tensor>> = BTreeMap::new();
        for (rank, slices) in gpus.all_to_all(device, &vec![own; ranks.len()], &expected)?.into_iter().enumerate() {
            self.slices(rank).zip(slices).for_each(|((name, _), slice)| rows.entry(name).or_default().push(slice));
        }
        let whole = rows.into_iter().map(|(name, slices)| Ok((name.to_owned(), Row::OnGpu(Tensor::cat(&slices, 0)?))));
        whole.collect::<Result<_>>().map(Sums)
    }
}

/// Each rank adds its own nodes, and the library the ranks.
fn fast(own: &Tree, gpus: &dyn OnGpus) -> Result<Sums> {
    let mut total = ShardSums::default();
    own.waiting.values().try_for_each(|node| total.add(node))?;
    let sums = total.named.0.iter().map(|(name, row)| Ok((name.clone(), Row::OnGpu(gpus.all_reduce(row.on_gpu()?)?))));
    sums.collect::<Result<_>>().map(Sums)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::communicator::{Single, Threads};
    use crate::shards::{Part, sum};
    use candle_core::Device;
    use stylegan_core::latent::StreamKey;

    /// Ranks that exchange tensors, whichever device these are on.
    struct Twin(Threads);

    impl Communicator for Twin {
        fn rank(&self) -> usize {
            self.0.rank()
        }

        fn world_size(&self) -> usize {
            self.0.world_size()
        }

        fn all_gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
            self.0.all_gather(bytes)
        }

        fn all_to_all(&self, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
            let most = parts.iter().map(Vec::len).max();
            assert!(most < Some(1000), "of rows {most:?} bytes went by main memory");
            self.0.all_to_all(parts)
        }

        fn on_gpus(&self) -> Option<Box<dyn OnGpus + '_>> {
            Some(Box::new(&self.0))
        }

        fn abort(&self, reason: &str) {
            self.0.abort(reason);
        }
    }

    impl OnGpus for &Threads {
        fn all_to_all(
            &self,
            device: &Device,
            rows: &[Vec<Tensor>],
            lengths: &[Vec<usize>],
        ) -> Result<Vec<Vec<Tensor>>> {
            let numbers = |row: &Tensor| row.to_vec1::<f32>().unwrap().into_iter().flat_map(f32::to_le_bytes);
            let parts = rows.iter().map(|rows| rows.iter().flat_map(numbers).collect()).collect();
            let got = Communicator::all_to_all(*self, parts)?;
            let apart = |(bytes, lengths): (Vec<u8>, &Vec<usize>)| {
                let numbers: Vec<f32> = bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
                assert_eq!(numbers.len(), lengths.iter().sum::<usize>());
                let mut rest = &numbers[..];
                let rows = lengths.iter().map(|&len| {
                    let (row, after) = rest.split_at(len);
                    rest = after;
                    Tensor::new(row, device).unwrap()
                });
                rows.collect()
            };
            Ok(got.into_iter().zip(lengths).map(apart).collect())
        }

        fn all_reduce(&self, row: &Tensor) -> Result<Tensor> {
            let mut values = row.to_vec1()?;
            Communicator::all_reduce(*self, &mut values)?;
            Ok(Tensor::new(values, row.device())?)
        }
    }

    /// Two rows on a GPU, one of them shorter than there are ranks, one in main memory, and a statistic.
    fn work(place: usize) -> Result<ShardSums> {
        let mut sums = ShardSums::default();
        for (name, length) in [("bias", 2), ("gradient", 3001)] {
            let row = StreamKey::new(1, name, place as u64).stream(0, 0).normals_f32(length);
            sums.named.set(name, Row::OnGpu(Tensor::new(row, &Device::Cpu)?));
        }
        sums.named.set("w_avg", vec![0.1 * place as f32]);
        sums.stats.extend("x", [place as f64]);
        Ok(sums)
    }

    fn on_ranks(
        cuts: &[usize],
        reduction: Reduction,
        work: impl Fn(usize, usize) -> Result<ShardSums> + Sync,
    ) -> Vec<Result<ShardSums>> {
        let (work, count) = (&work, *cuts.last().unwrap());
        std::thread::scope(|scope| {
            let ranks = Threads::world(cuts.len()).into_iter().enumerate().map(|(rank, me)| {
                let own = if rank == 0 { 0 } else { cuts[rank - 1] }..cuts[rank];
                let part = Part { own, count, at_once: 2, reduction };
                scope.spawn(move || sum(&part, &Twin(me), |place| work(rank, place)))
            });
            ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
        })
    }

    fn numbers(sums: &ShardSums, name: &str) -> Vec<f32> {
        sums.named.row(name).unwrap().clone().into_vec().unwrap()
    }

    #[test]
    fn sums_are_those_of_one_rank() {
        for cuts in [vec![1, 2], vec![3, 5], vec![1, 3, 7], vec![2, 3, 5, 6, 16]] {
            let count = *cuts.last().unwrap();
            let all = Part { own: 0..count, count, at_once: 1, reduction: Reduction::Exact };
            let alone = sum(&all, &Single, work).unwrap();
            for reduction in [Reduction::Exact, Reduction::Fast] {
                let found = on_ranks(&cuts, reduction, |_, place| work(place));
                for sums in found.into_iter().map(Result::unwrap) {
                    assert_eq!(sums.stats, alone.stats);
                    for name in ["bias", "gradient", "w_avg"] {
                        let on_gpu = matches!(sums.named.row(name).unwrap(), Row::OnGpu(_));
                        assert_eq!(on_gpu, name != "w_avg");
                        let (found, expected) = (numbers(&sums, name), numbers(&alone, name));
                        let largest = expected.iter().fold(0f32, |most, value| most.max(value.abs()));
                        let bound = if reduction == Reduction::Exact { 0. } else { 1e-5 * largest };
                        let near = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= bound);
                        assert!(found.len() == expected.len() && near, "{name} cut at {cuts:?}");
                    }
                }
            }
        }
    }

    /// All ranks find out, and none waits for what does not come.
    #[test]
    fn ranks_without_the_same_rows_are_told() {
        let elsewhere = on_ranks(&[1, 2], Reduction::Exact, |rank, place| {
            let sums = work(place)?;
            if rank == 0 { Ok(sums) } else { sums.in_main_memory() }
        });
        for outcome in elsewhere {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("has other sums on its GPU") && error.contains("--device"), "{error}");
        }
        for outcome in on_ranks(&[1, 1, 2], Reduction::Fast, |_, place| work(place)) {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("has no shard"), "{error}");
        }
    }
}
