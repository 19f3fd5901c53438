//! A table of features: a row for each image.

use crate::{Error, Result};

/// One row of features per image.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureTable {
    rows: Vec<f32>,
    dim: usize,
}

impl FeatureTable {
    /// A table from its rows, one after the other, each of `dim` numbers.
    ///
    /// # Errors
    /// When `rows` does not divide into rows of `dim`, or holds NaN or infinity.
    pub fn new(rows: Vec<f32>, dim: usize) -> Result<Self> {
        if dim == 0 || !rows.len().is_multiple_of(dim) {
            return Err(Error::Parameter {
                parameter: "length of the feature table",
                found: format!("{} for rows of {dim}", rows.len()),
                expected: "a multiple of the feature dimension",
            });
        }
        if let Some(at) = rows.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFinite {
                what: "features",
                unit: "row",
                index: at / dim,
                set: "feature table".into(),
            });
        }
        Ok(Self { rows, dim })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Length of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The features of image `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.rows[i * self.dim..][..self.dim]
    }

    /// All rows, one after the other.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// All rows, one after the other, in place of the table.
    pub(crate) fn into_rows(self) -> Vec<f32> {
        self.rows
    }

    /// The table of the given images, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let rows = indices.iter().flat_map(|&i| self.row(i).iter().copied()).collect();
        Self { rows, dim: self.dim }
    }

    /// Fails unless `other` has rows of the same length.
    pub(crate) fn check_like(&self, other: &Self) -> Result<()> {
        if self.dim == other.dim {
            return Ok(());
        }
        let (left, right) = (self.dim.to_string(), other.dim.to_string());
        Err(Error::Mismatch { what: "feature dimension", left, right })
    }

    /// Fails unless there are at least `needed` rows.
    pub(crate) fn check_count(&self, metric: &str, set: &str, needed: usize) -> Result<()> {
        if self.len() >= needed {
            return Ok(());
        }
        Err(Error::TooFew { metric: metric.into(), set: set.into(), needed, found: self.len() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_goes_wrong() {
        assert!(FeatureTable::new(vec![0.; 5], 2).is_err());
        assert!(FeatureTable::new(vec![0., 0., f32::INFINITY, 0.], 2).unwrap_err().to_string().contains("row 1"));
    }
}
