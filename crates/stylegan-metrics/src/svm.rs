//! A linear support vector machine with squared hinge loss, fitted to its exact optimum.
//!
//! Libraries at hand solve the dual by kernels (quadratic in the number of samples) or wrap C++. The
//! primal problem is convex, piecewise quadratic and has few unknowns, so that Newton's method ends at
//! its optimum in some ten steps (Keerthi and DeCoste 2005): nothing is left of liblinear's random order
//! and early stop, only its objective. Machines of one kind give the same bits; on others products round
//! differently, and the hyperplane is the same to a gradient of 1e-10 of that at 0.

use crate::feature_table::FeatureTable;
use crate::{Error, Result};
use faer::linalg::matmul::matmul;
use faer::linalg::solvers::Solve;
use faer::{Accum, Mat, Par, Side};
use rayon::prelude::*;

/// Newton steps after which the fit counts as failed.
const MAX_STEPS: usize = 100;
/// The gradient, relative to the one at 0, at which the optimum counts as found.
const TOLERANCE: f64 = 1e-10;
/// Samples are summed over in this many parts.
const PARTS: usize = 16;
/// Rows that enter the Hessian at once.
const BLOCK: usize = 256;

/// A hyperplane.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearSvm {
    /// Normal, and at the end the offset.
    weights: Vec<f64>,
}

impl LinearSvm {
    /// Minimises `|w|^2 / 2 + c sum max(0, 1 - y w.x)^2` over rows `x` with a 1 behind them (the offset is
    /// regularised as liblinear does) and labels `y` of 1 (`true`) and -1. The search begins at `start`, or at
    /// 0; the optimum does not depend on it.
    ///
    /// ```
    /// use stylegan_metrics::{feature_table::FeatureTable, svm::LinearSvm};
    ///
    /// let rows = FeatureTable::new(vec![-2., -1., 1., 2.], 1)?;
    /// let fitted = LinearSvm::fit(&rows, &[false, false, true, true], 1., None)?;
    /// assert_eq!(fitted.predict(&rows), [false, false, true, true]);
    /// # Ok::<(), stylegan_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Labels that do not fit the rows or are all alike, or an optimum that is not reached.
    pub fn fit(rows: &FeatureTable, labels: &[bool], c: f64, start: Option<&Self>) -> Result<Self> {
        let failed = |problem: String| Err(Error::Fit { what: "linear SVM", problem });
        if rows.len() != labels.len() {
            return failed(format!("{} rows have {} labels", rows.len(), labels.len()));
        }
        if labels.iter().all(|y| *y) || !labels.iter().any(|y| *y) {
            return failed(format!("all {} samples have the same label", labels.len()));
        }
        let problem = Problem { rows, labels, c };
        let dim = rows.dim() + 1;
        let scale = norm(&problem.at(&vec![0.; dim], false).gradient).max(1.);
        let mut weights = start.map_or_else(|| vec![0.; dim], |s| s.weights.clone());
        for _ in 0..MAX_STEPS {
            let at = problem.at(&weights, true);
            if norm(&at.gradient) <= TOLERANCE * scale {
                return Ok(Self { weights });
            }
            let Ok(factor) = at.hessian.llt(Side::Lower) else {
                return failed("the samples hold extreme values".into());
            };
            let right = Mat::from_fn(dim, 1, |i, _| -at.gradient[i]);
            let step = factor.solve(&right);
            let slope: f64 = (0..dim).map(|i| step[(i, 0)] * at.gradient[i]).sum();
            let moved = |t: f64| -> Vec<f64> { (0..dim).map(|i| weights[i] + t * step[(i, 0)]).collect() };
            let lower = |t: &f64| problem.at(&moved(*t), false).loss <= at.loss + 1e-4 * t * slope;
            match (0..40).map(|halvings| 0.5f64.powi(halvings)).find(lower) {
                Some(t) => weights = moved(t),
                // No step lowers the loss any further: rounding is all that is left of the gradient.
                None if norm(&at.gradient) <= 1e-6 * scale => return Ok(Self { weights }),
                None => break,
            }
        }
        failed(format!("the optimum was not reached in {MAX_STEPS} steps"))
    }

    /// The normal of the hyperplane, which points to the side of `true`.
    pub fn normal(&self) -> &[f64] {
        &self.weights[..self.weights.len() - 1]
    }

    /// What is added to a row's product with the normal: a sum above 0 is the side of `true`.
    pub fn offset(&self) -> f64 {
        self.weights[self.weights.len() - 1]
    }

    /// On which side of the hyperplane each row lies.
    pub fn predict(&self, rows: &FeatureTable) -> Vec<bool> {
        (0..rows.len()).map(|i| margin(&self.weights, rows.row(i)) > 0.).collect()
    }
}

struct Problem<'a> {
    rows: &'a FeatureTable,
    labels: &'a [bool],
    c: f64,
}

