//! A classifier of a set's labels, for measures that ask what a picture shows: a recipe of one phase.
//!
//! The network is StyleGAN's discriminator without minibatch statistics and with a score per class,
//! trained like the CelebA-HQ classifiers of that paper (Karras et al. 2019, appendix: Adam with
//! learning rate 1e-3, batches of 8), by cross-entropy.

use super::{GRADIENT, Recipe, RunConfig, RunSettings, gradient, unknown, values};
use crate::config::{AdamConfig, OutputConfig};
use crate::data::{BatchMaps, Dataset};
use crate::inputs::ShardInput;
use crate::inputs::random::Streams;
use crate::optim::Adam;
use crate::phase::{Action, Phase};
use crate::schedule::Schedule;
use crate::shards::{Reduction, ShardSums};
use crate::stats::Stats;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use serde::Serialize;
use std::path::Path;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::stylegan1::{StyleGan1Discriminator, StyleGan1DiscriminatorConfig};
use stylegan_core::{DiscriminatorConfig, NetworkConfig, Params};

/// How a classifier is trained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassifierConfig {
    /// Thousands of pictures shown, 150 in the paper.
    pub kimg: f64,
    /// Adam's learning rate, 1e-3.
    pub lr: f64,
    /// Pictures per step, 8.
    pub batch: usize,
    /// Channels at resolution `r` are `channel_base / r` …
    pub channel_base: usize,
    /// … at most this many.
    pub channel_max: usize,
    /// Every this many pictures of the set, one is kept from training, to measure accuracy on; 10.
    pub held_out: usize,
    /// Seed of weights and order.
    pub seed: u64,
}

impl Default for ClassifierConfig {
    fn default() -> Self {
        Self { kimg: 150., lr: 1e-3, batch: 8, channel_base: 16384, channel_max: 512, held_out: 10, seed: 0 }
    }
}

/// The classifier along its loss.
const CMAIN: Phase = Phase::new("Cmain", prefix::D, Streams::UNNAMED).with_reals();

impl ClassifierConfig {
    /// The network for a set's pictures and classes.
    fn network(&self, dataset: &Dataset) -> StyleGan1DiscriminatorConfig {
        StyleGan1DiscriminatorConfig {
            img_size: dataset.image_size(),
            img_channels: dataset.channels(),
            c_dim: dataset.label_dim(),
            channel_base: self.channel_base,
            channel_max: self.channel_max,
            mbstd_group: 0,
            ..StyleGan1DiscriminatorConfig::default()
        }
    }

    /// The pictures kept from training, or those trained on.
    fn pictures(&self, dataset: &Dataset, held_out: bool) -> Vec<usize> {
        let is_held = |i: usize| i % self.held_out == self.held_out - 1;
        (0..dataset.len()).filter(|&i| is_held(i) == held_out).collect()
    }

    fn check(&self, dataset: &Dataset) -> Result<()> {
        let wrong = |problem: &str| Err(Error::Config { place: "the classifier".into(), problem: problem.into() });
        if dataset.label_dim() < 2 || (0..dataset.len()).any(|i| dataset.labels().class(i).is_none()) {
            return wrong("needs a set in which every picture has one of two or more classes (dataset.json)");
        }
        if self.held_out < 2 || dataset.len() < self.held_out || self.batch == 0 {
            return wrong("needs batches of 1 or more, and more pictures than held_out, which is 2 or more");
        }
        Ok(())
    }
}

impl RunConfig for ClassifierConfig {
    fn settings(&self, dataset: &Dataset) -> Result<RunSettings> {
        self.check(dataset)?;
        let unwritable = |error: String| Error::Config {
            place: "the classifier's configuration".into(),
            problem: format!("cannot be written: {error}"),
        };
        let network = NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan1(self.network(dataset)));
        let toml = toml::to_string(self).map_err(|error| unwritable(error.to_string()))?;
        Ok(RunSettings {
            seed: self.seed,
            schedule: Schedule::constant(self.kimg, dataset.image_size()[0], [self.batch; 2], self.lr),
            at_once: 1,
            reduction: Reduction::Exact,
            mirror: false,
            maps: BatchMaps::None,
            no_class: None,
            whole_batch: false,
            pictures: Some(self.pictures(dataset, false).into()),
            reset_on_growth: false,
            output: OutputConfig {
                tick_kimg: self.kimg / 100.,
                checkpoint_kimg: self.kimg / 10.,
                keep_checkpoints: 1,
                ..OutputConfig::default()
            },
            networks: [(prefix::D.to_owned(), network)].into(),
            toml: format!("recipe = \"classifier\"\n{toml}"),
            decisive: serde_json::to_string(self).map_err(|error| unwritable(error.to_string()))?,
        })
    }

    fn recipe(&self, dataset: &Dataset, checkpoint: Option<&Checkpoint>) -> Result<Box<dyn Recipe>> {
        let params = match checkpoint {
            Some(checkpoint) => checkpoint.params(prefix::D, &Device::Cpu)?,
            None => Params::new(self.seed, DType::F32, &Device::Cpu),
        };
        let network = StyleGan1Discriminator::new(&self.network(dataset), params.trainable())?;
        Ok(Box::new(Classifier { optimizer: Adam::new(&params, &AdamConfig::default(), 1.)?, params, network }))
    }
}

