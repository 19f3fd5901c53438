//! `stylegan inspect`: what a checkpoint or a foreign file holds.

use crate::exit::{Ending, Outcome};
use crate::network::checkpoint;
use crate::numbers::count;
use crate::status::{Progress, print};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata};
use stylegan_core::import::{import, is_foreign};
use stylegan_core::{printable, printable_path};

/// Print what a checkpoint holds
///
/// Networks with their configurations, training state, provenance and licence, and the tensors. A
/// checkpoint of this program is checked against the hash that was stored with it. Files of other
/// programs that `stylegan convert` knows are shown as they would be converted.
///
/// Examples:
///   stylegan inspect runs/avatars-32
///   stylegan inspect network-000400.safetensors --json
///   stylegan inspect stylegan2-ffhq-config-f.pkl
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A checkpoint (.safetensors), a foreign file, the folder of a run: then its newest checkpoint, or
    /// a name: `stylegan models` lists those that come with the program.
    #[arg(value_name = "FILE|RUN|NAME")]
    file: PathBuf,

    /// Lists every tensor, with its type and shape.
    #[arg(long)]
    tensors: bool,

    /// Prints one JSON object instead of text.
    #[arg(long, conflicts_with = "tensors")]
    json: bool,
}

/// Columns that names of tensors are padded to, at most.
const MAX_WIDTH: usize = 100;

/// What a file holds.
struct Contents {
    path: PathBuf,
    bytes: u64,
    /// What wrote it.
    format: &'static str,
    /// The hash stored with the contents, and whether it is theirs.
    sha256: Option<String>,
    intact: bool,
    /// The first tensor with numbers that are not finite.
    not_finite: Option<String>,
    metadata: Option<Metadata>,
    tensors: Vec<Entry>,
}

struct Entry {
    name: String,
    dtype: String,
    shape: Vec<usize>,
}

pub(crate) fn run(args: Args) -> Outcome {
    let contents = Contents::of(checkpoint(&args.file)?)?;
    if args.json {
        print(&(serde_json::to_string_pretty(&contents.json()?)? + "\n"))?;
    } else {
        print(&contents.text(args.tensors)?)?;
    }
    Ok(Ending::Done)
}

impl Contents {
    fn of(path: PathBuf) -> anyhow::Result<Self> {
        let _progress = Progress::of_unknown_length("reading");
        if is_foreign(&path)? { Self::foreign(path) } else { Self::own(path) }
    }

    fn own(path: PathBuf) -> anyhow::Result<Self> {
        let file = Checkpoint::open(&path)?;
        let tensors = file.names().map(|name| Entry {
            name: name.to_string(),
            dtype: file.dtype(name).unwrap_or_default(),
            shape: file.shape(name).unwrap_or_default().to_vec(),
        });
        Ok(Contents {
            bytes: size(&path)?,
            format: if file.metadata().is_some() { "stylegan-rs checkpoint" } else { "safetensors" },
            sha256: file.content_hash().map(str::to_owned),
            intact: file.verify()?,
            not_finite: file.not_finite().map(str::to_owned),
            metadata: file.metadata().cloned(),
            tensors: tensors.collect(),
            path,
        })
    }

    fn foreign(path: PathBuf) -> anyhow::Result<Self> {
        let file = import(&path)?;
        let tensors = file.tensors.iter().map(|(name, tensor)| Entry {
            name: name.clone(),
            dtype: tensor.dtype().as_str().to_uppercase(),
            shape: tensor.dims().to_vec(),
        });
        let tensors = tensors.collect();
        let (bytes, format) = (size(&path)?, file.origin);
        // Others' files are refused where they hold numbers that are not finite.
        let (not_finite, metadata) = (None, Some(file.metadata));
        Ok(Contents { path, bytes, format, sha256: None, intact: false, not_finite, metadata, tensors })
    }

