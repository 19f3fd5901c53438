//! 95 % intervals: delete-group jackknife for functions of whole sets, bootstrap for means of
//! filtered samples; and the interval of a difference, from the same resamples of both sides.
//!
//! Both intervals cover the expected value of the metric *at the sample counts used*. FID grows
//! when counts shrink; no interval here corrects for that.

use serde::{Deserialize, Serialize};
use stylegan_core::latent::StreamKey;

/// Groups of the jackknife: sample `i` belongs to group `i % GROUPS`.
pub const GROUPS: usize = 20;
/// Replicates of the bootstrap.
pub const REPLICATES: usize = 1000;
/// Two-sided 95 % quantile of Student's t with `GROUPS - 1` degrees of freedom.
const T_975: f64 = 2.093_024;

/// Two-sided 95 % quantile of the normal distribution.
const Z_975: f64 = 1.959_964;

/// Two-sided 95 % quantiles of Student's t with 1 to 10 degrees of freedom.
const FEW_975: [f64; 10] =
    [12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157, 2.228_139];

/// Two-sided 95 % quantile of Student's t for the mean of `n` values, within 0.003 (Abramowitz and Stegun, 26.7.5): the
/// standard errors to either side of the mean's interval. Infinite for fewer than two values, which tell no deviation.
pub fn student(n: usize) -> f64 {
    match n.saturating_sub(1) {
        0 => f64::INFINITY,
        freedom => FEW_975.get(freedom - 1).copied().unwrap_or_else(|| {
            let (z, freedom) = (Z_975, freedom as f64);
            let second = 5. * z.powi(5) + 16. * z.powi(3) + 3. * z;
            z + (z.powi(3) + z) / (4. * freedom) + second / (96. * freedom.powi(2))
        }),
    }
}

/// Where the value lies with 95 % confidence, and how that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The method, one phrase.
    pub method: String,
}

/// A number, its interval, and what the interval was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Where it lies with 95 % confidence.
    pub interval: Interval,
    /// The number from parts of the samples, or from samples drawn again.
    pub resamples: Resamples,
}

/// The same number from other samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Resamples {
    /// Without one group at a time.
    Jackknife {
        /// Without each group of the real set; empty where there is none.
        real: Vec<f64>,
        /// Without each group of the generated set.
        generated: Vec<f64>,
    },
    /// From as many samples drawn with replacement.
    Bootstrap(Vec<f64>),
}

impl Estimate {
    /// From the values without each group of either set: their variances add up. The interval is
    /// kept within `[least, most]`, the range of the metric.
    pub(crate) fn jackknife(value: f64, real: Vec<f64>, generated: Vec<f64>, [least, most]: [f64; 2]) -> Self {
        let half = T_975 * (jackknife_variance(&real) + jackknife_variance(&generated)).max(0.).sqrt();
        let method = format!("95 %, delete-a-group jackknife over {GROUPS} groups of each set");
        let interval = Interval { low: (value - half).max(least), high: (value + half).min(most), method };
        Self { value, interval, resamples: Resamples::Jackknife { real, generated } }
    }

    /// The mean of values, by leaving out one group of them at a time.
    pub(crate) fn of_mean(values: &[f32], range: [f64; 2]) -> Self {
        let mean = |without: Option<usize>| {
            let kept = values.iter().enumerate().filter(|(i, _)| without != Some(i % GROUPS));
            let (sum, n) = kept.fold((0., 0.), |(sum, n), (_, v)| (sum + f64::from(*v), n + 1.));
            sum / n
        };
        Self::jackknife(mean(None), vec![], (0..GROUPS).map(|g| mean(Some(g))).collect(), range)
    }

    /// The part of samples for which something holds. The interval is Wilson's, which has a width where all samples
    /// agree.
    pub(crate) fn of_share(holds: &[bool]) -> Self {
        let values: Vec<f32> = holds.iter().map(|holds| f32::from(u8::from(*holds))).collect();
        let found = Self::of_mean(&values, [0., 1.]);
        let (low, high) = wilson(found.value, holds.len());
        Self { interval: Interval { low, high, method: "95 %, Wilson's score".into() }, ..found }
    }

    /// The same where the number is a part of `n` samples: the interval also holds Wilson's of that part, since one by
    /// leaving groups out has no width where all samples agree.
    #[must_use]
    pub(crate) fn of_part(mut self, n: usize) -> Self {
        let (low, high) = wilson(self.value, n);
        let Interval { low: least, high: most, method } = self.interval;
        let method = format!("{method}, and Wilson's score");
        self.interval = Interval { low: low.min(least), high: high.max(most), method };
        self
    }

    /// The exponential of a number whose jackknife is about the number itself: `logarithm`, and the same
    /// without each group of the generated set.
    pub(crate) fn of_logarithm(logarithm: f64, generated: Vec<f64>) -> Self {
        let within = Self::jackknife(logarithm, vec![], generated.clone(), [0., f64::INFINITY]).interval;
        let interval = Interval { low: within.low.exp(), high: within.high.exp(), method: within.method };
        let generated = generated.into_iter().map(f64::exp).collect();
        Self { value: logarithm.exp(), interval, resamples: Resamples::Jackknife { real: vec![], generated } }
    }

