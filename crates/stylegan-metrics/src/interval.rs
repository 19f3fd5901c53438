//! 95 % intervals: delete-group jackknife for functions of whole sets, bootstrap for means of
//! filtered samples.
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

/// Variance of a statistic by the delete-a-group jackknife (Kott 2001): `leave_out[g]` is the
/// statistic without group `g`, for groups of equal size up to one.
///
/// ```
/// // For a mean, this is the variance of the mean of the group means.
/// let leave_out: Vec<f64> = [1f64, 2., 3.].iter().map(|left| (6. - left) / 2.).collect();
/// assert!((stylegan_metrics::interval::jackknife_variance(&leave_out) - 1. / 3.).abs() < 1e-12);
/// ```
pub fn jackknife_variance(leave_out: &[f64]) -> f64 {
    let n = leave_out.len() as f64;
    let mean = leave_out.iter().sum::<f64>() / n;
    (n - 1.) / n * leave_out.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
}

/// `value` plus and minus Student's t times the root of `variance`, kept within `[least, most]`.
pub(crate) fn student(value: f64, variance: f64, least: f64, most: f64) -> Interval {
    let half = T_975 * variance.max(0.).sqrt();
    Interval {
        low: (value - half).max(least),
        high: (value + half).min(most),
        method: format!("95 %, delete-a-group jackknife over {GROUPS} groups of each set"),
    }
}

/// Percentile bootstrap of `statistic` over `sorted` values: the statistic is given how often each
/// sorted value was drawn. Replicate `r` draws from the counter-based stream `r` of `key`.
pub(crate) fn bootstrap(sorted: &[f64], key: &StreamKey, statistic: impl Fn(&[u32]) -> f64) -> Interval {
    let mut values: Vec<f64> = (0..REPLICATES)
        .map(|r| {
            let (mut stream, mut counts) = (key.stream(r as u64, 0), vec![0u32; sorted.len()]);
            for _ in 0..sorted.len() {
                counts[stream.below(sorted.len() as u64) as usize] += 1;
            }
            statistic(&counts)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let at = |p: f64| values[(p * (REPLICATES - 1) as f64).round() as usize];
    Interval {
        low: at(0.025),
        high: at(0.975),
        method: format!("95 %, percentile bootstrap of {REPLICATES} replicates"),
    }
}
