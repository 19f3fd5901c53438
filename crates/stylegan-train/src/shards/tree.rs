//! The order in which sums of shards are added.

use super::ShardSums;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A pairwise sum that takes its leaves in any order and holds as few partial sums as that allows.
pub(super) struct Tree {
    /// Nodes per level, the leaves first; the last level has one.
    counts: Vec<usize>,
    /// Finished nodes whose sibling is missing, by (level, place).
    waiting: BTreeMap<(usize, usize), ShardSums>,
    pub(super) root: Option<ShardSums>,
}

impl Tree {
    pub(super) fn new(leaves: usize) -> Self {
        let mut counts = vec![leaves];
        let mut nodes = leaves;
        while nodes > 1 {
            nodes = nodes.div_ceil(2);
            counts.push(nodes);
        }
        Self { counts, waiting: BTreeMap::new(), root: None }
    }

    pub(super) fn insert(tree: &Mutex<Self>, place: usize, sums: ShardSums) {
        let (mut level, mut place, mut sums) = (0, place, sums);
        loop {
            let sibling = {
                let mut tree = tree.lock().unwrap_or_else(PoisonError::into_inner);
                if level + 1 >= tree.counts.len() {
                    tree.root = Some(sums);
                    return;
                }
                if place ^ 1 < tree.counts[level] {
                    match tree.waiting.remove(&(level, place ^ 1)) {
                        Some(sibling) => Some(sibling),
                        None => {
                            tree.waiting.insert((level, place), sums);
                            return;
                        }
                    }
                } else {
                    None // The last of an odd row moves up alone.
                }
            };
            if let Some(sibling) = sibling {
                sums.add(&sibling);
            }
            (level, place) = (level + 1, place / 2);
        }
    }
}
