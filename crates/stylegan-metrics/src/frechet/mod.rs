//! Fréchet distance between Gaussians fitted to two sets of features (Heusel et al. 2017, FID).

mod fid;
mod jackknife;

use crate::feature_table::FeatureTable;
pub use fid::Fid;

use crate::interval::{Estimate, GROUPS};
use crate::{Error, Result};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, Par, Side};
use serde::{Deserialize, Serialize};

/// Rows that enter the covariance at once.
const BLOCK: usize = 256;

/// What the sum of squared deviations of `n` samples is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Covariance {
    /// `n - 1`, as `numpy.cov` (StyleGAN's fid50k, pytorch-fid, torch-fidelity).
    Unbiased,
    /// `n` (StyleGAN2-ADA's fid50k_full).
    Population,
}

impl Covariance {
    fn divisor(self, count: usize) -> f64 {
        match self {
            Covariance::Unbiased => count as f64 - 1.,
            Covariance::Population => count as f64,
        }
    }
}

/// Number, mean and scatter (sum of outer products of deviations; its lower triangle counts) of a set of
/// feature rows, in f64. Rows can be added block by block; memory does not grow with their number.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    count: usize,
    mean: Vec<f64>,
    scatter: Mat<f64>,
}

impl Moments {
    /// No rows yet, of length `dim`.
    pub(crate) fn new(dim: usize) -> Self {
        Self { count: 0, mean: vec![0.; dim], scatter: Mat::zeros(dim, dim) }
    }

    /// The moments of a whole table.
    pub(crate) fn of(samples: &FeatureTable) -> Self {
        let mut moments = Self::new(samples.dim());
        for block in samples.rows().chunks(BLOCK * samples.dim()) {
            moments.add(block);
        }
        moments
    }

    /// Adds rows, one after the other, each as long as the mean.
    pub(crate) fn add(&mut self, rows: &[f32]) {
        let d = self.mean.len();
        let n = rows.len() / d;
        if n == 0 {
            return;
        }
        self.merge(&Self::of_rows(Mat::from_fn(n, d, |i, j| f64::from(rows[i * d + j]))));
    }

    /// The moments of `rows` `[n, d]`, of which there is one at least.
    fn of_rows(mut rows: Mat<f64>) -> Self {
        let (n, d) = (rows.nrows(), rows.ncols());
        let mean: Vec<f64> = (0..d).map(|j| (0..n).map(|i| rows[(i, j)]).sum::<f64>() / n as f64).collect();
        for j in 0..d {
            (0..n).for_each(|i| rows[(i, j)] -= mean[j]);
        }
        Self { count: n, mean, scatter: lower_product(&rows, 1.) }
    }

    /// The moments that are left when the rows of `part` are taken away.
    fn without(&self, part: &Self) -> Self {
        let (all, b) = (self.count as f64, part.count as f64);
        let mean: Vec<f64> = self.mean.iter().zip(&part.mean).map(|(m, p)| (m * all - p * b) / (all - b)).collect();
        let d: Vec<f64> = part.mean.iter().zip(&mean).map(|(p, m)| p - m).collect();
        let between = (all - b) * b / all;
        let scatter =
            Mat::from_fn(d.len(), d.len(), |i, j| self.scatter[(i, j)] - part.scatter[(i, j)] - between * d[i] * d[j]);
        Self { count: self.count - part.count, mean, scatter }
    }

    /// Adds the rows that `other` has seen (Chan et al. 1979).
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let d: Vec<f64> = other.mean.iter().zip(&self.mean).map(|(o, s)| o - s).collect();
        let between = a * b / (a + b);
        for j in 0..d.len() {
            for i in j..d.len() {
                self.scatter[(i, j)] += other.scatter[(i, j)] + between * d[i] * d[j];
            }
        }
        self.mean.iter_mut().zip(&d).for_each(|(m, d)| *m += d * b / (a + b));
        self.count += other.count;
    }

    /// The Gaussian with these moments.
    ///
    /// # Errors
    /// Fewer than two rows.
    pub(crate) fn gaussian(&self, convention: Covariance) -> Result<Gaussian> {
        if self.count < 2 {
            let (needed, found) = (2, self.count);
            return Err(Error::TooFew { metric: "fid".into(), set: "feature table".into(), needed, found });
        }
        let divisor = convention.divisor(self.count);
        let d = self.mean.len();
        Gaussian::new(self.mean.clone(), Mat::from_fn(d, d, |i, j| self.scatter[(i, j)] / divisor))
    }
}

