//! The full state of a run in a checkpoint: what is saved, and what must agree to go on from it.

use crate::config::TrainConfig;
use crate::data::{Dataset, Labels};
use crate::inputs::prefetch::Place;
use crate::recipe::gan::Gan;
use crate::stats::Stats;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata, save};
use stylegan_core::{NetworkConfig, Params};
use stylegan_kernels::cpu_info;

/// Where a run stands. With what the gan hold this is everything: random numbers and
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
    /// In a step, after its first move; an error may have ended the run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) partial: Option<Partial>,
}

/// Gan and progress.
pub(crate) struct State {
    pub(crate) gan: Gan,
    pub(crate) progress: Progress,
}

/// A step that was broken off: what its phases did before stands, and the rest is still to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Partial {
    /// Iteration done.
    #[serde(alias = "moves")]
    pub(crate) actions: usize,
    /// Real pictures shown before the step.
    pub(crate) began: u64,
}

impl State {
    /// Where the run is.
    pub(crate) fn place(&self) -> Place {
        let Progress { step, images, ref partial, .. } = self.progress;
        match *partial {
            Some(Partial { actions, began }) => Place { step, images: began, actions },
            None => Place { step, images, actions: 0 },
        }
    }
}

/// Keys of [`Metadata::extra`].
const PROGRESS: &str = "progress";
/// The configuration, less what no step depends on.
const CONFIG: &str = "config";
/// What the kernels ran on: the bits of a run depend on it.
const INSTRUCTION_SET: &str = "instruction_set";
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
        Ok(Self { gan: Gan::new(config, g, d)?, progress: Progress::default() })
    }

    /// The state of a checkpoint that [`fits`].
    pub(crate) fn load(config: &TrainConfig, checkpoint: &Checkpoint) -> Result<Self> {
        let bad = |problem: String| Error::Run { folder: checkpoint.path().to_owned(), problem };
        let metadata = checkpoint.metadata().ok_or_else(|| bad("has no metadata".into()))?;
        let text = |key: &str| metadata.extra.get(key).map(String::as_str).unwrap_or_default();
        let not_a_number = |key: &str| bad(format!("has {key} {:?} in its metadata, expected a number", text(key)));
        let steps = |key: &str| text(key).parse().map_err(|_| not_a_number(key));
        let progress = serde_json::from_str(text(PROGRESS))
            .map_err(|error| bad(format!("has progress in its metadata that cannot be read: {error}")))?;
        let mut gan = Gan::load(config, checkpoint)?;
        let moment = |key: String| checkpoint.tensor(&key, &Device::Cpu).map_err(Error::from);
        gan.opt_g.restore(steps(ADAM_STEPS_G)?, |name| moment(format!("opt_g.{name}")))?;
        gan.opt_d.restore(steps(ADAM_STEPS_D)?, |name| moment(format!("opt_d.{name}")))?;
        if config.path_length.is_some() {
            gan.pl_mean = text(PL_MEAN).parse().map_err(|_| not_a_number(PL_MEAN))?;
        }
        Ok(Self { gan, progress })
    }

    /// Writes the state to a file.
    pub(crate) fn save(&self, config: &TrainConfig, dataset: &Dataset, path: &Path) -> Result<()> {
        let failed = |error: serde_json::Error| Error::Run {
            folder: path.to_owned(),
            problem: format!("cannot be written: {error}"),
        };
        let progress = serde_json::to_string(&self.progress).map_err(failed)?;
        let gan = &self.gan;
        let mut extra = BTreeMap::from([
            (PROGRESS.to_owned(), progress),
            (CONFIG.to_owned(), serde_json::to_string(&config.decisive()).map_err(failed)?),
            (INSTRUCTION_SET.to_owned(), cpu_info::instruction_set().to_owned()),
            (ADAM_STEPS_G.to_owned(), gan.opt_g.steps().to_string()),
            (ADAM_STEPS_D.to_owned(), gan.opt_d.steps().to_string()),
        ]);
        if config.path_length.is_some() {
            // Rust prints the shortest digits that read back as the same number.
            extra.insert(PL_MEAN.to_owned(), gan.pl_mean.to_string());
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
        Ok(save(path, &metadata, &self.tensors())?)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut tensors = self.gan.networks.tensors();
        for (prefix, optimizer) in [("opt_g", &self.gan.opt_g), ("opt_d", &self.gan.opt_d)] {
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

/// Whether a run of this configuration can go on from a checkpoint; if not, why: the rest of a
/// sentence that begins with the file.
///
/// # Errors
/// That rest of a sentence.
pub fn is_of(config: &TrainConfig, metadata: &Metadata) -> Result<(), String> {
    for (name, network) in networks_of(config) {
        if metadata.networks.get(&name) != Some(&network) {
            return Err(format!(
                "was trained with another configuration of {name}; resume with the run's own config.toml, or start \
                 anew in another folder"
            ));
        }
    }
    if metadata.seed != config.seed {
        let (found, expected) = (metadata.seed, config.seed);
        return Err(format!("was trained with seed {found}, expected {expected}; resume with the same seed"));
    }
    Ok(())
}

/// [`is_of`], with pictures of this hash.
pub(crate) fn fits(config: &TrainConfig, dataset_hash: &str, metadata: &Metadata) -> Result<(), String> {
    is_of(config, metadata)?;
    match metadata.dataset_hash.as_deref() {
        Some(hash) if hash == dataset_hash => Ok(()),
        other => Err(format!(
            "was trained on the set {}, found {dataset_hash}; resume with the same pictures, or start anew in another \
             folder",
            other.unwrap_or("(unknown)")
        )),
    }
}

/// A word on a checkpoint of a machine whose kernels round otherwise.
pub(crate) fn other_machine(metadata: &Metadata) -> Option<String> {
    let (before, here) = (metadata.extra.get(INSTRUCTION_SET)?, cpu_info::instruction_set());
    (before != here).then(|| {
        format!(
            "the run came from a machine with {before} kernels, this one has {here}: it goes on as well, but not to the \
             same bits"
        )
    })
}

/// The configuration that a checkpoint was trained with, as far as steps depend on it: what is
/// written, measured and shown may be others. `None` for checkpoints of older versions.
pub fn config_of(checkpoint: &Checkpoint) -> Option<TrainConfig> {
    serde_json::from_str(checkpoint.metadata()?.extra.get(CONFIG)?).ok()
}
