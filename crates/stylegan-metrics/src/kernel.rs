//! Kernel distance between two sets of features: the unbiased squared maximum mean discrepancy with
//! a polynomial kernel (Bińkowski et al. 2018, KID).

use crate::draw::without_replacement;
use crate::feature_table::FeatureTable;
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Counts, Direction, Metric, Needs, Number, RealsRole, SetMetric, Sets};
use crate::{Error, Result};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stylegan_core::latent::StreamKey;

/// The kernel `(gamma x.y + coefficient)^degree` and how many subsets of which size are averaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KernelDistance {
    /// Number of random subset pairs.
    pub subsets: usize,
    /// Samples of each subset; at most as many as the smaller set holds are taken.
    pub subset_size: usize,
    /// Degree of the polynomial.
    pub degree: i32,
    /// Scale of the scalar product; none is 1 / (feature dimension).
    pub gamma: Option<f64>,
    /// Constant added to it.
    pub coefficient: f64,
}

impl Default for KernelDistance {
    /// 100 subsets of 1000, `(x.y / d + 1)^3` (Bińkowski et al.; StyleGAN2-ADA's kid50k_full).
    fn default() -> Self {
        Self { subsets: 100, subset_size: 1000, degree: 3, gamma: None, coefficient: 1. }
    }
}

impl KernelDistance {
    /// Kernel values between the rows of `a` and those of `b`.
    fn kernel(&self, a: &Mat<f64>, b: &Mat<f64>) -> Mat<f64> {
        let mut k = Mat::zeros(a.nrows(), b.nrows());
        let gamma = self.gamma.unwrap_or(1. / a.ncols() as f64);
        matmul(&mut k, Accum::Replace, a, b.transpose(), gamma, Par::Seq);
        for j in 0..k.ncols() {
            for i in 0..k.nrows() {
                k[(i, j)] = (k[(i, j)] + self.coefficient).powi(self.degree);
            }
        }
        k
    }

    /// The unbiased estimate of one pair of subsets, given by the indices of their rows.
    ///
    /// # Errors
    /// Fewer than two rows on a side, or rows of different length.
    pub fn of_subsets(&self, a: &FeatureTable, ia: &[usize], b: &FeatureTable, ib: &[usize]) -> Result<f64> {
        a.check_like(b)?;
        for (set, indices) in [("first set", ia), ("second set", ib)] {
            if indices.len() < 2 {
                let (metric, set, found) = ("kid".into(), set.into(), indices.len());
                return Err(Error::TooFew { metric, set, needed: 2, found });
            }
        }
        Ok(Sums::new(self, a, ia, b, ib).estimate(None, None))
    }

    /// The mean over random pairs of subsets, drawn without replacement within a subset from
    /// counter-based streams of `seed`, and its interval (the same subsets without one group of
    /// samples at a time).
    ///
    /// ```
    /// use stylegan_metrics::{kernel::KernelDistance, feature_table::FeatureTable};
    ///
    /// let table = |shift: f32| FeatureTable::new((0..200).map(|i| (i * i % 97) as f32 / 97. + shift).collect(), 2);
    /// let kid = KernelDistance { subsets: 10, subset_size: 50, ..Default::default() };
    /// let near = kid.with_interval(&table(0.)?, &table(0.)?, 0)?;
    /// let far = kid.with_interval(&table(0.)?, &table(1.)?, 0)?;
    /// assert!(near.value.abs() < 0.1 && far.value > 1.);
    /// # Ok::<(), stylegan_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than `2 * GROUPS` rows, or rows of different length.
    pub fn with_interval(&self, a: &FeatureTable, b: &FeatureTable, seed: u64) -> Result<Estimate> {
        a.check_like(b)?;
        a.check_count("kid", "real set", 2 * GROUPS)?;
        b.check_count("kid", "generated set", 2 * GROUPS)?;
        if self.subsets == 0 || self.subset_size < 2 * GROUPS {
            return Err(Error::Parameter {
                parameter: "subsets and subset size of kid",
                found: format!("{} and {}", self.subsets, self.subset_size),
                expected: "at least 1 and 40",
            });
        }
        let size = self.subset_size.min(a.len()).min(b.len());
        let key = StreamKey::new(seed, "kid subsets", 0);
        let sums: Vec<Sums> = (0..self.subsets)
            .into_par_iter()
            .map(|s| {
                let draw = |lane, n| without_replacement(&mut key.stream(s as u64, lane), n, size);
                Sums::new(self, a, &draw(0, a.len()), b, &draw(1, b.len()))
            })
            .collect();
        let mean = |left: Option<usize>, right: Option<usize>| {
            sums.iter().map(|s| s.estimate(left, right)).sum::<f64>() / sums.len() as f64
        };
        let leave = |left: bool| -> Vec<f64> {
            (0..GROUPS).map(|g| if left { mean(Some(g), None) } else { mean(None, Some(g)) }).collect()
        };
        Ok(Estimate::jackknife(mean(None, None), leave(true), leave(false), [f64::NEG_INFINITY, f64::INFINITY]))
    }
}