    /// From bootstrap replicates: the interval is between their percentiles.
    fn bootstrap(value: f64, replicates: Vec<f64>) -> Self {
        let mut sorted = replicates.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |p: f64| sorted[(p * (sorted.len() - 1) as f64).round() as usize];
        let method = format!("95 %, percentile bootstrap of {} replicates", sorted.len());
        let interval = Interval { low: at(0.025), high: at(0.975), method };
        Self { value, interval, resamples: Resamples::Bootstrap(replicates) }
    }

    /// This less `other`, paired: each resample of one side against the same one of the other, so that
    /// what both share (the real set, latents of equal number) does not widen the interval. Nothing
    /// for estimates of different kinds.
    ///
    /// ```
    /// use stylegan_metrics::path_length::{PathLength, Sampling, Space};
    ///
    /// let ppl = PathLength::new(Space::W, Sampling::End);
    /// let lengths: Vec<f64> = (0..100).map(|i| f64::from(i * i % 31)).collect();
    /// let more: Vec<f64> = lengths.iter().map(|l| l + 1.).collect();
    /// let difference = ppl.summary(&more, 0)?.minus(&ppl.summary(&lengths, 0)?).ok_or("kinds differ")?;
    /// // Both lengths scatter widely, their difference does not.
    /// assert!((difference.interval.low - 1.).abs() < 1e-9 && (difference.interval.high - 1.).abs() < 1e-9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn minus(&self, other: &Self) -> Option<Self> {
        let value = self.value - other.value;
        let less = |a: &[f64], b: &[f64]| -> Option<Vec<f64>> {
            (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| a - b).collect())
        };
        Some(match (&self.resamples, &other.resamples) {
            (Resamples::Jackknife { real: ra, generated: ga }, Resamples::Jackknife { real: rb, generated: gb }) => {
                let mut difference =
                    Self::jackknife(value, less(ra, rb)?, less(ga, gb)?, [f64::NEG_INFINITY, f64::INFINITY]);
                difference.interval.method += ", paired";
                difference
            }
            (Resamples::Bootstrap(a), Resamples::Bootstrap(b)) => {
                let mut difference = Self::bootstrap(value, less(a, b)?);
                difference.interval.method += ", paired";
                difference
            }
            _ => return None,
        })
    }
}

/// Wilson's score interval of a part of `n` samples.
fn wilson(part: f64, n: usize) -> (f64, f64) {
    let (n, squared) = (n as f64, Z_975 * Z_975);
    let centre = (part + squared / (2. * n)) / (1. + squared / n);
    let spread = part * (1. - part) / n + squared / (4. * n * n);
    let half = Z_975 * spread.sqrt() / (1. + squared / n);
    ((centre - half).max(0.), (centre + half).min(1.))
}

/// Variance of a statistic by the delete-a-group jackknife (Kott 2001): `leave_out[g]` is the
/// statistic without group `g`, for groups of equal size up to one. 0 for no groups.
///
/// ```
/// // For a mean, this is the variance of the mean of the group means.
/// let leave_out: Vec<f64> = [1f64, 2., 3.].iter().map(|left| (6. - left) / 2.).collect();
/// assert!((stylegan_metrics::interval::jackknife_variance(&leave_out) - 1. / 3.).abs() < 1e-12);
/// ```
pub fn jackknife_variance(leave_out: &[f64]) -> f64 {
    let n = leave_out.len() as f64;
    let mean = leave_out.iter().sum::<f64>() / n;
    (n - 1.) / n.max(1.) * leave_out.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
}

/// Percentile bootstrap of `statistic` over `n` samples: it is given how often each sample was drawn.
/// Replicate `r` draws from the counter-based stream `r` of `key`, whatever is measured.
pub(crate) fn bootstrap(n: usize, key: &StreamKey, statistic: impl Fn(&[u32]) -> f64) -> Estimate {
    let replicates = (0..REPLICATES)
        .map(|r| {
            let (mut stream, mut counts) = (key.stream(r as u64, 0), vec![0u32; n]);
            for _ in 0..n {
                counts[stream.below(n as u64) as usize] += 1;
            }
            statistic(&counts)
        })
        .collect();
    Estimate::bootstrap(statistic(&vec![1; n]), replicates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_wide_intervals() {
        assert!(student(0).is_infinite() && student(1).is_infinite());
        for (n, expected) in [(2, 12.7062), (3, 4.3027), (11, 2.2281), (12, 2.2010), (GROUPS, T_975), (10_000, Z_975)] {
            assert!((student(n) - expected).abs() < 3e-3, "{n}: {}", student(n));
        }
        assert!((2..100).all(|n| student(n) > student(n + 1)));
    }

    /// Against Wilson's formula by hand: 5 of 10 is 0.2366 to 0.7634, 0 of 20 reaches to z² / (n + z²).
    #[test]
    fn shares_have_wilsons_interval() {
        let of = |n: usize, k: usize| Estimate::of_share(&(0..n).map(|i| i < k).collect::<Vec<_>>());
        let half = of(10, 5);
        assert!((half.value - 0.5).abs() < 1e-12 && (half.interval.low - 0.2366).abs() < 1e-4, "{half:?}");
        assert!((half.interval.high - 0.7634).abs() < 1e-4, "{half:?}");
        let none = of(20, 0);
        assert_eq!((none.value, none.interval.low), (0., 0.));
        assert!((none.interval.high - 3.8415 / 23.8415).abs() < 1e-4, "{none:?}");
        assert_eq!(of(20, 20).interval.high, 1.);
    }
}
