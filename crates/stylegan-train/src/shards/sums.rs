//! What a shard, or several together, add to a phase.

use super::Row;
use crate::stats::Stats;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// Sums over samples, by name, and what is reported of the samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShardSums {
    /// The gradient of the summed loss, and what moves buffers.
    pub named: Sums,
    /// What is reported.
    pub stats: Stats,
}

impl ShardSums {
    /// Adds the sums of other samples, which have the same names.
    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        for (name, values) in &other.named.0 {
            match self.named.0.get_mut(name) {
                Some(sum) => sum.add(values)?,
                None => self.named.set(name, values.clone()),
            }
        }
        self.stats.add(&other.stats);
        Ok(())
    }
}

impl ShardSums {
    /// The same with every row in main memory, as ranks send them.
    pub(super) fn in_main_memory(self) -> Result<Self> {
        let rows = self.named.0.into_iter().map(|(name, row)| Ok((name, Row::Numbers(row.into_vec()?))));
        Ok(Self { named: Sums(rows.collect::<Result<_>>()?), stats: self.stats })
    }

    /// The rows on a GPU, which this loses.
    pub(super) fn take_rows_on_gpu(&mut self) -> Self {
        let rows = std::mem::take(&mut self.named.0).into_iter();
        let (on_gpu, others) = rows.partition(|(_, row)| matches!(row, Row::OnGpu(_)));
        self.named = Sums(others);
        Self { named: Sums(on_gpu), ..Self::default() }
    }

    /// Puts the next slice of every row, in main memory, behind what is there.
    pub(super) fn append(&mut self, slice: Self) -> Result<()> {
        for (name, values) in slice.named.0 {
            match self.named.0.get_mut(&name) {
                Some(row) => row.extend(values)?,
                None => self.named.set(&name, values),
            }
        }
        self.stats.add(&slice.stats);
        Ok(())
    }
}

/// Rows of numbers by name, such as `gradient`, `w_avg` and `pl_length`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums(pub(super) BTreeMap<String, Row>);

impl Sums {
    /// Puts in a row, in place of one of that name.
    pub fn set(&mut self, name: &str, values: impl Into<Row>) {
        self.0.insert(name.to_owned(), values.into());
    }

    /// A row.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn row(&self, name: &str) -> Result<&Row> {
        self.0.get(name).ok_or_else(|| Error::Config {
            place: "the sums of a phase".into(),
            problem: format!("hold no `{name}`; a shard's code sets it"),
        })
    }

    /// A row of main memory, which all are but gradients.
    ///
    /// # Errors
    /// When there is none of that name, or it is on a GPU.
    pub fn get(&self, name: &str) -> Result<&[f32]> {
        self.row(name)?.numbers()
    }

    /// All numbers over `samples`: means of sums.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn over(self, samples: usize) -> Result<Self> {
        self.0.into_iter().map(|(name, row)| Ok((name, row.over(samples)?))).collect::<Result<_>>().map(Self)
    }

    /// Whether every number is finite.
    ///
    /// # Errors
    /// When the device fails.
    pub fn are_finite(&self) -> Result<bool> {
        self.0.values().try_fold(true, |all, row| Ok(all && row.is_finite()?))
    }
}