/// Sums of kernel values by jackknife group: all that the estimate and its leave-one-group-out
/// versions need of one pair of subsets.
struct Sums {
    /// Rows of each group in either subset.
    counts: [Vec<f64>; 2],
    /// `[group of a][group of a]`, without the diagonal of the kernel matrix.
    aa: Vec<f64>,
    bb: Vec<f64>,
    ab: Vec<f64>,
}

impl Sums {
    fn new(kernel: &KernelDistance, a: &FeatureTable, ia: &[usize], b: &FeatureTable, ib: &[usize]) -> Self {
        let rows = |s: &FeatureTable, i: &[usize]| Mat::from_fn(i.len(), s.dim(), |r, c| f64::from(s.row(i[r])[c]));
        let (xa, xb) = (rows(a, ia), rows(b, ib));
        let count = |indices: &[usize]| {
            let mut counts = vec![0.; GROUPS];
            indices.iter().for_each(|i| counts[i % GROUPS] += 1.);
            counts
        };
        let grouped = |k: &Mat<f64>, i: &[usize], j: &[usize], diagonal: bool| {
            let mut sums = vec![0.; GROUPS * GROUPS];
            for c in 0..k.ncols() {
                for r in 0..k.nrows() {
                    if diagonal || r != c {
                        sums[i[r] % GROUPS * GROUPS + j[c] % GROUPS] += k[(r, c)];
                    }
                }
            }
            sums
        };
        Self {
            counts: [count(ia), count(ib)],
            aa: grouped(&kernel.kernel(&xa, &xa), ia, ia, false),
            bb: grouped(&kernel.kernel(&xb, &xb), ib, ib, false),
            ab: grouped(&kernel.kernel(&xa, &xb), ia, ib, true),
        }
    }

    /// The unbiased estimate, without group `left` of the first and group `right` of the second.
    fn estimate(&self, left: Option<usize>, right: Option<usize>) -> f64 {
        let total = |sums: &[f64], r: Option<usize>, c: Option<usize>| -> f64 {
            let kept = |at: &usize| r != Some(at / GROUPS) && c != Some(at % GROUPS);
            (0..GROUPS * GROUPS).filter(kept).map(|at| sums[at]).sum()
        };
        let count = |counts: &[f64], without: Option<usize>| -> f64 {
            counts.iter().enumerate().filter(|(g, _)| Some(*g) != without).map(|(_, n)| n).sum()
        };
        let (m, n) = (count(&self.counts[0], left), count(&self.counts[1], right));
        total(&self.aa, left, left) / (m * (m - 1.)) + total(&self.bb, right, right) / (n * (n - 1.))
            - 2. * total(&self.ab, left, right) / (m * n)
    }
}

/// Parameters of KID.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kid {
    /// Sizes of the two sets.
    pub counts: Counts,
    /// Kernel and subsets.
    pub kernel: KernelDistance,
}

impl Metric for Kid {
    fn name(&self) -> &'static str {
        "kid"
    }

    fn needs(&self) -> Needs {
        Needs { reals: RealsRole::Compared, ..Needs::images(2 * GROUPS) }
    }
}

impl SetMetric for Kid {
    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>> {
        let estimate = self.kernel.with_interval(sets.real(name)?, sets.generated, sets.seed)?;
        Ok(vec![Number::new(name, estimate, "squared kernel distance", Direction::Smaller)])
    }