/// The network in training.
struct Classifier {
    params: Params,
    network: StyleGan1Discriminator,
    optimizer: Adam,
}

impl Recipe for Classifier {
    fn iteration(&self) -> Vec<Action> {
        vec![Action::Phase(CMAIN), Action::Advance]
    }

    fn networks(&self) -> Vec<(&'static str, &Params)> {
        vec![(prefix::D, &self.params)]
    }

    fn optimizers(&self) -> Vec<(&'static str, &Adam)> {
        vec![(prefix::D, &self.optimizer)]
    }

    fn optimizers_mut(&mut self) -> Vec<(&'static str, &mut Adam)> {
        vec![(prefix::D, &mut self.optimizer)]
    }

    fn shard(&self, phase: &Phase, input: &ShardInput) -> Result<ShardSums> {
        let reals = input.reals()?;
        let labels = reals.labels.as_ref().ok_or_else(|| unknown(phase))?;
        let scores = self.network.scores(&reals.images)?;
        let loss = cross_entropy(&scores, labels)?;
        let right = scores.argmax(1)?.eq(&labels.argmax(1)?)?;
        let mut sums = ShardSums::default();
        sums.stats.extend("Loss/C/loss", values(&loss)?);
        sums.stats.extend("Accuracy/train", values(&right)?);
        sums.named.set(GRADIENT, gradient(&self.optimizer, &loss)?);
        Ok(sums)
    }

    fn log_line(&self, stats: &Stats) -> String {
        let mean = |key: &str| stats.get(key).mean();
        format!("loss {:<7.4} right {:<6.3}", mean("Loss/C/loss"), mean("Accuracy/train"))
    }
}

/// A trained classifier.
pub struct TrainedClassifier {
    /// The network's configuration.
    pub network: StyleGan1DiscriminatorConfig,
    /// Its parameters.
    pub params: Params,
    /// Part of the held-out pictures that it names right.
    pub accuracy: f64,
    /// Part of them that always naming the most frequent class names right.
    pub chance: f64,
}

impl TrainedClassifier {
    /// The classifier of a run's checkpoint, measured on the pictures that were kept from training.
    ///
    /// # Errors
    /// When the checkpoint or pictures cannot be read, or they are not of this configuration.
    pub fn load(config: &ClassifierConfig, dataset: &Dataset, checkpoint: &Path) -> Result<Self> {
        config.check(dataset)?;
        let network = config.network(dataset);
        let params = Checkpoint::open(checkpoint)?.params(prefix::D, &Device::Cpu)?;
        let frozen = StyleGan1Discriminator::new(&network, params.frozen())?;
        let held = config.pictures(dataset, true);
        let class = |&picture: &usize| dataset.labels().class(picture);
        let mut classes = held.iter().map(class);
        let mut right = 0;
        for images in dataset.batches(&held) {
            let named = frozen.scores(&images?)?.argmax(1)?.to_vec1::<u32>()?;
            right += named.into_iter().zip(classes.by_ref()).filter(|(named, class)| *class == Some(*named)).count();
        }
        let count = |of: u32| held.iter().filter(|picture| class(picture) == Some(of)).count();
        let most = (0..dataset.label_dim() as u32).map(count).max();
        let part = |count: usize| count as f64 / held.len() as f64;
        Ok(Self { network, params, accuracy: part(right), chance: part(most.unwrap_or_default()) })
    }
}

/// `ln sum exp s - s[class]` per sample `[n]`, of scores and one-hot classes `[n, classes]`.
fn cross_entropy(scores: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let most = scores.max_keepdim(1)?.detach();
    let norm = (scores.broadcast_sub(&most)?.exp()?.sum_keepdim(1)?.log()? + most)?;
    Ok((norm.squeeze(1)? - (scores * classes)?.sum(1)?)?)
}
