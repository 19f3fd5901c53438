//! A classifier of a set's labels, for measures that ask what a picture shows.
//!
//! The network is StyleGAN's discriminator without minibatch statistics and with a score per class,
//! trained like the CelebA-HQ classifiers of that paper (Karras et al. 2019, appendix: Adam with
//! learning rate 1e-3, batches of 8), by cross-entropy.

use crate::config::AdamConfig;
use crate::data::{Dataset, SampleRequest};
use crate::optim::Adam;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use stylegan_core::Params;
use stylegan_core::latent::StreamKey;
use stylegan_core::stylegan1::{StyleGan1Discriminator, StyleGan1DiscriminatorConfig};
use stylegan_kernels::autodiff;

/// How a classifier is trained.
#[derive(Debug, Clone, PartialEq)]
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

/// Trains a classifier of the labels of `dataset`. `progress` is told how many pictures were shown, out
/// of how many.
///
/// # Errors
/// A set without classes or with fewer than `held_out` pictures, or pictures that cannot be read.
pub fn train_classifier(
    config: &ClassifierConfig,
    dataset: &Dataset,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<TrainedClassifier> {
    let classes = dataset.label_dim();
    let labels: Vec<u32> = (0..dataset.len()).filter_map(|i| dataset.labels().class(i)).collect();
    let wrong = |problem: &str| Error::Config { place: "the classifier".into(), problem: problem.into() };
    if classes < 2 || labels.len() != dataset.len() {
        return Err(wrong("needs a set in which every picture has one of two or more classes (dataset.json)"));
    }
    if config.held_out < 2 || dataset.len() < config.held_out || config.batch == 0 {
        return Err(wrong("needs batches of 1 or more, and more pictures than held_out, which is 2 or more"));
    }
    let (held, train): (Vec<usize>, Vec<usize>) =
        (0..dataset.len()).partition(|i| i % config.held_out == config.held_out - 1);
    let network = StyleGan1DiscriminatorConfig {
        img_size: dataset.image_size(),
        img_channels: dataset.channels(),
        c_dim: classes,
        channel_base: config.channel_base,
        channel_max: config.channel_max,
        mbstd_group: 0,
        ..StyleGan1DiscriminatorConfig::default()
    };
    let params = Params::new(config.seed, DType::F32, &Device::Cpu);
    let trained = StyleGan1Discriminator::new(&network, params.trainable())?;
    let mut optimizer = Adam::new(&params, &AdamConfig::default(), 1.)?;
    let key = StreamKey::new(config.seed, "classifier order", 0);
    let total = (config.kimg * 1000.).round() as u64;
    let mut shown = 0;
    while shown < total {
        let pick = |i: u64| {
            let mut stream = key.stream(i, 0);
            let index = train[stream.below(train.len() as u64) as usize];
            SampleRequest { index, mirror: false }
        };
        let requests: Vec<SampleRequest> = (shown..shown + config.batch as u64).map(pick).collect();
        let batch = dataset.load(&requests)?;
        let target: Vec<u32> = requests.iter().map(|request| labels[request.index]).collect();
        let loss = cross_entropy(&trained.scores(&batch.images)?, &target)?;
        let gradients = autodiff::backward(&loss)?;
        let gradient = optimizer.flatten(|weight| gradients.get(weight.as_tensor()))?;
        optimizer.step(&gradient, config.lr)?;
        shown += config.batch as u64;
        progress(shown.min(total), total);
    }
    let frozen = StyleGan1Discriminator::new(&network, params.frozen())?;
    let mut right = 0;
    for chunk in held.chunks(32) {
        let requests: Vec<_> = chunk.iter().map(|&index| SampleRequest { index, mirror: false }).collect();
        let named = frozen.scores(&dataset.load(&requests)?.images)?.argmax(1)?.to_vec1::<u32>()?;
        right += named.iter().zip(chunk).filter(|(named, index)| **named == labels[**index]).count();
    }
    let most = (0..classes as u32).map(|class| held.iter().filter(|i| labels[**i] == class).count()).max();
    let part = |count: usize| count as f64 / held.len() as f64;
    Ok(TrainedClassifier { network, params, accuracy: part(right), chance: part(most.unwrap_or_default()) })
}

/// Mean over samples of `ln sum exp s - s[target]`, of scores `[n, classes]`.
fn cross_entropy(scores: &Tensor, target: &[u32]) -> Result<Tensor> {
    let (n, classes) = scores.dims2()?;
    let mut chosen = vec![0f32; n * classes];
    target.iter().enumerate().for_each(|(i, class)| chosen[i * classes + *class as usize] = 1.);
    let chosen = Tensor::from_vec(chosen, (n, classes), scores.device())?;
    let most = scores.max_keepdim(1)?.detach();
    let norm = (scores.broadcast_sub(&most)?.exp()?.sum_keepdim(1)?.log()? + most)?;
    Ok((norm.squeeze(1)? - (scores * chosen)?.sum(1)?)?.mean_all()?)
}
