//! Normals of hyperplanes (InterFaceGAN, Shen et al. 2020, <https://arxiv.org/abs/1907.10786>).

use crate::feature_table::FeatureTable;
use crate::svm::LinearSvm;
use crate::{Error, Result};

/// Samples that each side of a hyperplane needs.
const LEAST: usize = 10;

/// An attribute of styles: a score for each, larger where they have it more surely.
#[derive(Debug, Clone)]
pub struct Attribute<'a> {
    /// Its name.
    pub name: &'a str,
    /// A score for each style.
    pub scores: &'a [f32],
}

/// Which styles stand on the two sides of a hyperplane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sides {
    /// All: those of scores above 0 have the attribute, as of labels.
    All,
    /// This part of all styles from either end of the scores, whatever their signs; 0.02 in the official program.
    Extremes(f64),
}

/// How a hyperplane is fitted (section 3.1). Shares and weight are those of the official program; the loss is that of
/// [`LinearSvm`], the squared hinge with a regularised offset, as liblinear has it, where the official program's is the hinge
/// with a free offset: its normal points a few degrees elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Separation {
    /// Whom it separates.
    pub sides: Sides,
    /// The part of those that it is fitted to, 0.7; it is tried on the rest.
    pub fitted: f64,
    /// Weight of the squared hinge loss against the norm, 1.
    pub c: f64,
}

impl Default for Separation {
    fn default() -> Self {
        Self { sides: Sides::Extremes(0.02), fitted: 0.7, c: 1. }
    }
}

/// A hyperplane between styles with and without an attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperplane {
    /// Its unit normal `[w_dim]`, towards those that have the attribute.
    pub normal: Vec<f64>,
    /// Samples that it was fitted to, and those that it was tried on.
    pub samples: [usize; 2],
    /// The part of the latter that lies on its right side.
    pub held_back: f64,
    /// The part of those between the extremes that does, by which half of all scores theirs are in; NaN where there are
    /// none.
    pub rest: f64,
}

impl Separation {
    /// The hyperplane of an attribute among the rows `styles`, the metric of linear separability's own.
    ///
    /// # Errors
    /// Scores that do not fit the styles, or too few samples on one side.
    pub fn fit(&self, styles: &FeatureTable, attribute: &Attribute) -> Result<Hyperplane> {
        let (n, scores) = (styles.len(), attribute.scores);
        if scores.len() != n {
            let (left, right) = (format!("{n} styles"), format!("{} scores of {}", scores.len(), attribute.name));
            return Err(Error::Mismatch { what: "styles and their scores", left, right });
        }
        // Surest first, equal ones in their order.
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let (with, without): (Vec<usize>, Vec<usize>) = match self.sides {
            Sides::All => order.iter().partition(|i| scores[**i] > 0.),
            Sides::Extremes(part) => {
                let most = ((n as f64 * part).round() as usize).max(LEAST).min(n / 2);
                (order[..most].to_vec(), order[n - most..].to_vec())
            }
        };
        let failed = |problem: String| Err(Error::Fit { what: "hyperplane", problem });
        if with.len().min(without.len()) < LEAST {
            return failed(format!(
                "of {n} samples {} have {} and {} have not, expected {LEAST} of each at least",
                with.len(),
                attribute.name,
                without.len()
            ));
        }
        if with.last().zip(without.first()).is_some_and(|(least, most)| scores[*least] <= scores[*most]) {
            return failed(format!("the scores of {} are alike", attribute.name));
        }
        let side: Vec<bool> = {
            let mut side = vec![false; n];
            with.iter().chain(&order[..n / 2]).for_each(|i| side[*i] = true);
            without.iter().for_each(|i| side[*i] = false);
            side
        };
        let cut = |side: &[usize]| ((side.len() as f64 * self.fitted).round() as usize).clamp(1, side.len() - 1);
        let (cut_with, cut_without) = (cut(&with), cut(&without));
        // Spread over the sure and the less sure ones, so that both parts are alike.
        let (fit_with, try_with) = spread(&with, cut_with);
        let (fit_without, try_without) = spread(&without, cut_without);
        let fitted = [fit_with, fit_without].concat();
        let labels: Vec<bool> = fitted.iter().map(|i| side[*i]).collect();
        let svm = LinearSvm::fit(&styles.select(&fitted), &labels, self.c, None)?;
        let tried = [try_with, try_without].concat();
        let mut others: Vec<bool> = vec![true; n];
        fitted.iter().chain(&tried).for_each(|i| others[*i] = false);
        let others: Vec<usize> = (0..n).filter(|i| others[*i]).collect();
        let right = |of: &[usize]| {
            let predicted = svm.predict(&styles.select(of));
            let right = of.iter().zip(predicted).filter(|(i, found)| side[**i] == *found).count();
            if of.is_empty() { f64::NAN } else { right as f64 / of.len() as f64 }
        };
        let Some(normal) = unit(svm.normal().to_vec()) else {
            return failed(format!("styles with and without {} lie in one place", attribute.name));
        };
        let (held_back, rest) = (right(&tried), right(&others));
        Ok(Hyperplane { normal, samples: [fitted.len(), tried.len()], held_back, rest })
    }
}

