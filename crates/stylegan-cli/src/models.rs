//! Networks that are part of the program, with directions to edit their pictures along, and `stylegan models`, which
//! lists them.

use crate::embedded::{MODELS, Model};
use crate::exit::{Ending, Outcome};
use crate::meant;
use crate::status::{print, say};
use anyhow::Context;
use clap::builder::PossibleValuesParser;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::directions::{Direction, Directions};
use stylegan_core::{Model as LoadedModel, write_atomic};

/// List the networks that come with the program
///
/// Every verb takes their names: `--network avatars-64`. With a name, its card: what it was trained on
/// and how, what it scores, under which licence it is, and along which directions its pictures can be
/// edited.
///
/// Examples:
///   stylegan models
///   stylegan models avatars-64
///   stylegan generate --network avatars-64 --seeds 0-63 --grid --out faces.png
///   stylegan edit --network avatars-64 --seeds 0-3 --direction blond-hair=2 --out blond.png
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The network whose card is shown [default: a line for each]
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(MODELS.map(|model| model.name)))]
    name: Option<String>,
}

/// Where a tuned network's file names what it was tuned from.
pub(crate) const TUNED_FROM: &str = "tuned_from_network";

impl Model {
    /// Its file, unpacked.
    fn unpack(&self) -> anyhow::Result<PathBuf> {
        let file = self.file();
        let folder = file.parent().unwrap_or(Path::new(""));
        // What somebody else put there under this name is not used.
        if !std::fs::read(&file).is_ok_and(|found| found == self.bytes) {
            let failed =
                || format!("cannot unpack {} into {}; set TMPDIR to another folder", self.name, folder.display());
            std::fs::create_dir_all(folder).with_context(failed)?;
            write_atomic(&file, |out| std::io::Write::write_all(out, self.bytes)).with_context(failed)?;
        }
        Ok(file)
    }

    /// Its directions, if it has some.
    fn directions(&self) -> anyhow::Result<Option<Directions>> {
        let Some(bytes) = self.directions else { return Ok(None) };
        let file = Checkpoint::received(format!("directions of {}", self.name), bytes.to_vec())?;
        Ok(Some(Directions::read(&file)?))
    }

    /// Its directions as a list that follows the card.
    fn list_of_directions(&self) -> anyhow::Result<String> {
        let Some(directions) = self.directions()? else { return Ok(String::new()) };
        let width = directions.list.iter().map(|direction| direction.name.len()).max().unwrap_or_default();
        let line = |direction: &Direction| format!("  {:width$}  {}\n", direction.name, direction.how);
        let lines: String = directions.list.iter().map(line).collect();
        Ok(format!("\nDirections, for `stylegan edit --network {} --direction NAME=2`:\n\n{lines}", self.name))
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
        Some(name) => {
            let model = Model::of(Path::new(&name)).context("it is one of the names that can be typed")?;
            print(&format!("{}{}", model.card, model.list_of_directions()?))?;
        }
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

/// What to do about the path of a network that is not there.
pub(crate) fn remedy(path: &Path) -> String {
    let meant = meant(path).map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    meant + "`stylegan models` lists the networks that have names"
}

/// The network that comes with the program and may be meant by a path that is not there.
fn meant(path: &Path) -> Option<&'static str> {
    meant::meant(path.to_str()?, MODELS.iter().map(|model| model.name))
}

/// The contents of the network that a model was tuned from, if its file says so.
pub(crate) fn tuned_from(model: &LoadedModel) -> Option<&str> {
    model.metadata()?.extra.get(TUNED_FROM).map(String::as_str)
}

/// The directions that come with a network, and the name that they come under: with one that is part of the program,
/// and with what was tuned from it.
pub(crate) fn directions(model: &LoadedModel) -> anyhow::Result<Option<(&'static str, Directions)>> {
    let hashes = [model.content_hash(), tuned_from(model)];
    for built_in in &MODELS {
        if let Some(directions) = built_in.directions()?
            && directions.network.is_some()
            && hashes.contains(&directions.network.as_deref())
        {
            return Ok(Some((built_in.name, directions)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

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
        for (typed, name) in
            [("avatars64", "avatars-64"), ("AVATARS-32", "avatars-32"), ("earth-64-spaed", "earth-64-spade")]
        {
            assert_eq!(meant(Path::new(typed)), Some(name), "{typed}");
        }
        assert_eq!([meant(Path::new("runs/faces")), meant(Path::new("avatars.pkl"))], [None; 2]);
        Ok(())
    }

    /// Directions are those of the network that they come with, are small, and are found by its contents.
    #[test]
    fn directions_belong_to_their_network() -> anyhow::Result<()> {
        for built_in in &MODELS {
            let model = LoadedModel::load(built_in.unpack()?, &Device::Cpu)?;
            let Some(own) = built_in.directions()? else {
                assert!(directions(&model)?.is_none(), "{}", built_in.name);
                continue;
            };
            let found = directions(&model)?.context("are found")?;
            assert_eq!(found, (built_in.name, own.clone()));
            let spec = model.generator().spec();
            assert!(own.list.iter().all(|one| one.vector.len() == spec.w_dim && one.channel.is_none()));
            assert!(own.list.iter().flat_map(|one| &one.rows).all(|row| *row < spec.num_ws));
            assert!(built_in.directions.is_some_and(|bytes| bytes.len() < 300_000));
            assert!(built_in.card.contains("stylegan directions"), "{}", built_in.name);
        }
        Ok(())
    }

    /// The painter of land names its classes as the set does that it learnt from.
    #[test]
    fn the_painter_names_its_classes() -> anyhow::Result<()> {
        let file = built_in(Path::new("earth-64-spade"))?.context("is there")?;
        assert_eq!(LoadedModel::load(&file, &Device::Cpu)?.classes(), crate::data::earth::CLASSES);
        Ok(())
    }
}
