//! Results as JSON and Markdown.

use crate::features::NetworkId;
use crate::protocol::Protocol;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::Path;
use stylegan_core::Precision;

pub use crate::metric::Direction;

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
    /// How precise the products of the generator's convolutions were: `f32`, `bf16x3` or `bf16`.
    #[serde(default = "single_precision")]
    pub precision: String,
    /// How many samples entered.
    pub counts: SampleCounts,
    /// The real set by name, where one entered.
    #[serde(default)]
    pub set: Option<String>,
    /// Content hash of the real set, where known.
    pub dataset_hash: Option<String>,
    /// Content hash of the generator's file (or of the second set of images), where known.
    pub checkpoint_hash: Option<String>,
    /// Wall time in seconds, by the clock the caller gave; features shared by several metrics count
    /// for each, features from the cache as the time to read them.
    pub seconds: f64,
    /// The command that asked for it.
    #[serde(default)]
    pub provenance: Provenance,
}

/// The command that asked for a result, as the caller tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// What was typed, or what asked instead.
    pub command: String,
    /// When, such as `2026-11-28T04:50:00Z`.
    pub date: String,
    /// Program and version.
    pub version: String,
    /// Which kernels computed, `cuda` or the instruction set of the CPU's, such as `avx2`: the last digits depend on it. Reports
    /// of older versions do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction_set: Option<String>,
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
    /// Whether `other` answers the same question: the same metric with the same parameters, of the same images,
    /// against the same set. When, by whom and on which machine it was measured makes no difference.
    pub(crate) fn answers_same(&self, other: &Self) -> bool {
        // A file may have moved with its folder; what it holds tells it from others of its name.
        let file = |name: &str| Path::new(name).file_name().map(|name| name.to_owned());
        let same_set = match (&self.dataset_hash, &other.dataset_hash) {
            (Some(one), Some(other)) => one == other,
            (None, None) => self.set == other.set,
            _ => false,
        };
        same_set
            && self.name == other.name
            && file(&self.subject) == file(&other.subject)
            && self.checkpoint_hash == other.checkpoint_hash
            && self.protocol.id == other.protocol.id
            && self.protocol.parameters == other.protocol.parameters
            && self.feature_network.hash == other.feature_network.hash
            && self.counts == other.counts
            && self.seed == other.seed
            && self.truncation_psi == other.truncation_psi
            && self.mixed == other.mixed
            && self.precision == other.precision
    }
}

/// What reports say nothing of that were written before there was a choice.
fn single_precision() -> String {
    Precision::F32.name().into()
}

/// `earlier` results and `new` ones; of those that answer the same question the new.
pub fn merged(earlier: Vec<MetricResult>, new: Vec<MetricResult>) -> Vec<MetricResult> {
    let replaced = |old: &MetricResult| new.iter().any(|result| result.answers_same(old));
    let mut all: Vec<MetricResult> = earlier.into_iter().filter(|old| !replaced(old)).collect();
    all.extend(new);
    all
}