/// `first` of the entries, evenly spread, and the others.
fn spread(all: &[usize], first: usize) -> (Vec<usize>, Vec<usize>) {
    let n = all.len();
    let taken = |i: usize| (i + 1) * first / n > i * first / n;
    let part = |which: bool| (0..n).filter(|i| taken(*i) == which).map(|i| all[i]).collect();
    (part(true), part(false))
}

/// A normal that leaves other attributes as they are: less its part in the space of their normals (section 3.2,
/// "conditional manipulation").
///
/// # Errors
/// When nothing of it is left.
pub fn conditioned(normal: &[f64], others: &[&[f64]]) -> Result<Vec<f64>> {
    // Gram-Schmidt: an orthonormal basis of the others, then what they leave of the normal.
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for other in others {
        basis.extend(unit(less(other, &basis)));
    }
    let left = less(normal, &basis);
    let length = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length(&left) < 1e-6 * length(normal) {
        return Err(Error::Fit {
            what: "conditioned direction",
            problem: "the direction is one of those that it is conditioned on".into(),
        });
    }
    unit(left).ok_or(Error::Fit { what: "conditioned direction", problem: "nothing of it is left".into() })
}

fn less(vector: &[f64], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut left = vector.to_vec();
    for axis in basis {
        let along: f64 = left.iter().zip(axis).map(|(a, b)| a * b).sum();
        left.iter_mut().zip(axis).for_each(|(l, a)| *l -= along * a);
    }
    left
}

fn unit(vector: Vec<f64>) -> Option<Vec<f64>> {
    let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    (length > 1e-12).then(|| vector.iter().map(|v| v / length).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::test_data::normals;

    #[test]
    fn the_normal_of_a_known_plane_is_found() {
        let styles = normals(0, 3000, 4, |_, z| z);
        let along = |i: usize| 0.6 * styles.row(i)[1] - 0.8 * styles.row(i)[3];
        let scores: Vec<f32> = (0..3000).map(along).collect();
        let plane = Separation { sides: Sides::Extremes(0.2), ..Separation::default() }
            .fit(&styles, &Attribute { name: "tilt", scores: &scores })
            .unwrap();
        let expected = [0., 0.6, 0., -0.8];
        let along: f64 = plane.normal.iter().zip(expected).map(|(a, b)| a * b).sum();
        assert!(along > 0.99, "{plane:?}");
        assert_eq!(plane.samples, [840, 360]);
        assert!(plane.held_back > 0.99 && plane.rest > 0.9, "{plane:?}");
        // Signs do not matter to extremes, and are all that matters to labels.
        let below: Vec<f32> = scores.iter().map(|score| score - 100.).collect();
        let extremes = Separation { sides: Sides::Extremes(0.2), ..Separation::default() };
        let lower = extremes.fit(&styles, &Attribute { name: "tilt", scores: &below }).unwrap();
        // Rounding after the subtraction may change places near the ends.
        let same: f64 = plane.normal.iter().zip(&lower.normal).map(|(a, b)| a * b).sum();
        assert!(same > 0.9999 && lower.samples == plane.samples, "{plane:?} {lower:?}");
        let signs: Vec<f32> = scores.iter().map(|score| score.signum()).collect();
        let all = Separation { sides: Sides::All, ..Separation::default() };
        let labelled = all.fit(&styles, &Attribute { name: "tilt", scores: &signs }).unwrap();
        let along: f64 = labelled.normal.iter().zip(expected).map(|(a, b)| a * b).sum();
        assert!(along > 0.99 && labelled.rest.is_nan() && labelled.samples.iter().sum::<usize>() == 3000);
        for (sides, scores, part) in
            [(extremes, vec![1f32; 3000], "alike"), (all, below, "0 have hat and 3000 have not")]
        {
            let error = sides.fit(&styles, &Attribute { name: "hat", scores: &scores }).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn conditioned_normals_are_at_right_angles() {
        let (n, a, b) = ([1., 2., 3., 4.], [1., 0., 1., 0.], [0., 1., 1., 0.]);
        let left = conditioned(&n, &[&a, &b, &a]).unwrap();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!(dot(&left, &a).abs() < 1e-12 && dot(&left, &b).abs() < 1e-12 && (dot(&left, &left) - 1.).abs() < 1e-12);
        assert!(dot(&left, &n) > 0.);
        assert!(conditioned(&a, &[&b, &a]).is_err());
    }
}
