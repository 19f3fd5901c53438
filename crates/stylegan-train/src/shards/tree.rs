//! The order in which sums of shards are added: a pairwise tree over their places in the whole batch.
//!
//! ```text
//! level 2            0                 five shards: the last of an odd row moves up alone
//! level 1      0           1     2
//! level 0   0     1     2     3  4
//! ```
//! Ranks that hold a part of the shards add the nodes that lie wholly in it. What is left each of them
//! cuts into as many slices as there are ranks, and every rank finishes the tree for one slice of all, so
//! that nobody sends or adds more than a share; then the finished slices go to all. A sum is taken element
//! by element, so the bits do not depend on where parts and slices are cut.

use super::ShardSums;
use super::reduction::{Reduction, fast};
use super::wire::{self, Node};
use crate::Result;
use crate::communicator::Communicator;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A pairwise sum that takes its leaves in any order and holds as few partial sums as that allows.
pub(super) struct Tree {
    /// Nodes per level, the leaves first; the last level has one, the root.
    counts: Vec<usize>,
    /// Finished nodes whose sibling is missing, and the root.
    pub(super) waiting: BTreeMap<Node, ShardSums>,
}

impl Tree {
    pub(super) fn new(leaves: usize) -> Self {
        let mut counts = vec![leaves];
        let mut nodes = leaves;
        while nodes > 1 {
            nodes = nodes.div_ceil(2);
            counts.push(nodes);
        }
        Self { counts, waiting: BTreeMap::new() }
    }

    /// Puts in a node, and adds what is complete with it.
    ///
    /// # Errors
    /// When the device has no room.
    pub(super) fn insert(tree: &Mutex<Self>, (mut level, mut place): Node, mut sums: ShardSums) -> Result<()> {
        loop {
            let sibling = {
                let mut tree = tree.lock().unwrap_or_else(PoisonError::into_inner);
                if level + 1 >= tree.counts.len() {
                    tree.waiting.insert((level, place), sums);
                    return Ok(());
                }
                if place ^ 1 < tree.counts[level] {
                    match tree.waiting.remove(&(level, place ^ 1)) {
                        Some(sibling) => Some(sibling),
                        None => {
                            tree.waiting.insert((level, place), sums);
                            return Ok(());
                        }
                    }
                } else {
                    None // The last of an odd row moves up alone.
                }
            };
            if let Some(sibling) = sibling {
                sums.add(&sibling)?;
            }
            (level, place) = (level + 1, place / 2);
        }
    }

    /// The same with all rows in main memory, where ranks meet.
    ///
    /// # Errors
    /// When a row cannot be read back.
    pub(super) fn in_main_memory(self) -> Result<Self> {
        let waiting = self.waiting.into_iter().map(|(node, sums)| Ok((node, sums.in_main_memory()?)));
        Ok(Self { waiting: waiting.collect::<Result<_>>()?, counts: self.counts })
    }

    /// The same places with nothing in them.
    pub(super) fn emptied(&self) -> Self {
        Self { counts: self.counts.clone(), waiting: BTreeMap::new() }
    }

    /// The rows on a GPU of all nodes, which these lose.
    pub(super) fn take_rows_on_gpu(&mut self) -> Self {
        let waiting = self.waiting.iter_mut().map(|(node, sums)| (*node, sums.take_rows_on_gpu()));
        Self { waiting: waiting.collect(), counts: self.counts.clone() }
    }

    /// What has come together from all leaves; `None` of no leaves.
    pub(super) fn root(mut self) -> Option<ShardSums> {
        self.waiting.remove(&(self.counts.len() - 1, 0))
    }

    /// The sum of all leaves, of which other ranks have the missing ones, in main memory; `None` of no leaves.
    pub(super) fn finish(mut self, communicator: &dyn Communicator, how: Reduction) -> Result<Option<ShardSums>> {
        let ranks = communicator.world_size();
        if ranks > 1 && how == Reduction::Fast {
            let sums = fast(self.waiting, communicator)?;
            return Ok(Some(sums).filter(|sums| *sums != ShardSums::default()));
        }
        if ranks > 1 {
            let slices = (0..ranks).map(|rank| wire::write(self.waiting.iter(), (rank, ranks)));
            let slices = slices.collect::<Result<_>>()?;
            let tree = Mutex::new(self.emptied());
            for part in communicator.all_to_all(slices)? {
                wire::read(&part)?.into_iter().try_for_each(|(node, sums)| Self::insert(&tree, node, sums))?;
            }
            let own = tree.into_inner().unwrap_or_else(PoisonError::into_inner);
            // By now there is the root alone, or nothing.
            let finished = communicator.all_gather(wire::write(own.waiting.iter(), wire::WHOLE)?)?;
            self = own.emptied();
            for slice in finished {
                for (node, sums) in wire::read(&slice)? {
                    self.waiting.entry(node).or_default().append(sums)?;
                }
            }
        }
        Ok(self.root())
    }
}
