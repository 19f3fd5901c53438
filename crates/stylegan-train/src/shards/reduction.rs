//! How the sums of several ranks become one.

use super::wire::{self, Node};
use super::{Row, ShardSums, Sums};
use crate::communicator::Communicator;
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bits of a length in one number.
const DIGIT: u32 = 20;

/// How the sums of several ranks become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// As the tree over all shards has it: the same bits on any number of ranks.
    #[default]
    Exact,
    /// Each rank adds its own shards, and the library that joins them the rest, in the order that it likes. A sum of
    /// `n` shards differs from the exact one by less than 1e-5 of the largest number in its row, and by other bits on
    /// other numbers of ranks; one process alone adds exactly.
    Fast,
}

/// The digits of a length, which a single f32 holds up to 2²⁴ alone.
fn split(length: usize) -> [f32; 2] {
    [(length >> DIGIT) as f32, (length & ((1 << DIGIT) - 1)) as f32]
}

fn joined(digits: &[f32]) -> usize {
    digits.iter().fold(0, |length, digit| (length << DIGIT) + *digit as usize)
}

/// The sum of all ranks, each of which has nodes of the tree, by the library's all-reduce. What is reported is
/// summed in the order of ranks.
pub(super) fn fast(nodes: BTreeMap<Node, ShardSums>, communicator: &dyn Communicator) -> Result<ShardSums> {
    let mut own = ShardSums::default();
    nodes.values().try_for_each(|node| own.add(node))?;
    // A rank without shards has no rows: it takes the lengths of others, and gives zeros.
    let lengths = own.named.0.iter().map(|(name, row)| (name.clone(), split(row.len()).to_vec().into()));
    let lengths = Sums(lengths.collect());
    let told = ShardSums { named: lengths, stats: own.stats };
    let told = communicator.all_gather(wire::write([(&(0, 0), &told)].into_iter(), wire::WHOLE)?)?;
    let mut total = ShardSums::default();
    let mut rows: Option<BTreeMap<String, Row>> = None;
    for bytes in told {
        let Some((_, ShardSums { named, stats })) = wire::read(&bytes)?.pop() else { continue };
        total.stats.add(&stats);
        if !named.0.is_empty() && *rows.get_or_insert_with(|| named.0.clone()) != named.0 {
            let reason = "sums other things than this one; start all ranks with the same program and settings";
            return Err(Error::Rank { reason: reason.into() });
        }
    }
    let rows = rows.unwrap_or_default().into_iter().map(|(name, row)| Ok((name, joined(row.numbers()?))));
    let rows = rows.collect::<Result<Vec<(String, usize)>>>()?;
    let mut values = Vec::with_capacity(rows.iter().map(|(_, length)| length).sum());
    for (name, length) in &rows {
        match own.named.0.get(name) {
            Some(row) => values.extend(row.numbers()?),
            None => values.resize(values.len() + length, 0.),
        }
    }
    communicator.all_reduce(&mut values)?;
    let mut rest = &values[..];
    for (name, length) in rows {
        let (row, after) = rest.split_at(length);
        total.named.set(&name, row.to_vec());
        rest = after;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Networks have more parameters than an f32 can count.
    #[test]
    fn lengths_are_exact() {
        for length in [0, 1, (1 << 20) - 1, 1 << 20, (1 << 24) + 1, 30_370_063, (1 << 33) + 7] {
            assert_eq!(joined(&split(length)), length);
        }
    }
}
