//! Fréchet distances without one group of samples at a time.
//!
//! The full way costs an eigendecomposition with vectors and a singular value decomposition for each
//! group of each set. But the trace in the distance is that of `(L^T S L)^(1/2)`, where `L` is the factor
//! of the set that stays whole and `S` the covariance of the other: rows are multiplied by `L` once, and
//! eigenvalues alone of their covariance are enough. Those of all rows are known already.

use super::{BLOCK, Covariance, Gaussian, Moments, lower_product};
use crate::feature_table::FeatureTable;
use crate::interval::GROUPS;
use crate::{Error, Result};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par, Side};
use rayon::prelude::*;

/// Groups whose moments are held at once.
const AT_ONCE: usize = 4;

/// Distances to `fixed` of `changing`, whose Gaussian is `own`, without each of its groups.
pub(super) fn leave_out(
    changing: &FeatureTable,
    own: &Gaussian,
    fixed: &Gaussian,
    convention: Covariance,
) -> Result<Vec<f64>> {
    let whole = Group::of(own, changing.len(), fixed, convention);
    let mut distances = Vec::with_capacity(GROUPS);
    for first in (0..GROUPS).step_by(AT_ONCE) {
        let found: Vec<Result<f64>> = (first..(first + AT_ONCE).min(GROUPS))
            .into_par_iter()
            .map(|g| whole.without(&Group::new(changing, g, fixed)).distance(fixed, convention))
            .collect();
        for distance in found {
            distances.push(distance?);
        }
    }
    Ok(distances)
}

/// What the distance needs of some rows.
struct Group {
    spread: Spread,
    /// Moments of the rows times the fixed factor.
    inside: Moments,
}

impl Group {
    /// All rows of a set, as its Gaussian knows them.
    fn of(own: &Gaussian, count: usize, fixed: &Gaussian, convention: Covariance) -> Self {
        let (divisor, r) = (convention.divisor(count), fixed.factor.ncols());
        let mut product = Mat::zeros(own.factor.ncols(), r);
        matmul(&mut product, Accum::Replace, own.factor.transpose(), &fixed.factor, 1., Par::Seq);
        let scatter = lower_product(&product, divisor);
        let mean = |j: usize| own.mean.iter().enumerate().map(|(i, m)| m * fixed.factor[(i, j)]).sum();
        let inside = Moments { count, mean: (0..r).map(mean).collect(), scatter };
        Self { spread: Spread { count, mean: own.mean.clone(), squares: own.trace * divisor }, inside }
    }

    fn new(samples: &FeatureTable, g: usize, fixed: &Gaussian) -> Self {
        let (d, r) = (samples.dim(), fixed.factor.ncols());
        let indices: Vec<usize> = (g..samples.len()).step_by(GROUPS).collect();
        let (mut spread, mut inside) = (Spread::new(d), Moments::new(r));
        for block in indices.chunks(BLOCK) {
            let rows = Mat::from_fn(block.len(), d, |i, j| f64::from(samples.row(block[i])[j]));
            spread.merge(&Spread::of(&rows));
            let mut product = Mat::zeros(block.len(), r);
            matmul(&mut product, Accum::Replace, &rows, &fixed.factor, 1., Par::Seq);
            inside.merge(&Moments::of_rows(product));
        }
        Self { spread, inside }
    }

    fn without(&self, part: &Self) -> Self {
        Self { spread: self.spread.without(&part.spread), inside: self.inside.without(&part.inside) }
    }

    fn distance(&self, fixed: &Gaussian, convention: Covariance) -> Result<f64> {
        let divisor = convention.divisor(self.spread.count);
        let means: f64 = self.spread.mean.iter().zip(&fixed.mean).map(|(a, b)| (a - b).powi(2)).sum();
        let r = self.inside.mean.len();
        let failed = |_| Error::Decomposition { what: "eigenvalues", size: r };
        let values =
            if r == 0 { vec![] } else { self.inside.scatter.self_adjoint_eigenvalues(Side::Lower).map_err(failed)? };
        let cross: f64 = values.iter().map(|v| (v / divisor).max(0.).sqrt()).sum();
        Ok((means + self.spread.squares / divisor + fixed.trace - 2. * cross).max(0.))
    }
}

/// Number, mean, and sum of squared deviations over all columns, of some rows.
struct Spread {
    count: usize,
    mean: Vec<f64>,
    squares: f64,
}

impl Spread {
    fn new(dim: usize) -> Self {
        Self { count: 0, mean: vec![0.; dim], squares: 0. }
    }

    fn of(rows: &Mat<f64>) -> Self {
        let (n, d) = (rows.nrows(), rows.ncols());
        let mean: Vec<f64> = (0..d).map(|j| (0..n).map(|i| rows[(i, j)]).sum::<f64>() / n as f64).collect();
        let column = |j: usize| (0..n).map(|i| (rows[(i, j)] - mean[j]).powi(2)).sum::<f64>();
        Self { count: n, squares: (0..d).map(column).sum(), mean }
    }

    fn merge(&mut self, other: &Self) {
        let (a, b) = (self.count as f64, other.count as f64);
        let apart: f64 = self.mean.iter().zip(&other.mean).map(|(a, b)| (a - b).powi(2)).sum();
        self.squares += other.squares + a * b / (a + b) * apart;
        self.mean.iter_mut().zip(&other.mean).for_each(|(m, o)| *m += (o - *m) * b / (a + b));
        self.count += other.count;
    }

    /// The rows that are left when those of `part` are taken away.
    fn without(&self, part: &Self) -> Self {
        let (all, b) = (self.count as f64, part.count as f64);
        let mean: Vec<f64> = self.mean.iter().zip(&part.mean).map(|(m, p)| (m * all - p * b) / (all - b)).collect();
        let apart: f64 = mean.iter().zip(&part.mean).map(|(a, b)| (a - b).powi(2)).sum();
        let squares = self.squares - part.squares - (all - b) * b / all * apart;
        Self { count: self.count - part.count, mean, squares }
    }
}