/// The lower triangle of `factor rows^T rows`.
fn lower_product(rows: &Mat<f64>, factor: f64) -> Mat<f64> {
    let mut product = Mat::zeros(rows.ncols(), rows.ncols());
    let (lower, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    triangular::matmul(&mut product, lower, Accum::Replace, rows.transpose(), whole, rows, whole, factor, Par::Seq);
    product
}

/// A Gaussian by its mean and a factor `L` of its covariance `L L^T`.
#[derive(Debug, Clone)]
pub(crate) struct Gaussian {
    mean: Vec<f64>,
    trace: f64,
    factor: Mat<f64>,
}

impl Gaussian {
    /// From mean `[d]` and the lower triangle of a covariance `[d, d]`. Directions whose variance is lost in the
    /// rounding of the largest one count as having none.
    ///
    /// # Errors
    /// When the eigenvalues cannot be found.
    pub(crate) fn new(mean: Vec<f64>, covariance: Mat<f64>) -> Result<Self> {
        let d = mean.len();
        let trace = (0..d).map(|i| covariance[(i, i)]).sum();
        let failed = |_| Error::Decomposition { what: "eigendecomposition", size: d };
        let eigen = covariance.self_adjoint_eigen(Side::Lower).map_err(failed)?;
        let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
        let most = values.iter().fold(0f64, |a, b| a.max(*b));
        let kept: Vec<usize> = (0..d).filter(|&i| values[i] > most * d as f64 * f64::EPSILON).collect();
        let factor = Mat::from_fn(d, kept.len(), |i, j| eigen.U()[(i, kept[j])] * values[kept[j]].sqrt());
        Ok(Self { mean, trace, factor })
    }

    /// `|m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^(1/2))`.
    ///
    /// The last trace is the sum of the singular values of `L1^T L2`: no matrix square root, no
    /// complex numbers, and singular covariances (fewer samples than dimensions) need no added
    /// diagonal.
    ///
    /// # Errors
    /// Gaussians of different dimension, or singular values that cannot be found.
    pub(crate) fn distance(&self, other: &Self) -> Result<f64> {
        if self.mean.len() != other.mean.len() {
            let (left, right) = (self.mean.len().to_string(), other.mean.len().to_string());
            return Err(Error::Mismatch { what: "feature dimension", left, right });
        }
        let means: f64 = self.mean.iter().zip(&other.mean).map(|(a, b)| (a - b).powi(2)).sum();
        let (r1, r2) = (self.factor.ncols(), other.factor.ncols());
        let mut product = Mat::zeros(r1, r2);
        matmul(&mut product, Accum::Replace, self.factor.transpose(), &other.factor, 1., Par::Seq);
        let failed = |_| Error::Decomposition { what: "singular value decomposition", size: r1.max(r2) };
        let cross: f64 = if r1.min(r2) == 0 { 0. } else { product.singular_values().map_err(failed)?.iter().sum() };
        Ok((means + self.trace + other.trace - 2. * cross).max(0.))
    }
}

/// The Fréchet distance of two tables of features.
///
/// ```
/// use stylegan_metrics::{frechet, feature_table::FeatureTable};
///
/// let a = FeatureTable::new(vec![0., 0., 2., 0., 0., 4., 2., 4.], 2)?;
/// let b = FeatureTable::new(vec![3., 0., 5., 0., 3., 4., 5., 4.], 2)?; // a, 3 to the right
/// assert!((frechet::distance(&a, &b, frechet::Covariance::Unbiased)? - 9.).abs() < 1e-12);
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
///
/// # Errors
/// Fewer than two rows, or rows of different length.
pub fn distance(a: &FeatureTable, b: &FeatureTable, convention: Covariance) -> Result<f64> {
    a.check_like(b)?;
    a.check_count("fid", "first set", 2)?;
    b.check_count("fid", "second set", 2)?;
    let (a, b) = gaussians(a, b, convention)?;
    a.distance(&b)
}

/// The Gaussians of two tables, side by side.
fn gaussians(a: &FeatureTable, b: &FeatureTable, convention: Covariance) -> Result<(Gaussian, Gaussian)> {
    let of = |samples: &FeatureTable| Moments::of(samples).gaussian(convention);
    let (a, b) = rayon::join(|| of(a), || of(b));
    Ok((a?, b?))
}

/// [`distance`] and its interval: the variances of both sets, each by leaving out one of
/// [`GROUPS`] groups at a time, added up.
///
/// # Errors
/// Fewer than `2 * GROUPS` rows, or rows of different length.
pub(crate) fn distance_with_interval(
    real: &FeatureTable,
    generated: &FeatureTable,
    convention: Covariance,
) -> Result<Estimate> {
    generated.check_like(real)?;
    real.check_count("fid", "real set", 2 * GROUPS)?;
    generated.check_count("fid", "generated set", 2 * GROUPS)?;
    let (r, g) = gaussians(real, generated, convention)?;
    let (without_real, without_generated) =
        (jackknife::leave_out(real, &r, &g, convention)?, jackknife::leave_out(generated, &g, &r, convention)?);
    Ok(Estimate::jackknife(r.distance(&g)?, without_real, without_generated, [0., f64::INFINITY]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::interval::Resamples;
    use crate::test_data::{normals, on_one_thread};

    /// Equal sets are at distance 0 up to rounding of the traces, also where the covariance is
    /// singular (20 samples in 30 dimensions), and shifts count squared.
    #[test]
    fn equal_sets_and_shifts() {
        for (n, d) in [(500, 8), (20, 30)] {
            let a = normals(0, n, d, |_, z| z);
            let trace: f64 = d as f64;
            assert!(distance(&a, &a, Covariance::Unbiased).unwrap() < 1e-12 * trace);
            let b = FeatureTable::new(a.rows().iter().map(|v| v + 2.).collect(), d).unwrap();
            let found = distance(&a, &b, Covariance::Unbiased).unwrap();
            // Adding 2 rounds each f32 feature by up to 1.2e-7.
            assert!((found / (4. * trace) - 1.).abs() < 1e-6, "{found}");
        }
    }

    /// `|m|^2 + sum (s1 - s2)^2` for commuting covariances, here rotated out of the axes.
    #[test]
    fn gaussians_in_closed_form() {
        let (c, s) = (0.8, 0.6);
        let rotated = |a: f64, b: f64| {
            Mat::from_fn(2, 2, |i, j| match (i, j) {
                (0, 0) => c * c * a + s * s * b,
                (1, 1) => s * s * a + c * c * b,
                _ => c * s * (a - b),
            })
        };
        let one = Gaussian::new(vec![1., 0.], rotated(4., 9.)).unwrap();
        let two = Gaussian::new(vec![0., 2.], rotated(25., 1.)).unwrap();
        let expected = 1. + 4. + (2f64 - 5.).powi(2) + (3f64 - 1.).powi(2);
        assert!((one.distance(&two).unwrap() - expected).abs() < 1e-12);
        assert!((two.distance(&one).unwrap() - expected).abs() < 1e-12);
        let point = Gaussian::new(vec![0., 0.], Mat::zeros(2, 2)).unwrap();
        assert!((one.distance(&point).unwrap() - (1. + 13.)).abs() < 1e-12);
    }

    /// Moments of parts merge to those of the whole; `n` and `n - 1` differ as they should.
    #[test]
    fn moments_in_parts() {
        let all = normals(1, 1000, 3, |j, z| 1000. + z * (j + 1) as f64);
        let whole = Moments::of(&all);
        let mut parts = Moments::new(3);
        for piece in all.rows().chunks(7 * 3) {
            parts.add(piece);
        }
        assert_eq!(whole.count, parts.count);
        for i in 0..3 {
            assert!((whole.mean[i] - parts.mean[i]).abs() < 1e-10);
            for j in 0..=i {
                // 1e-12 of the largest entry, 9000.
                assert!((whole.scatter[(i, j)] - parts.scatter[(i, j)]).abs() < 1e-8);
            }
        }
        let (u, p) = (whole.gaussian(Covariance::Unbiased).unwrap(), whole.gaussian(Covariance::Population).unwrap());
        assert!((u.trace * 999. / 1000. - p.trace).abs() < 1e-12 * p.trace);
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let (a, b) = (normals(2, 300, 6, |_, z| z), normals(3, 400, 6, |_, z| z * 1.5));
        let run = || distance_with_interval(&a, &b, Covariance::Unbiased).unwrap();
        assert_eq!(run(), on_one_thread(run));
    }

    /// Leaving a group out by way of projections equals computing the distance of the other rows, for
    /// covariances of full rank and of less (41 samples in 50 dimensions).
    #[test]
    fn leaving_groups_out() {
        for (n, m, d) in [(200, 150, 5), (41, 60, 50)] {
            let (a, b) = (normals(4, n, d, |_, z| z), normals(5, m, d, |j, z| z * 1.5 + j as f64 / 50.));
            let found = distance_with_interval(&a, &b, Covariance::Unbiased).unwrap();
            let Resamples::Jackknife { real, generated } = found.resamples else { panic!() };
            let rest = |s: &FeatureTable, g| s.select(&(0..s.len()).filter(|i| i % GROUPS != g).collect::<Vec<_>>());
            for g in 0..GROUPS {
                let expected = [(rest(&a, g), b.clone()), (a.clone(), rest(&b, g))]
                    .map(|(a, b)| distance(&a, &b, Covariance::Unbiased).unwrap());
                // Roots of eigenvalues that ought to be 0 come out as 1e-8 of the largest at most.
                let close = |x: f64, y: f64| (x - y).abs() < 1e-6 * y;
                assert!(close(real[g], expected[0]) && close(generated[g], expected[1]), "{n} {g} {expected:?}");
            }
        }
    }

    #[test]
    fn unfit_sets() {
        let message = |a: &FeatureTable, b: &FeatureTable| {
            distance_with_interval(a, b, Covariance::Unbiased).unwrap_err().to_string()
        };
        let (few, many, other) =
            (normals(0, 39, 2, |_, z| z), normals(0, 40, 2, |_, z| z), normals(0, 40, 3, |_, z| z));
        assert!(message(&few, &many).contains("needs at least 40 samples in the real set, found 39"));
        assert!(message(&many, &other).contains("feature dimension: the first has 3, the second 2"));
    }

    /// 150 pairs of sets: the 95 % intervals hold the mean of the metric over all pairs. By chance
    /// alone coverage has a standard deviation of 1.8 %; four of them are allowed downwards.
    #[test]
    fn intervals_cover() {
        let runs: Vec<Estimate> = (0..150)
            .map(|r| {
                let (a, b) =
                    (normals(2 * r, 200, 4, |_, z| z), normals(2 * r + 1, 250, 4, |j, z| z * 1.3 + j as f64 / 4.));
                distance_with_interval(&a, &b, Covariance::Unbiased).unwrap()
            })
            .collect();
        let truth = runs.iter().map(|r| r.value).sum::<f64>() / runs.len() as f64;
        let covered = runs.iter().filter(|r| r.interval.low <= truth && truth <= r.interval.high).count();
        println!("fid intervals cover {covered} of {}", runs.len());
        assert!(covered as f64 > 0.88 * runs.len() as f64, "{covered} of {}", runs.len());
        // Nor are they so wide as to say nothing.
        let width = runs.iter().map(|r| r.interval.high - r.interval.low).sum::<f64>() / runs.len() as f64;
        assert!(width < truth, "{width} about {truth}");
    }
    /// The same of differences of two sets that are compared with one real set and share half of what they
    /// are made of, as two networks share their latents: held at the stated rate, and narrower than the two
    /// intervals together.
    #[test]
    fn intervals_of_differences_cover() {
        let shared = |seed: u64, mix: u64, scale: f64| {
            let (common, own) = (normals(seed, 250, 4, |_, z| z), normals(mix, 250, 4, |_, z| z));
            let both = common.rows().iter().zip(own.rows());
            let rows = both.enumerate().map(|(i, (c, o))| (0.8 * c + 0.6 * o) * scale as f32 + (i % 4) as f32 / 4.);
            FeatureTable::new(rows.collect(), 4).unwrap()
        };
        let runs: Vec<(Estimate, f64)> = (0..100)
            .map(|r| {
                let real = normals(4 * r, 200, 4, |_, z| z);
                let (one, two) = (shared(4 * r + 1, 4 * r + 2, 1.3), shared(4 * r + 1, 4 * r + 3, 1.2));
                let of = |set: &FeatureTable| distance_with_interval(&real, set, Covariance::Unbiased).unwrap();
                let (one, two) = (of(&one), of(&two));
                let apart = one.interval.high - one.interval.low + two.interval.high - two.interval.low;
                (one.minus(&two).unwrap(), apart)
            })
            .collect();
        let truth = runs.iter().map(|(r, _)| r.value).sum::<f64>() / 100.;
        let covered = runs.iter().filter(|(r, _)| r.interval.low <= truth && truth <= r.interval.high).count();
        println!("intervals of differences cover {covered} of 100");
        // 95 % less four standard deviations of chance (2.2 %).
        assert!(covered >= 86, "{covered} of 100");
        assert!(runs.iter().all(|(r, apart)| r.interval.high - r.interval.low < 0.8 * apart));
    }
}
