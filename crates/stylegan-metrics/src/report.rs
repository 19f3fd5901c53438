//! Results as JSON and Markdown.

use crate::Result;
use crate::interval::{Estimate, Interval};
use crate::protocol::Protocol;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// The subject of floors.
pub(crate) const REAL_SET: &str = "real set";

/// One measured number, with everything needed to measure it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricResult {
    /// Metric and feature network, such as `fid-stlpips`; `_floor` behind the metric marks the real
    /// set against itself.
    pub name: String,
    /// Who was measured: a file, a folder, or two with a minus between for their difference.
    pub subject: String,
    /// The number.
    pub value: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How the interval was found.
    pub interval: String,
    /// Unit: `squared feature distance`, `fraction`, …
    pub unit: String,
    /// Whether smaller or larger is better.
    pub better: Direction,
    /// How it was measured.
    pub protocol: Protocol,
    /// What looked at the pictures.
    pub feature_network: NetworkId,
    /// Seed of latents, noise, labels, subsets and resampling.
    pub seed: u64,
    /// Truncation psi of the generated pictures, 1 for none.
    pub truncation_psi: f64,
    /// Latents mixed in each generated picture, 1 for none.
    pub mixed: usize,
    /// How many samples entered.
    pub counts: SampleCounts,
    /// Content hash of the real set, where known.
    pub dataset_hash: Option<String>,
    /// Content hash of the generator's file (or of the second set of images), where known.
    pub checkpoint_hash: Option<String>,
    /// Wall time in seconds, by the clock the caller gave; features shared by several metrics count
    /// for each, features from the cache as the time to read them.
    pub seconds: f64,
}

/// Which way a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Distances and path lengths.
    Smaller,
    /// Precision and the like.
    Larger,
    /// Neither: it should be like that of the real set.
    Like,
}

/// Samples that entered a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleCounts {
    /// Real images.
    pub real: usize,
    /// Generated images, or pairs of them; real images of the other half for a floor.
    pub generated: usize,
}

impl MetricResult {
    pub(crate) fn set(&mut self, estimate: &Estimate) {
        let Interval { low, high, method } = estimate.interval.clone();
        (self.value, self.low, self.high, self.interval) = (estimate.value, low, high, method);
    }
}

/// The results as a JSON list.
///
/// # Errors
/// Never for results of this crate.
pub fn to_json(results: &[MetricResult]) -> Result<String> {
    Ok(serde_json::to_string_pretty(results)? + "\n")
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
/// Text that is not such a list.
pub fn from_json(text: &str) -> Result<Vec<MetricResult>> {
    Ok(serde_json::from_str(text)?)
}

/// The results as a Markdown table, followed by how they were measured.
pub fn to_markdown(results: &[MetricResult]) -> String {
    // One subject needs no column.
    let several = results.iter().any(|r| r.subject != results[0].subject && r.subject != REAL_SET);
    let (head, line) = if several { ("| of ", "---|") } else { ("", "") };
    let mut text = format!("| metric {head}| value | 95 % interval | better | real | generated | protocol |\n");
    text.push_str(&format!("|---|{line}---|---|---|---|---|---|\n"));
    for r in results {
        let changed = if r.protocol.changed.is_empty() {
            String::new()
        } else {
            format!(" (other {})", r.protocol.changed.join(", "))
        };
        let better = match r.better {
            Direction::Smaller => "smaller",
            Direction::Larger => "larger",
            Direction::Like => "as real",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} {}| {} | {} to {} | {better} | {} | {} | {}{changed} |",
            r.name,
            if several { format!("| {} ", r.subject.replace('|', "/")) } else { String::new() },
            short(r.value),
            short(r.low),
            short(r.high),
            count(r.counts.real),
            count(r.counts.generated),
            r.protocol.id,
        );
    }
    let mut networks: Vec<&NetworkId> = Vec::new();
    for r in results {
        if !networks.contains(&&r.feature_network) {
            networks.push(&r.feature_network);
        }
    }
    for network in networks {
        let weights = network.hash.get(..12).map_or(String::new(), |hash| format!(" (weights {hash}…)"));
        let _ = writeln!(text, "\n`{}`{weights}: {}.", network.name, network.definition);
    }
    text
}

/// Five significant digits.
fn short(value: f64) -> String {
    if value == 0. || !value.is_finite() {
        return format!("{value}");
    }
    let digits = 4 - (value.abs().log10().floor() as i32).clamp(-12, 4);
    format!("{value:.*}", digits.max(0) as usize)
}

fn count(n: usize) -> String {
    if n == 0 { "–".into() } else { n.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn result() -> MetricResult {
        MetricResult {
            name: "fid-stlpips".into(),
            subject: "a.safetensors".into(),
            value: 12.345678,
            low: 11.,
            high: 13.75,
            interval: "95 %".into(),
            unit: "squared feature distance".into(),
            better: Direction::Smaller,
            protocol: Protocol::find("fid").unwrap().with_samples(100),
            feature_network: NetworkId { name: "stlpips".into(), hash: "0".repeat(64), definition: "means".into() },
            seed: 7,
            truncation_psi: 1.,
            mixed: 1,
            counts: SampleCounts { real: 200, generated: 100 },
            dataset_hash: Some("d".into()),
            checkpoint_hash: None,
            seconds: 1.5,
        }
    }

    #[test]
    fn json_round_trip() {
        let results = vec![result()];
        assert_eq!(from_json(&to_json(&results).unwrap()).unwrap(), results);
    }

    #[test]
    fn markdown() {
        let text = to_markdown(&[result()]);
        let row = "| fid-stlpips | 12.346 | 11.000 to 13.750 | smaller | 200 | 100 | stylegan-rs.fid (other fakes) |";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("`stlpips` (weights 000000000000…): means."));
        let other = MetricResult { subject: "b".into(), ..result() };
        assert!(to_markdown(&[result(), other]).contains("| fid-stlpips | b | 12.346 | 11.000 to"));
        assert_eq!(
            [short(0.000123456), short(99999.), short(0.), short(-1.5)],
            ["0.00012346", "99999", "0", "-1.5000"]
        );
    }
}