    fn adapted(&self, sets: &Sets) -> Option<&'static str> {
        let smaller = sets.real.map_or(sets.generated.len(), |real| real.len().min(sets.generated.len()));
        (self.kernel.subset_size > smaller).then_some("subset_size")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_data::{normals, on_one_thread};

    /// The kernel sums in groups give the textbook double sum, whole and without groups.
    #[test]
    fn double_sum() {
        let (a, b) = (normals(0, 50, 3, |_, z| z), normals(1, 45, 3, |_, z| z + 0.5));
        let kernel = KernelDistance::default();
        let k = |x: &[f32], y: &[f32]| (x.iter().zip(y).map(|(x, y)| f64::from(x * y)).sum::<f64>() / 3. + 1.).powi(3);
        let textbook = |a: &FeatureTable, b: &FeatureTable| {
            let sum = |x: &FeatureTable, y: &FeatureTable, same: bool| -> f64 {
                let pairs = (0..x.len()).flat_map(|i| (0..y.len()).map(move |j| (i, j)));
                pairs.filter(|(i, j)| !same || i != j).map(|(i, j)| k(x.row(i), y.row(j))).sum()
            };
            let (m, n) = (a.len() as f64, b.len() as f64);
            sum(a, a, true) / (m * (m - 1.)) + sum(b, b, true) / (n * (n - 1.)) - 2. * sum(a, b, false) / (m * n)
        };
        let all = |s: &FeatureTable| (0..s.len()).collect::<Vec<_>>();
        let found = kernel.of_subsets(&a, &all(&a), &b, &all(&b)).unwrap();
        // f32 products in the textbook version.
        assert!((found - textbook(&a, &b)).abs() < 1e-5);
        let without = a.select(&(0..50).filter(|i| i % GROUPS != 3).collect::<Vec<_>>());
        let sums = Sums::new(&kernel, &a, &all(&a), &b, &all(&b));
        assert!((sums.estimate(Some(3), None) - textbook(&without, &b)).abs() < 1e-5);
    }

    /// Over many pairs of sets from one distribution the estimates average to 0 within four standard
    /// errors, although each is far from 0 on its scale.
    #[test]
    fn unbiased() {
        let kernel = KernelDistance { subsets: 1, subset_size: 40, ..KernelDistance::default() };
        let values: Vec<f64> = (0..400)
            .map(|r| {
                let (a, b) = (normals(2 * r, 40, 4, |_, z| z), normals(2 * r + 1, 40, 4, |_, z| z));
                kernel.with_interval(&a, &b, r).unwrap().value
            })
            .collect();
        let mean = values.iter().sum::<f64>() / 400.;
        let error = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 400. / 400.).sqrt();
        assert!(mean.abs() < 4. * error, "{mean} with standard error {error}");
    }

    #[test]
    fn intervals_cover() {
        let kernel = KernelDistance { subsets: 10, subset_size: 100, ..KernelDistance::default() };
        let runs: Vec<Estimate> = (0..100)
            .map(|r| {
                let (a, b) = (normals(2 * r, 200, 3, |_, z| z), normals(2 * r + 1, 200, 3, |_, z| z * 1.2 + 0.3));
                kernel.with_interval(&a, &b, r).unwrap()
            })
            .collect();
        let truth = runs.iter().map(|r| r.value).sum::<f64>() / 100.;
        let covered = runs.iter().filter(|r| r.interval.low <= truth && truth <= r.interval.high).count();
        println!("kid intervals cover {covered} of 100");
        // 95 % less four standard deviations of chance (2.2 %).
        assert!(covered >= 86, "{covered} of 100");
    }

    #[test]
    fn seeds_and_threads() {
        let (a, b) = (normals(0, 90, 3, |_, z| z), normals(1, 80, 3, |_, z| z));
        let kernel = KernelDistance { subsets: 6, subset_size: 50, ..KernelDistance::default() };
        let run = |seed| kernel.with_interval(&a, &b, seed).unwrap();
        assert_eq!(run(5), on_one_thread(|| run(5)));
        assert_ne!(run(5), run(6));
        assert!(kernel.of_subsets(&a, &[1], &b, &[0, 1]).unwrap_err().to_string().contains("at least 2 samples"));
    }
}
