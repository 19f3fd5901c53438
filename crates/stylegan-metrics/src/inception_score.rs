//! Inception Score (Salimans et al. 2016) from class logits.

use crate::{Error, Result};

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
    let scores: Vec<f64> = (0..splits)
        .map(|s| split_score(&logits[s * n / splits * classes..(s + 1) * n / splits * classes], classes))
        .collect();
    let mean = scores.iter().sum::<f64>() / splits as f64;
    let variance = scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / splits as f64;
    Ok((mean, variance.sqrt()))
}

fn split_score(logits: &[f64], classes: usize) -> f64 {
    let n = (logits.len() / classes) as f64;
    // log p(y|x), by rows.
    let logs: Vec<f64> = logits
        .chunks_exact(classes)
        .flat_map(|row| {
            let most = row.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
            let norm = most + row.iter().map(|v| (v - most).exp()).sum::<f64>().ln();
            row.iter().map(move |v| v - norm)
        })
        .collect();
    let mut marginal = vec![0.; classes];
    for row in logs.chunks_exact(classes) {
        marginal.iter_mut().zip(row).for_each(|(m, l)| *m += l.exp() / n);
    }
    let divergence: f64 = logs
        .chunks_exact(classes)
        .flat_map(|row| row.iter().zip(&marginal))
        .filter(|(l, _)| l.exp() > 0.)
        .map(|(l, m)| l.exp() * (l - m.ln()))
        .sum();
    (divergence / n).exp()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn limits() {
        // Undecided: 1. One certain class: 1. c certain classes, equally often: c.
        assert!((score(&[0.; 12], 3, 1).unwrap().0 - 1.).abs() < 1e-12);
        assert!((score(&[99., 0., 99., 0.], 2, 1).unwrap().0 - 1.).abs() < 1e-12);
        let logits: Vec<f64> = (0..5 * 20).map(|i| if i % 5 == i / 5 % 5 { 1e3 } else { 0. }).collect();
        let (mean, deviation) = score(&logits, 5, 4).unwrap();
        assert!((mean - 5.).abs() < 1e-9 && deviation < 1e-9);
    }

    #[test]
    fn unfit_input() {
        assert!(score(&[0.; 4], 2, 3).unwrap_err().to_string().contains("is needs at least 3 samples"));
        assert!(score(&[0.; 5], 2, 1).is_err());
        assert!(score(&[0., f64::NAN], 2, 1).unwrap_err().to_string().contains("logits of row 0"));
    }
}