/// Loss, gradient and (if asked for) Hessian at some weights.
struct Local {
    loss: f64,
    gradient: Vec<f64>,
    hessian: Mat<f64>,
}

impl Problem<'_> {
    fn at(&self, weights: &[f64], with_hessian: bool) -> Local {
        let (n, dim) = (self.rows.len(), weights.len());
        let parts: Vec<Local> = (0..PARTS)
            .into_par_iter()
            .map(|part| self.part(weights, part * n / PARTS..(part + 1) * n / PARTS, with_hessian))
            .collect();
        let mut sum = Local {
            loss: 0.5 * weights.iter().map(|w| w * w).sum::<f64>(),
            gradient: weights.to_vec(),
            hessian: if with_hessian { Mat::identity(dim, dim) } else { Mat::new() },
        };
        for part in parts {
            sum.loss += part.loss;
            sum.gradient.iter_mut().zip(&part.gradient).for_each(|(s, p)| *s += p);
            if with_hessian {
                sum.hessian += &part.hessian;
            }
        }
        sum
    }

    /// The part of the sums that these samples make.
    fn part(&self, weights: &[f64], samples: std::ops::Range<usize>, with_hessian: bool) -> Local {
        let dim = weights.len();
        let (mut loss, mut gradient, mut active) = (0., vec![0.; dim], vec![]);
        for i in samples {
            let (row, y) = (self.rows.row(i), if self.labels[i] { 1. } else { -1. });
            let slack = 1. - y * margin(weights, row);
            if slack > 0. {
                loss += self.c * slack * slack;
                let factor = -2. * self.c * y * slack;
                gradient.iter_mut().zip(row).for_each(|(g, x)| *g += factor * f64::from(*x));
                gradient[dim - 1] += factor;
                active.push(i);
            }
        }
        let mut hessian = if with_hessian { Mat::zeros(dim, dim) } else { Mat::new() };
        if with_hessian {
            for block in active.chunks(BLOCK) {
                let rows =
                    Mat::from_fn(block.len(), dim, |i, j| self.rows.row(block[i]).get(j).map_or(1., |x| f64::from(*x)));
                matmul(&mut hessian, Accum::Add, rows.transpose(), &rows, 2. * self.c, Par::Seq);
            }
        }
        Local { loss, gradient, hessian }
    }
}

fn margin(weights: &[f64], row: &[f32]) -> f64 {
    row.iter().zip(weights).map(|(x, w)| f64::from(*x) * w).sum::<f64>() + weights[row.len()]
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_data::{normals, on_one_thread};

    fn labels(rows: &FeatureTable) -> Vec<bool> {
        (0..rows.len()).map(|i| rows.row(i)[0] + 0.3 * rows.row(i)[1] > 0.2).collect()
    }

    /// Two samples at -1 and 1: by symmetry no offset, and `w + 4 c (w - 1) = 0` for the weight.
    #[test]
    fn closed_form() {
        let rows = FeatureTable::new(vec![-1., 1.], 1).unwrap();
        for c in [0.1, 1., 10.] {
            let fitted = LinearSvm::fit(&rows, &[false, true], c, None).unwrap();
            let expected = 4. * c / (1. + 4. * c);
            assert!((fitted.weights[0] - expected).abs() < 1e-9 && fitted.weights[1].abs() < 1e-9, "{fitted:?}");
        }
    }

    /// At the optimum the gradient vanishes, from any start, on any number of threads.
    #[test]
    fn one_optimum() {
        let rows = normals(0, 400, 5, |_, z| z);
        let mut y = labels(&rows);
        (0..400).step_by(9).for_each(|i| y[i] = !y[i]);
        let fitted = LinearSvm::fit(&rows, &y, 1., None).unwrap();
        let other = LinearSvm::fit(&rows, &y, 0.01, None).unwrap();
        let again = LinearSvm::fit(&rows, &y, 1., Some(&other)).unwrap();
        let near = fitted.weights.iter().zip(&again.weights).all(|(a, b)| (a - b).abs() < 1e-8);
        assert!(near, "{:?}, {:?}", fitted.weights, again.weights);
        assert_eq!(on_one_thread(|| LinearSvm::fit(&rows, &y, 1., None).unwrap()), fitted);
        let right = fitted.predict(&rows).iter().zip(labels(&rows)).filter(|(a, b)| **a == *b).count();
        assert!(right > 380, "{right} of 400");
    }

    #[test]
    fn no_fit() {
        let rows = normals(0, 10, 2, |_, z| z);
        let message = |labels: &[bool]| LinearSvm::fit(&rows, labels, 1., None).unwrap_err().to_string();
        assert!(message(&[true; 10]).contains("all 10 samples have the same label"));
        assert!(message(&[true; 9]).contains("10 rows have 9 labels"));
    }
}