/// The results as a JSON list.
///
/// # Errors
/// Never for results of this crate.
pub fn to_json(results: &[MetricResult]) -> Result<String> {
    Ok(serde_json::to_string_pretty(results).map_err(Error::Report)? + "\n")
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
/// Text that is not such a list.
pub fn from_json(text: &str) -> Result<Vec<MetricResult>> {
    serde_json::from_str(text).map_err(Error::UnreadableReport)
}

/// What a table of [`to_markdown`] begins with.
const TABLE: &str = "| metric ";

/// Whether a text is, by its first words, a table of [`to_markdown`].
pub fn is_markdown(text: &str) -> bool {
    text.starts_with(TABLE)
}

/// The results as a Markdown table, followed by who looked at the images and which command asked for what.
pub fn to_markdown(results: &[MetricResult]) -> String {
    // One subject, or one command, needs no column.
    let several = results.iter().any(|r| r.subject != results[0].subject && r.subject != REAL_SET);
    let runs = distinct(results.iter().map(|r| &r.provenance));
    let mut columns = vec!["metric"];
    columns.extend(several.then_some("of"));
    columns.extend(["value", "95 % interval", "better", "real", "generated", "protocol"]);
    columns.extend((runs.len() > 1).then_some("run"));
    let mut text = format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    for r in results {
        let mut cells = vec![r.name.clone()];
        cells.extend(several.then(|| r.subject.replace('|', "/")));
        cells.push(short(r.value));
        cells.push(format!("{} to {}", short(r.low), short(r.high)));
        cells.push(direction(r.better).into());
        cells.extend([count(r.counts.real), count(r.counts.generated)]);
        cells.push(protocol(r));
        if runs.len() > 1 {
            let run = runs.iter().position(|run| **run == r.provenance).unwrap_or_default();
            cells.push((run + 1).to_string());
        }
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    for network in distinct(results.iter().map(|r| &r.feature_network)) {
        let weights = network.hash.get(..12).map_or(String::new(), |hash| format!(" (weights {hash}…)"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n`{}`{weights}: {}.", network.name, network.definition);
    }
    for (i, run) in runs.iter().enumerate().filter(|(_, run)| !run.date.is_empty()) {
        let Provenance { command, date, version, instruction_set } = run;
        let kernels = instruction_set.as_ref().map_or(String::new(), |set| format!(", {set} kernels"));
        let number = if runs.len() > 1 { format!("Run {}: ", i + 1) } else { String::new() };
        // Path lengths look at no real pictures; the command's other metrics do.
        let set = results.iter().find_map(|r| r.set.as_ref().filter(|_| r.provenance == **run));
        let set = set.map_or(String::new(), |set| format!("; real pictures: {set}"));
        let _ = writeln!(text, "\n{number}{date}, {version}{kernels}, `{command}`{set}.");
    }
    text
}

/// Each once, in the order of their first place.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

fn direction(better: Direction) -> &'static str {
    match better {
        Direction::Smaller => "smaller",
        Direction::Larger => "larger",
        Direction::Like => "as real",
    }
}

/// The protocol, and what is not as it says.
fn protocol(result: &MetricResult) -> String {
    let changed = result.protocol.changed.iter().map(|parameter| match parameter.as_str() {
        "fakes" => "generated count".into(),
        "reals" => "real count".into(),
        "samples" => "picture count".into(),
        "pairs" => "pair count".into(),
        "truncation" => format!("truncation {}", result.truncation_psi),
        "precision" => format!("products in {}", result.precision),
        "mixing" => format!("{} latents mixed", result.mixed),
        other => other.replace('_', " "),
    });
    let changed: Vec<String> = changed.collect();
    if changed.is_empty() {
        result.protocol.id.clone()
    } else {
        format!("{} (changed: {})", result.protocol.id, changed.join(", "))
    }
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
            precision: "f32".into(),
            counts: SampleCounts { real: 200, generated: 100 },
            set: Some("faces.zip".into()),
            dataset_hash: Some("d".into()),
            checkpoint_hash: None,
            seconds: 1.5,
            provenance: Provenance {
                command: "stylegan eval".into(),
                date: "2026-11-28".into(),
                version: "stylegan 0.1.0".into(),
                instruction_set: Some("avx2".into()),
            },
        }
    }

    #[test]
    fn json_round_trip() {
        let results = vec![result()];
        let text = to_json(&results).unwrap();
        assert_eq!(from_json(&text).unwrap(), results);
        // Older reports do not say what machine it was.
        let older = text.replace(",\n      \"instruction_set\": \"avx2\"", "");
        assert!(older.len() < text.len());
        let provenance = Provenance { instruction_set: None, ..results[0].provenance.clone() };
        assert_eq!(from_json(&older).unwrap(), [MetricResult { provenance, ..result() }]);
        let error = from_json(&text[..text.len() / 2]).unwrap_err();
        assert!(
            error.is_wrong_input() && error.to_string().starts_with("cannot read the metric report (EOF"),
            "{error}"
        );
    }

    /// Other sets, counts, truncations, seeds and networks stand beside each other; what is measured again, on
    /// another day and from another folder, takes the place of the old number.
    #[test]
    fn newest_of_equal_questions() {
        let old = result();
        let later = Provenance { date: "2026-11-29".into(), ..old.provenance.clone() };
        let again = MetricResult { value: 12.5, subject: "runs/a.safetensors".into(), provenance: later, ..result() };
        assert_eq!(merged(vec![old.clone()], vec![again.clone()]), [again]);
        let others = [
            MetricResult { dataset_hash: Some("e".into()), ..result() },
            MetricResult { counts: SampleCounts { real: 200, generated: 90 }, ..result() },
            MetricResult { truncation_psi: 0.7, ..result() },
            MetricResult { precision: "bf16".into(), ..result() },
            MetricResult { seed: 8, ..result() },
            MetricResult { subject: "b.safetensors".into(), ..result() },
            MetricResult { checkpoint_hash: Some("c".into()), ..result() },
            MetricResult { protocol: Protocol::find("sg1.fid50k").unwrap(), ..result() },
        ];
        for other in others {
            assert_eq!(merged(vec![old.clone()], vec![other.clone()]), [old.clone(), other.clone()]);
            let text = to_markdown(&[old.clone(), other]);
            assert!(text.matches("12.346").count() == 2, "{text}");
        }
        let other = MetricResult { provenance: Provenance { date: "later".into(), ..Default::default() }, ..result() };
        let text = to_markdown(&[old, other]);
        assert!(
            text.starts_with("| metric | value | 95 % interval | better | real | generated | protocol | run |"),
            "{text}"
        );
        assert!(text.contains("(changed: generated count) | 2 |") && text.contains("\nRun 2: later, "), "{text}");
    }

    #[test]
    fn markdown() {
        let text = to_markdown(&[result()]);
        let row = "| fid-stlpips | 12.346 | 11.000 to 13.750 | smaller | 200 | 100 | stylegan-rs.fid (changed: generated count) |";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("`stlpips` (weights 000000000000…): means."));
        let other = MetricResult { subject: "b".into(), ..result() };
        assert!(to_markdown(&[result(), other]).contains("| fid-stlpips | b | 12.346 | 11.000 to"));
        assert!(
            text.ends_with("\n2026-11-28, stylegan 0.1.0, avx2 kernels, `stylegan eval`; real pictures: faces.zip.\n"),
            "{text}"
        );
        assert!(is_markdown(&text) && !is_markdown("# My notes\n\n| metric | value |"));
        assert_eq!(
            [short(0.000123456), short(99999.), short(0.), short(-1.5)],
            ["0.00012346", "99999", "0", "-1.5000"]
        );
    }
}
