//! Inception Score (Salimans et al. 2016) from class logits.

use crate::feature_table::FeatureTable;
use crate::features::{FeatureNetwork, KNOWS_CLASSES};
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Counts, Direction, Metric, Needs, Number, SetMetric, Sets};
use crate::{Error, Result};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// Feature rows that become logits at once.
const LOGIT_ROWS: usize = 1024;

/// Mean and standard deviation over splits of `exp(mean KL(p(y|x) || p(y)))`. `logits` holds rows of
/// `classes` numbers; split `s` of `n` takes rows `s n / splits` to `(s + 1) n / splits`, in order.
/// The deviation is that of the whole population of splits (divided by their number), as published.
///
/// ```
/// // Two certain and different classes: the score is 2.
/// let (mean, deviation) = stylegan_metrics::inception_score::score(&[99., 0., 0., 99.], 2, 1)?;
/// assert!((mean - 2.).abs() < 1e-12 && deviation == 0.);
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
///
/// # Errors
/// No splits, fewer rows than splits, rows that do not divide, or logits that are not finite.
pub fn score(logits: &[f64], classes: usize, splits: usize) -> Result<(f64, f64)> {
    let scores: Vec<f64> = sums(logits, classes, splits)?.iter().map(|split| split.score(None)).collect();
    let mean = scores.iter().sum::<f64>() / splits as f64;
    let variance = scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / splits as f64;
    Ok((mean, variance.sqrt()))
}

/// The mean over splits and its interval, by leaving out one of [`GROUPS`] groups of rows at a time.
///
/// # Errors
/// As [`score`], and fewer than `2 * GROUPS` rows or two for each split.
pub(crate) fn score_with_interval(logits: &[f64], classes: usize, splits: usize) -> Result<Estimate> {
    let sums = sums(logits, classes, splits)?;
    let (needed, found) = (2 * GROUPS.max(splits), logits.len() / classes);
    if found < needed {
        return Err(Error::TooFew { metric: "is".into(), set: "generated set".into(), needed, found });
    }
    let mean = |without| sums.iter().map(|split| split.score(without)).sum::<f64>() / splits as f64;
    let leave_out = (0..GROUPS).map(|g| mean(Some(g))).collect();
    Ok(Estimate::jackknife(mean(None), vec![], leave_out, [1., classes as f64]))
}

/// Sums over the rows of one split, by jackknife group.
struct Split {
    /// Rows.
    counts: [f64; GROUPS],
    /// Sums of `p ln p` over rows and classes.
    information: [f64; GROUPS],
    /// `[GROUPS, classes]`: sums of `p`.
    classes: Vec<f64>,
}

fn sums(logits: &[f64], classes: usize, splits: usize) -> Result<Vec<Split>> {
    if classes == 0 || splits == 0 || !logits.len().is_multiple_of(classes) {
        return Err(Error::Parameter {
            parameter: "classes and splits of is",
            found: format!("{classes} and {splits} for {} logits", logits.len()),
            expected: "at least 1 each, and whole rows of logits",
        });
    }
    let n = logits.len() / classes;
    if n < splits {
        let (metric, set) = ("is".into(), "generated set".into());
        return Err(Error::TooFew { metric, set, needed: splits, found: n });
    }
    if let Some(at) = logits.iter().position(|v| !v.is_finite()) {
        let set = "generated set".into();
        return Err(Error::NotFinite { what: "logits", unit: "row", index: at / classes, set });
    }
    let split = |s: usize| {
        let (first, end) = (s * n / splits, (s + 1) * n / splits);
        Split::new(first, &logits[first * classes..end * classes], classes)
    };
    Ok((0..splits).map(split).collect())
}

impl Split {
    /// Of rows of which the first has the number `first` in the whole set: groups are those of the set, so
    /// that short splits together hold all of them.
    fn new(first: usize, logits: &[f64], classes: usize) -> Self {
        let mut split = Self { counts: [0.; GROUPS], information: [0.; GROUPS], classes: vec![0.; GROUPS * classes] };
        for (i, row) in logits.chunks_exact(classes).enumerate() {
            let g = (first + i) % GROUPS;
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let norm = most + row.iter().map(|v| (v - most).exp()).sum::<f64>().ln();
            split.counts[g] += 1.;
            for (sum, v) in split.classes[g * classes..][..classes].iter_mut().zip(row) {
                let (log, p) = (v - norm, (v - norm).exp());
                *sum += p;
                if p > 0. {
                    split.information[g] += p * log;
                }
            }
        }
        split
    }

    /// The score of the rows, less those of a group: the mean divergence is the mean of `sum p ln p`
    /// less `sum q ln q` of the mean `q` of `p`.
    fn score(&self, without: Option<usize>) -> f64 {
        let kept = || (0..GROUPS).filter(|g| Some(*g) != without);
        let n: f64 = kept().map(|g| self.counts[g]).sum();
        let classes = self.classes.len() / GROUPS;
        let entropy: f64 = (0..classes)
            .map(|c| kept().map(|g| self.classes[g * classes + c]).sum::<f64>() / n)
            .filter(|q| *q > 0.)
            .map(|q| q * q.ln())
            .sum();
        (kept().map(|g| self.information[g]).sum::<f64>() / n - entropy).exp()
    }
}

