//! A classifier of a set's labels, for measures that ask what a picture shows: a recipe of one phase.
//!
//! The network is StyleGAN's discriminator without minibatch statistics and with a score per class,
//! trained like the CelebA-HQ classifiers of that paper (Karras et al. 2019, appendix: Adam with
//! learning rate 1e-3, batches of 8), by cross-entropy.

use super::supervised::{Learner, Learns, Supervised};
use super::{Recipe, RunConfig, RunSettings};
use crate::Result;
use crate::data::{Batch, BatchMaps, Dataset};
use crate::inputs::random::Streams;
use crate::losses::cross_entropy;
use crate::phase::Phase;
use candle_core::{Device, Tensor};
use serde::Serialize;
use std::path::Path;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::stylegan1::{StyleGan1Discriminator, StyleGan1DiscriminatorConfig};
use stylegan_core::{DiscriminatorConfig, NetworkConfig, Params};

/// How a classifier is trained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassifierTrainConfig {
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

impl Default for ClassifierTrainConfig {
    fn default() -> Self {
        Self { kimg: 150., lr: 1e-3, batch: 8, channel_base: 16384, channel_max: 512, held_out: 10, seed: 0 }
    }
}

impl ClassifierTrainConfig {
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

    fn run(&self) -> Supervised {
        let Self { kimg, lr, batch, held_out, seed, .. } = *self;
        Supervised { recipe: "classifier", kimg, lr, batch, held_out, seed }
    }

    fn check(&self, dataset: &Dataset) -> Result<()> {
        if dataset.label_dim() < 2 || (0..dataset.len()).any(|i| dataset.labels().class(i).is_none()) {
            let problem = "needs a set in which every picture has one of two or more classes (dataset.json)";
            return self.run().wrong(problem.into());
        }
        self.run().check(dataset)
    }
}

impl RunConfig for ClassifierTrainConfig {
    fn settings(&self, dataset: &Dataset) -> Result<RunSettings> {
        self.check(dataset)?;
        let network = NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan1(self.network(dataset)));
        self.run().settings(dataset, self, &StyleGan1Discriminator::PHASE, network, (false, BatchMaps::None))
    }

    fn recipe(&self, dataset: &Dataset, checkpoint: Option<&Checkpoint>, device: &Device) -> Result<Box<dyn Recipe>> {
        let network = self.network(dataset);
        let build = |params: &Params| StyleGan1Discriminator::new(&network, params.trainable());
        Learner::recipe(self.seed, checkpoint, device, build)
    }
}

impl Learns for StyleGan1Discriminator {
    const PHASE: Phase = Phase::new("Cmain", prefix::D, Streams::UNNAMED).with_reals();
    const LOSS: &'static str = "Loss/C/loss";

    fn judge(&self, reals: &Batch) -> Result<Option<[Tensor; 2]>> {
        let Some(labels) = &reals.labels else { return Ok(None) };
        let scores = self.scores(&reals.images)?;
        Ok(Some([cross_entropy(&scores, labels)?, scores.argmax(1)?.eq(&labels.argmax(1)?)?]))
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
    /// The classifier of a run's checkpoint on a device, measured on the pictures that were kept from training.
    ///
    /// # Errors
    /// When the checkpoint or pictures cannot be read, or they are not of this configuration.
    pub fn load(config: &ClassifierTrainConfig, dataset: &Dataset, checkpoint: &Path, device: &Device) -> Result<Self> {
        config.check(dataset)?;
        let network = config.network(dataset);
        let params = Checkpoint::open(checkpoint)?.params(prefix::D, device)?;
        let frozen = StyleGan1Discriminator::new(&network, params.frozen())?;
        let held = config.run().pictures(dataset, true);
        let class = |&picture: &usize| dataset.labels().class(picture);
        let mut classes = held.iter().map(class);
        let mut right = 0;
        for images in dataset.batches(&held) {
            let named = frozen.scores(&images?.to_device(device)?)?.argmax(1)?.to_vec1::<u32>()?;
            right += named.into_iter().zip(classes.by_ref()).filter(|(named, class)| *class == Some(*named)).count();
        }
        let count = |of: u32| held.iter().filter(|picture| class(picture) == Some(of)).count();
        let most = (0..dataset.label_dim() as u32).map(count).max();
        let part = |count: usize| count as f64 / held.len() as f64;
        Ok(Self { network, params, accuracy: part(right), chance: part(most.unwrap_or_default()) })
    }
}
