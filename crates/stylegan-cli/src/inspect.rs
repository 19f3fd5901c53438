//! `stylegan inspect`: what a checkpoint holds.

use crate::exit::{Ending, Outcome};
use crate::network::checkpoint;
use crate::numbers::count;
use crate::status::print;
use serde_json::{Value, json};
use std::path::PathBuf;
use stylegan_core::checkpoint::{Checkpoint, Kind};

/// Print what a checkpoint holds
///
/// Networks with their configurations, training state, provenance and licence, and every tensor.
/// The contents are checked against the hash that was stored with them.
///
/// Examples:
///   stylegan inspect runs/avatars-32
///   stylegan inspect network-000400.safetensors --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Checkpoint (.safetensors), or the folder of a run: then its newest checkpoint.
    #[arg(value_name = "FILE|RUN")]
    file: PathBuf,

    /// Prints one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    let path = checkpoint(&args.file)?;
    let file = Checkpoint::open(&path)?;
    let intact = file.verify()?;
    if args.json {
        print(&(serde_json::to_string_pretty(&as_json(&file, intact)?)? + "\n"))?;
    } else {
        print(&as_text(&file, intact)?)?;
    }
    Ok(Ending::Done)
}

fn as_json(file: &Checkpoint, intact: bool) -> anyhow::Result<Value> {
    let tensors: Vec<Value> = file
        .names()
        .map(|name| json!({ "name": name, "dtype": file.dtype(name), "shape": file.shape(name) }))
        .collect();
    let mut value = json!({
        "file": file.path().display().to_string(),
        "bytes": std::fs::metadata(file.path())?.len(),
        "sha256": file.content_hash(),
        "verified": intact,
        "tensors": tensors,
    });
    if let (Some(metadata), Some(fields)) = (file.metadata(), value.as_object_mut()) {
        fields.insert("kind".into(), json!(kind(metadata.kind)));
        fields.insert("networks".into(), serde_json::to_value(&metadata.networks)?);
        fields.insert("step".into(), json!(metadata.step));
        fields.insert("images".into(), json!(metadata.images));
        fields.insert("seed".into(), json!(metadata.seed));
        fields.insert("dataset_hash".into(), json!(metadata.dataset_hash));
        fields.insert("licence".into(), json!(metadata.licence));
        fields.insert("source".into(), json!(metadata.source));
        fields.insert("extra".into(), json!(metadata.extra));
    }
    Ok(value)
}

fn as_text(file: &Checkpoint, intact: bool) -> anyhow::Result<String> {
    let mut text = format!("{}\n", file.path().display());
    let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<10} {value}\n"));
    let bytes = std::fs::metadata(file.path())?.len();
    line("size", format!("{:.1} MB in {}", bytes as f64 / 1e6, count(file.names().count() as u64, "tensor")));
    match (file.content_hash(), intact) {
        (Some(hash), true) => line("contents", format!("intact, sha256 {hash}")),
        _ => line("contents", "without a hash to check them by".into()),
    }
    if let Some(metadata) = file.metadata() {
        line(
            "kind",
            match metadata.kind {
                Kind::Release => "release (a generator to use)".into(),
                Kind::State => "state (training can go on from it)".into(),
            },
        );
        line(
            "trained",
            format!(
                "{:.1} kimg in {}, seed {}",
                metadata.images as f64 / 1e3,
                count(metadata.step, "step"),
                metadata.seed
            ),
        );
        for (name, value) in
            [("data set", &metadata.dataset_hash), ("licence", &metadata.licence), ("source", &metadata.source)]
        {
            if let Some(value) = value {
                line(name, value.clone());
            }
        }
        for (key, value) in &metadata.extra {
            line(key, value.clone());
        }
        for (prefix, config) in &metadata.networks {
            let parameters: usize = parameters_of(file, prefix);
            line(prefix, format!("{} parameters, {}", grouped(parameters), serde_json::to_string(config)?));
        }
    }
    text.push('\n');
    let width = file.names().map(str::len).max().unwrap_or(0);
    for name in file.names() {
        let shape = file.shape(name).unwrap_or_default();
        text.push_str(&format!("  {name:<width$}  {} {shape:?}\n", file.dtype(name).unwrap_or_default()));
    }
    Ok(text)
}

fn parameters_of(file: &Checkpoint, prefix: &str) -> usize {
    file.names()
        .filter(|name| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')))
        .filter(|name| !stylegan_core::is_buffer(name))
        .map(|name| file.shape(name).unwrap_or_default().iter().product::<usize>())
        .sum()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Release => "release",
        Kind::State => "state",
    }
}

/// 26219627 as "26 219 627".
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_in_groups() {
        assert_eq!(super::grouped(26_219_627), "26 219 627");
        assert_eq!(super::grouped(7), "7");
        assert_eq!(super::grouped(1000), "1 000");
    }
}
