//! The full state of a run on disk: what is saved, which file is taken up, which files are kept.

use crate::config::TrainConfig;
use crate::data::{Dataset, Labels};
use crate::players::Players;
use crate::stats::Stats;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata, save};
use stylegan_core::{NetworkConfig, Params};

/// Where a run stands. With what the players hold this is everything: random numbers and
/// data order are functions of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Generator steps done.
    pub(crate) step: u64,
    /// Real pictures shown to the discriminator.
    pub(crate) images: u64,
    /// Pictures at the last line of `stats.jsonl`.
    pub(crate) reported: u64,
    /// What was observed since that line.
    pub(crate) stats: Stats,
    /// What the watch over the run's health remembers.
    pub(crate) health: crate::health::Health,
}

/// Players and progress.
pub(crate) struct State {
    pub(crate) players: Players,
    pub(crate) progress: Progress,
}

/// Keys of [`Metadata::extra`].
const PROGRESS: &str = "progress";
const ADAM_STEPS_G: &str = "opt_g.steps";
const ADAM_STEPS_D: &str = "opt_d.steps";
/// With path length regularisation.
const PL_MEAN: &str = "pl_mean";

impl State {
    /// The state before the first step.
    pub(crate) fn new(config: &TrainConfig) -> Result<Self> {
        // Weights are addressed by (seed, name); the other seed keeps equal names in the two
        // networks from getting equal weights.
        let [g, d] = [config.seed, config.seed ^ (1 << 63)].map(|seed| Params::new(seed, DType::F32, &Device::Cpu));
        Ok(Self { players: Players::new(config, g, d)?, progress: Progress::default() })
    }

    /// The state of a checkpoint of this run.
    pub(crate) fn load(config: &TrainConfig, checkpoint: &Checkpoint) -> Result<Self> {
        let bad = |problem: String| Error::Run { folder: checkpoint.path().to_owned(), problem };
        let metadata = checkpoint.metadata().filter(|metadata| metadata.kind == Kind::State).ok_or_else(|| {
            bad("holds no training state, only networks; give the checkpoint of a run, or start anew".into())
        })?;
        for (name, network) in networks_of(config) {
            if metadata.networks.get(&name) != Some(&network) {
                return Err(bad(format!(
                    "was trained with another configuration of {name}; resume with the run's own config.toml, or \
                     start anew in another folder"
                )));
            }
        }
        if metadata.seed != config.seed {
            return Err(bad(format!(
                "was trained with seed {}, expected {}; resume with the same seed",
                metadata.seed, config.seed
            )));
        }
        let text = |key: &str| metadata.extra.get(key).map(String::as_str).unwrap_or_default();
        let not_a_number = |key: &str| bad(format!("has {key} {:?} in its metadata, expected a number", text(key)));
        let steps = |key: &str| text(key).parse().map_err(|_| not_a_number(key));
        let progress = serde_json::from_str(text(PROGRESS))
            .map_err(|error| bad(format!("has progress in its metadata that cannot be read: {error}")))?;
        let mut players = Players::load(config, checkpoint)?;
        let moment = |key: String| checkpoint.tensor(&key, &Device::Cpu).map_err(Error::from);
        players.opt_g.restore(steps(ADAM_STEPS_G)?, |name| moment(format!("opt_g.{name}")))?;
        players.opt_d.restore(steps(ADAM_STEPS_D)?, |name| moment(format!("opt_d.{name}")))?;
        if config.path_length.is_some() {
            players.pl_mean = text(PL_MEAN).parse().map_err(|_| not_a_number(PL_MEAN))?;
        }
        Ok(Self { players, progress })
    }

