//! What the recipes of classifiers and segmenters share: one network learns by one loss what a set says of its pictures,
//! and some of these are kept from training to measure it on.

use super::{GRADIENT, Recipe, RunSettings, gradient, unknown, values};
use crate::config::{AdamConfig, ByResolution, OutputConfig};
use crate::data::{Batch, BatchMaps, Dataset};
use crate::inputs::ShardInput;
use crate::optim::Adam;
use crate::phase::{Action, Phase};
use crate::schedule::Schedule;
use crate::shards::{Reduction, ShardSums};
use crate::stats::Stats;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use serde::Serialize;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::{NetworkConfig, Params};

/// How a network is trained, whatever it learns.
pub(super) struct Supervised {
    /// What it is, as `recipe` in files.
    pub(super) recipe: &'static str,
    /// Thousands of pictures shown.
    pub(super) kimg: f64,
    pub(super) lr: f64,
    /// Pictures per step.
    pub(super) batch: usize,
    /// Every this many pictures of the set, one is kept from training.
    pub(super) held_out: usize,
    pub(super) seed: u64,
}

impl Supervised {
    /// An error in what the recipe was given.
    pub(super) fn wrong<T>(&self, problem: String) -> Result<T> {
        Err(Error::Config { place: format!("the {}", self.recipe), problem })
    }

    /// Checks that there are pictures to show, to train on, and to keep.
    pub(super) fn check(&self, dataset: &Dataset) -> Result<()> {
        if !(self.kimg > 0. && self.kimg.is_finite()) {
            return self.wrong(format!("kimg: expected a number above 0, found {}", self.kimg));
        }
        for (setting, found, least) in [("batch", self.batch, 1), ("held_out", self.held_out, 2)] {
            if found < least {
                return self.wrong(format!("{setting}: expected {least} or more, found {found}"));
            }
        }
        if dataset.len() < self.held_out {
            let (held_out, pictures) = (self.held_out, dataset.len());
            return self.wrong(format!(
                "the set has {pictures} pictures; at least {held_out} are needed, as one of every {held_out} is kept from training \
                 to measure it on"
            ));
        }
        Ok(())
    }

    /// The pictures kept from training, or those trained on.
    pub(super) fn pictures(&self, dataset: &Dataset, held_out: bool) -> Vec<usize> {
        let is_held = |i: usize| i % self.held_out == self.held_out - 1;
        (0..dataset.len()).filter(|&i| is_held(i) == held_out).collect()
    }

    /// The settings of a run of the phase's network, of which `config` is the whole configuration.
    pub(super) fn settings(
        &self,
        dataset: &Dataset,
        config: &impl Serialize,
        phase: &Phase,
        network: NetworkConfig,
        (mirror, maps): (bool, BatchMaps),
    ) -> Result<RunSettings> {
        let unwritable = |error: String| Error::Config {
            place: format!("the {}'s configuration", self.recipe),
            problem: format!("cannot be written: {error}"),
        };
        let toml = toml::to_string(config).map_err(|error| unwritable(error.to_string()))?;
        Ok(RunSettings {
            seed: self.seed,
            schedule: Schedule::constant(self.kimg, dataset.image_size()[0], [self.batch; 2], self.lr),
            at_once: 1,
            reduction: Reduction::Exact,
            mirror,
            maps,
            no_class: None,
            whole_batch: false,
            pictures: Some(self.pictures(dataset, false).into()),
            held_back: None,
            reset_on_growth: false,
            output: OutputConfig {
                tick_kimg: self.kimg / 100.,
                checkpoint_kimg: self.kimg / 10.,
                keep_checkpoints: 1,
                ..OutputConfig::default()
            },
            networks: ByResolution::new([(phase.optimizer.to_owned(), network)].into(), []),
            toml: format!("recipe = \"{}\"\n{toml}", self.recipe),
            decisive: serde_json::to_string(config).map_err(|error| unwritable(error.to_string()))?,
        })
    }
}

/// A network that learns.
pub(super) trait Learns: Send + Sync {
    /// Its only phase.
    const PHASE: Phase;
    /// What its loss is called in `stats.jsonl`.
    const LOSS: &'static str;

    /// The loss `[n]` of a batch, and how much of each picture it named right, `[n]`; `None` where the batch lacks what
    /// there is to learn.
    ///
    /// # Errors
    /// When shapes do not fit.
    fn judge(&self, reals: &Batch) -> Result<Option<[Tensor; 2]>>;
}

/// A network in training.
pub(super) struct Learner<N> {
    params: Params,
    network: N,
    optimizer: Adam,
}

impl<N: Learns + 'static> Learner<N> {
    /// The network of a checkpoint, or a new one of this seed, on a device.
    ///
    /// # Errors
    /// When it cannot be built, or the checkpoint lacks it.
    pub(super) fn recipe(
        seed: u64,
        checkpoint: Option<&Checkpoint>,
        device: &Device,
        build: impl FnOnce(&Params) -> stylegan_core::Result<N>,
    ) -> Result<Box<dyn Recipe>> {
        let params = match checkpoint {
            Some(checkpoint) => checkpoint.params(N::PHASE.optimizer, device)?,
            None => Params::new(seed, DType::F32, device),
        };
        let network = build(&params)?;
        Ok(Box::new(Self { optimizer: Adam::new(&params, &AdamConfig::default(), 1.)?, params, network }))
    }
}

impl<N: Learns> Recipe for Learner<N> {
    fn iteration(&self) -> Vec<Action> {
        vec![Action::Phase(N::PHASE), Action::Advance]
    }

    fn networks(&self) -> Vec<(&'static str, &Params)> {
        vec![(N::PHASE.optimizer, &self.params)]
    }

    fn optimizers(&self) -> Vec<(&'static str, &Adam)> {
        vec![(N::PHASE.optimizer, &self.optimizer)]
    }

    fn optimizers_mut(&mut self) -> Vec<(&'static str, &mut Adam)> {
        vec![(N::PHASE.optimizer, &mut self.optimizer)]
    }

    fn shard(&self, phase: &Phase, input: &ShardInput) -> Result<ShardSums> {
        let reals = input.reals()?.to_device(self.params.device())?;
        let [loss, right] = self.network.judge(&reals)?.ok_or_else(|| unknown(phase))?;
        let mut sums = ShardSums::default();
        sums.stats.extend(N::LOSS, values(&loss)?);
        sums.stats.extend("Accuracy/train", values(&right)?);
        sums.named.set(GRADIENT, gradient(&self.optimizer, &loss)?);
        Ok(sums)
    }

    fn log_line(&self, stats: &Stats) -> String {
        let mean = |key: &str| stats.get(key).mean();
        format!("loss {:<7.4} right {:<6.3}", mean(N::LOSS), mean("Accuracy/train"))
    }
}