    fn json(&self) -> anyhow::Result<Value> {
        let tensor = |entry: &Entry| json!({ "name": entry.name, "dtype": entry.dtype, "shape": entry.shape });
        let mut value = json!({
            "file": self.path.display().to_string(),
            "bytes": self.bytes,
            "format": self.format,
            "sha256": self.sha256,
            "verified": self.intact,
            "not_finite": self.not_finite,
            "tensors": self.tensors.iter().map(tensor).collect::<Vec<_>>(),
            "numbers": self.numbers(""),
        });
        if let (Some(metadata), Some(fields)) = (&self.metadata, value.as_object_mut()) {
            let prefixes = metadata.networks.keys();
            let parameters: serde_json::Map<_, _> =
                prefixes.map(|prefix| (prefix.clone(), json!(self.numbers(prefix)))).collect();
            fields.insert("kind".into(), json!(kind(metadata.kind).0));
            fields.insert("networks".into(), serde_json::to_value(&metadata.networks)?);
            fields.insert("parameters".into(), Value::Object(parameters));
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

    fn text(&self, tensors: bool) -> anyhow::Result<String> {
        let mut text = format!("{}\n", printable_path(&self.path));
        let mut line =
            |name: &str, value: String| text.push_str(&format!("  {:<13} {}\n", printable(name), printable(&value)));
        line("format", self.format.into());
        let (size, unit) = if self.bytes < 1_000_000 { (1e3, "kB") } else { (1e6, "MB") };
        let number = count(self.tensors.len() as u64, "tensor");
        let hint = if tensors { "" } else { " (--tensors lists them)" };
        line("size", format!("{:.1} {unit} in {number}{hint}", self.bytes as f64 / size));
        match (&self.sha256, self.intact) {
            (Some(hash), true) => line("contents", format!("intact, sha256 {hash}")),
            _ => line("contents", "without a hash to check them by".into()),
        }
        if let Some(name) = &self.not_finite {
            line("not finite", format!("{name}: it holds NaN or infinity, as after a training that diverged"));
        }
        if let Some(metadata) = &self.metadata {
            let (name, meaning) = kind(metadata.kind);
            line("kind", format!("{name} ({meaning})"));
            if metadata.step > 0 {
                let (kimg, steps) = (metadata.images as f64 / 1e3, count(metadata.step, "step"));
                line("trained", format!("{kimg} kimg in {steps}, seed {}", metadata.seed));
            }
            for (name, value) in
                [("data set", &metadata.dataset_hash), ("licence", &metadata.licence), ("source", &metadata.source)]
            {
                if let Some(value) = value {
                    line(name, value.clone());
                }
            }
            for (key, value) in &metadata.extra {
                // A state keeps what its steps depend on; `config.toml` has all.
                let (name, note) = if key == "config" {
                    ("settings", "of its steps, all others as by default: ")
                } else {
                    (&key[..], "")
                };
                line(name, format!("{note}{value}"));
            }
            for (prefix, config) in &metadata.networks {
                let parameters = grouped(self.numbers(prefix));
                line(prefix, format!("{parameters} parameters, {}", serde_json::to_string(config)?));
            }
            if metadata.networks.is_empty() {
                line("numbers", grouped(self.numbers("")));
            }
        }
        if !tensors {
            return Ok(text);
        }
        text.push('\n');
        let width = self.tensors.iter().map(|entry| entry.name.len()).max().unwrap_or(0).min(MAX_WIDTH);
        for Entry { name, dtype, shape } in &self.tensors {
            text.push_str(&format!("  {:<width$}  {dtype} {shape:?}\n", printable(name)));
        }
        Ok(text)
    }

    /// How many numbers are in the tensors of a network, without its buffers; in all for none.
    fn numbers(&self, prefix: &str) -> usize {
        let own = self.tensors.iter().filter(|entry| {
            let rest = entry.name.strip_prefix(prefix);
            prefix.is_empty()
                || rest.is_some_and(|rest| rest.starts_with('.')) && !stylegan_core::is_buffer(&entry.name)
        });
        own.map(|entry| entry.shape.iter().product::<usize>()).sum()
    }
}

fn size(path: &Path) -> anyhow::Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}

fn kind(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Release => ("release", "networks to use"),
        Kind::State => ("state", "training can go on from it"),
        Kind::Weights => ("weights", "tensors under another program's names"),
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