    /// Writes the state to its file in the run folder.
    pub(crate) fn save(&self, config: &TrainConfig, dataset: &Dataset, folder: &Path) -> Result<PathBuf> {
        let progress = serde_json::to_string(&self.progress).map_err(|error| Error::Run {
            folder: folder.to_owned(),
            problem: format!("progress cannot be written: {error}"),
        })?;
        let players = &self.players;
        let mut extra = BTreeMap::from([
            (PROGRESS.to_owned(), progress),
            (ADAM_STEPS_G.to_owned(), players.opt_g.steps().to_string()),
            (ADAM_STEPS_D.to_owned(), players.opt_d.steps().to_string()),
        ]);
        if config.path_length.is_some() {
            // Rust prints the shortest digits that read back as the same number.
            extra.insert(PL_MEAN.to_owned(), players.pl_mean.to_string());
        }
        let mut metadata = Metadata {
            kind: Kind::State,
            networks: networks_of(config),
            step: self.progress.step,
            images: self.progress.images,
            seed: config.seed,
            dataset_hash: Some(dataset.hash()?.to_owned()),
            extra,
            ..Metadata::default()
        };
        if let Labels::Classes { names, .. } = dataset.labels()
            && config.generator.c_dim() > 0
            && !names.is_empty()
        {
            metadata.set_classes(names);
        }
        let path = folder.join(file_name(self.progress.images));
        save(&path, &metadata, &self.tensors())?;
        Ok(path)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut tensors = self.players.networks.tensors();
        for (prefix, optimizer) in [("opt_g", &self.players.opt_g), ("opt_d", &self.players.opt_d)] {
            tensors.extend(optimizer.state().into_iter().map(|(name, tensor)| (format!("{prefix}.{name}"), tensor)));
        }
        tensors
    }
}

fn networks_of(config: &TrainConfig) -> BTreeMap<String, NetworkConfig> {
    let generator = || NetworkConfig::Generator(config.generator.clone());
    BTreeMap::from([
        ("G".to_owned(), generator()),
        ("G_ema".to_owned(), generator()),
        ("D".to_owned(), NetworkConfig::Discriminator(config.discriminator.clone())),
    ])
}

/// The checkpoint's name after `images` pictures: `network-000123.safetensors` in the 124th
/// thousand. A later state within the same thousand takes its place.
pub fn file_name(images: u64) -> String {
    format!("network-{:06}.safetensors", images / 1000)
}

/// The checkpoints of a run folder, the newest first. A folder that does not exist has none.
///
/// # Errors
/// When the folder cannot be read.
pub fn checkpoints(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    let mut found = vec![];
    for entry in entries {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let kimg = name.strip_prefix("network-").and_then(|rest| rest.strip_suffix(".safetensors"));
        if let Some(kimg) = kimg.and_then(|digits| digits.parse::<u64>().ok()) {
            found.push((kimg, path));
        }
    }
    found.sort();
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}

/// The newest checkpoint whose contents are whole, and a sentence for each newer one that was
/// passed over.
///
/// # Errors
/// When the folder cannot be read.
pub fn newest_valid(folder: &Path) -> Result<(Option<Checkpoint>, Vec<String>)> {
    let mut warnings = vec![];
    for path in checkpoints(folder)? {
        match Checkpoint::open(&path).and_then(|checkpoint| checkpoint.verify().map(|_| checkpoint)) {
            Ok(checkpoint) => return Ok((Some(checkpoint), warnings)),
            Err(error) => warnings.push(format!("{error}; trying the checkpoint before it")),
        }
    }
    Ok((None, warnings))
}

/// Removes all but the newest `keep` checkpoints and the one called `best`; all stay if `keep` is 0.
pub(crate) fn prune(folder: &Path, keep: usize, best: Option<&str>) -> Result<()> {
    if keep == 0 {
        return Ok(());
    }
    for path in checkpoints(folder)?.into_iter().skip(keep) {
        if path.file_name().and_then(|name| name.to_str()) != best {
            std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn newest_first_and_pruned() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "network-000002.safetensors",
            "network-000010.safetensors",
            "network-1234567.safetensors",
            "network-x.safetensors",
            "network-000003.safetensors.tmp",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = || -> Vec<String> {
            let paths = checkpoints(folder.path()).unwrap();
            paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(
            names(),
            ["network-1234567.safetensors", "network-000010.safetensors", "network-000002.safetensors"]
        );
        prune(folder.path(), 1, Some("network-000002.safetensors")).unwrap();
        assert_eq!(names(), ["network-1234567.safetensors", "network-000002.safetensors"]);
        assert!(checkpoints(&folder.path().join("absent")).unwrap().is_empty());
        assert_eq!(file_name(12_999), "network-000012.safetensors");
    }

    #[test]
    fn damaged_files_are_passed_over_with_a_word() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file_name(5000)), "no checkpoint").unwrap();
        let (found, warnings) = newest_valid(folder.path()).unwrap();
        assert!(found.is_none() && warnings.len() == 1 && warnings[0].contains("000005"), "{warnings:?}");
    }
}