/// Parameters of the Inception Score: mean over splits of the generated set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InceptionScore {
    /// Size of the generated set; there is no real one.
    pub counts: Counts,
    /// Number of parts that are scored alone.
    pub splits: usize,
}

impl Metric for InceptionScore {
    fn name(&self) -> &'static str {
        "is"
    }

    fn needs(&self) -> Needs {
        Needs { classes: true, ..Needs::images(2 * GROUPS.max(self.splits)) }
    }
}

impl SetMetric for InceptionScore {
    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>> {
        let missing = || Error::Missing { metric: name.into(), missing: KNOWS_CLASSES };
        let network = sets.network.ok_or_else(missing)?;
        let (logits, classes) = logits(network, sets.generated)?;
        let estimate = score_with_interval(&logits, classes, self.splits)?;
        Ok(vec![Number::new(name, estimate, "exp of nats", Direction::Larger)])
    }
}

/// Class logits of feature rows, and the number of classes.
fn logits(network: &dyn FeatureNetwork, features: &FeatureTable) -> Result<(Vec<f64>, usize)> {
    let (mut all, mut classes) = (vec![], 0);
    for rows in features.rows().chunks(LOGIT_ROWS * features.dim()) {
        let rows = Tensor::from_slice(rows, (rows.len() / features.dim(), features.dim()), &Device::Cpu)?;
        let logits = network.class_logits(&rows)?;
        classes = logits.dim(1)?;
        all.extend(logits.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from));
    }
    Ok((all, classes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use stylegan_core::latent::StreamKey;

    #[test]
    fn limits() {
        // Undecided: 1. One certain class: 1. c certain classes, equally often: c.
        assert!((score(&[0.; 12], 3, 1).unwrap().0 - 1.).abs() < 1e-12);
        assert!((score(&[99., 0., 99., 0.], 2, 1).unwrap().0 - 1.).abs() < 1e-12);
        let logits: Vec<f64> = (0..5 * 20).map(|i| if i % 5 == i / 5 % 5 { 1e3 } else { 0. }).collect();
        let (mean, deviation) = score(&logits, 5, 4).unwrap();
        assert!((mean - 5.).abs() < 1e-9 && deviation < 1e-9);
    }

    /// The interval is about the score, and closes where all groups are alike.
    #[test]
    fn interval() {
        let logits = |spread: f64| -> Vec<f64> {
            (0..4 * 400)
                .map(|i| if i % 4 == i / 4 % 5 % 4 { 3. + spread * ((i * 7) % 11) as f64 } else { 0. })
                .collect()
        };
        let (mean, _) = score(&logits(0.3), 4, 2).unwrap();
        let found = score_with_interval(&logits(0.3), 4, 2).unwrap();
        assert_eq!(found.value, mean);
        assert!(found.interval.low < mean && mean < found.interval.high && found.interval.high < mean * 1.2);
        let alike = score_with_interval(&logits(0.), 4, 1).unwrap();
        assert!(alike.interval.high - alike.interval.low < found.interval.high - found.interval.low);
        // 40 rows in 10 splits are enough, 38 are not.
        assert!(score_with_interval(&logits(0.3)[..160], 4, 10).is_ok());
        let few = score_with_interval(&logits(0.3)[..152], 4, 10).unwrap_err().to_string();
        assert!(few.contains("is needs at least 40 samples in the generated set, found 38"), "{few}");
    }

    /// 100 sets: the 95 % intervals hold the mean score over all sets, four standard deviations of chance
    /// (2.2 %) allowed downwards.
    #[test]
    fn intervals_cover() {
        let runs: Vec<Estimate> = (0..100)
            .map(|r| {
                let mut stream = StreamKey::new(r, "test logits", 0).stream(0, 0);
                let logits: Vec<f64> = (0..5 * 400).map(|_| 2. * stream.normal()).collect();
                score_with_interval(&logits, 5, 10).unwrap()
            })
            .collect();
        let truth = runs.iter().map(|r| r.value).sum::<f64>() / 100.;
        let covered = runs.iter().filter(|r| r.interval.low <= truth && truth <= r.interval.high).count();
        println!("is intervals cover {covered} of 100");
        assert!(covered >= 86, "{covered} of 100");
    }

    #[test]
    fn unfit_input() {
        assert!(score(&[0.; 4], 2, 3).unwrap_err().to_string().contains("is needs at least 3 samples"));
        assert!(score(&[0.; 5], 2, 1).is_err());
        assert!(score(&[0., f64::NAN], 2, 1).unwrap_err().to_string().contains("logits of row 0"));
    }
}
