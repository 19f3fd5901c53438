//! What a shard, or several together, add to a phase.

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
    pub(super) fn add(&mut self, other: &Self) {
        for (name, values) in &other.named.0 {
            match self.named.0.get_mut(name) {
                Some(sum) => sum.iter_mut().zip(values).for_each(|(a, b)| *a += b),
                None => self.named.set(name, values.clone()),
            }
        }
        self.stats.add(&other.stats);
    }
}

impl ShardSums {
    /// Puts the next slice of every row behind what is there.
    pub(super) fn append(&mut self, slice: Self) {
        for (name, values) in slice.named.0 {
            self.named.0.entry(name).or_default().extend(values);
        }
        self.stats.add(&slice.stats);
    }
}

/// Rows of numbers by name, such as `gradient`, `w_avg` and `pl_length`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums(pub(super) BTreeMap<String, Vec<f32>>);

impl Sums {
    /// Puts in a row, in place of one of that name.
    pub fn set(&mut self, name: &str, values: Vec<f32>) {
        self.0.insert(name.to_owned(), values);
    }

    /// A row.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn get(&self, name: &str) -> Result<&[f32]> {
        self.0.get(name).map(Vec::as_slice).ok_or_else(|| Error::Config {
            place: "the sums of a phase".into(),
            problem: format!("hold no `{name}`; a shard's code sets it"),
        })
    }

    /// All numbers over `samples`: means of sums.
    #[must_use]
    pub fn over(mut self, samples: usize) -> Self {
        let samples = samples as f32;
        self.0.values_mut().flatten().for_each(|value| *value /= samples);
        self
    }

    /// Whether every number is finite.
    pub fn are_finite(&self) -> bool {
        self.0.values().flatten().all(|value| value.is_finite())
    }
}
