//! Networks that are part of the program, and `stylegan models`, which lists them.

use crate::exit::{Ending, Outcome, wrong};
use crate::status::{print, say};
use anyhow::Context;
use std::path::{Path, PathBuf};
use stylegan_core::write_atomic;

/// List the networks that come with the program
///
/// Every verb takes their names: `--network avatars-64`. With a name, its card: what it was trained on and
/// how, what it scores, and under which licence it is.
///
/// Examples:
///   stylegan models
///   stylegan models avatars-64
///   stylegan generate --network avatars-64 --seeds 0-63 --grid --out faces.png
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The network whose card is shown [default: a line for each]
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// A network that is part of the program.
struct Model {
    name: &'static str,
    bytes: &'static [u8],
    card: &'static str,
}

macro_rules! models {
    ($($name:literal),*) => {
        [$(Model {
            name: $name,
            bytes: include_bytes!(concat!("../assets/models/", $name, ".safetensors")),
            card: include_str!(concat!("../assets/models/", $name, ".md")),
        }),*]
    };
}

const MODELS: [Model; 3] = models!["avatars-64", "earth-64-spade", "avatars-32"];

impl Model {
    fn of(name: &Path) -> Option<&'static Self> {
        MODELS.iter().find(|model| Path::new(model.name) == name)
    }

    /// Its file, in the folder for temporary files.
    fn unpack(&self) -> anyhow::Result<PathBuf> {
        let folder = std::env::temp_dir().join(concat!("stylegan-models-", env!("CARGO_PKG_VERSION")));
        let file = folder.join(format!("{}.safetensors", self.name));
        // What somebody else put there under this name is not used.
        if !std::fs::read(&file).is_ok_and(|found| found == self.bytes) {
            let failed =
                || format!("cannot unpack {} into {}; set TMPDIR to another folder", self.name, folder.display());
            std::fs::create_dir_all(&folder).with_context(failed)?;
            write_atomic(&file, |out| std::io::Write::write_all(out, self.bytes)).with_context(failed)?;
        }
        Ok(file)
    }

    /// The sentence below the card's heading.
    fn summary(&self) -> &'static str {
        self.card.lines().find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default()
    }
}

/// Prints the list, or a card.
pub(crate) fn run(args: Args) -> Outcome {
    match args.name {
        None => {
            let width = MODELS.iter().map(|model| model.name.len()).max().unwrap_or_default();
            for model in &MODELS {
                let megabytes = model.bytes.len() as f64 / 1e6;
                print(&format!("{:width$}  {megabytes:.1} MB  {}\n", model.name, model.summary()))?;
            }
        }
        Some(name) => match Model::of(Path::new(&name)) {
            Some(model) => print(model.card)?,
            None => {
                let names: Vec<_> = MODELS.iter().map(|model| model.name).collect();
                wrong!("{name}: no network of this name is part of the program; there are {}", names.join(", "));
            }
        },
    }
    Ok(Ending::Done)
}

/// Names and files of all, so far as they can be unpacked.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, PathBuf)> {
    MODELS.iter().filter_map(|model| Some((model.name, model.unpack().ok()?)))
}

/// The file of the network that comes with the program under this name, if `path` is such a name and not
/// a file or folder: those win, with a word.
pub(crate) fn built_in(path: &Path) -> anyhow::Result<Option<PathBuf>> {
    let Some(model) = Model::of(path) else { return Ok(None) };
    if path.exists() {
        say(&format!("{0}: the file or folder of this name here is used, not the built-in network", model.name));
        return Ok(None);
    }
    model.unpack().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each is whole, says under which licence it is, has a card, and fits into what a crate may have.
    #[test]
    fn models_are_whole_and_described() -> anyhow::Result<()> {
        for model in &MODELS {
            let file = built_in(Path::new(model.name))?.context("is there")?;
            let checkpoint = stylegan_core::checkpoint::Checkpoint::open(&file)?;
            assert!(checkpoint.verify()?, "{}", model.name);
            let metadata = checkpoint.metadata().context("metadata")?;
            assert!(metadata.licence.is_some(), "{}", model.name);
            assert!(model.bytes.len() < 4_000_000 && !model.summary().is_empty());
            for part in ["licence", "config", "FID", "stylegan train"] {
                assert!(model.card.contains(part), "{}: {part}", model.name);
            }
        }
        assert!(built_in(Path::new("avatars-33"))?.is_none());
        Ok(())
    }
}
