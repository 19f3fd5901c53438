//! A segmenter of a set's label maps, which says how much of what painters were asked for can be seen in their pictures:
//! a recipe of one phase.
//!
//! The network is small ([`Segmenter`]), and learns by the cross-entropy of each pixel's class; pixels without a class
//! count for nothing.

use super::supervised::{Learner, Learns, Supervised};
use super::{Recipe, RunConfig, RunSettings, maps};
use crate::data::{Batch, BatchMaps, Dataset, NO_CLASS};
use crate::inputs::random::Streams;
use crate::losses::log_sum_exp;
use crate::phase::Phase;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use serde::Serialize;
use std::path::Path;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::segmenter::{Segmenter, SegmenterConfig};
use stylegan_core::{NetworkConfig, Params};
use stylegan_metrics::segmentation::Confusion;

/// How a segmenter is trained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmenterTrainConfig {
    /// Classes of the set's maps, as [`classes_of`] counts them.
    pub classes: usize,
    /// Thousands of pictures shown, 50.
    pub kimg: f64,
    /// Adam's learning rate, 1e-3.
    pub lr: f64,
    /// Pictures per step, 8.
    pub batch: usize,
    /// Channels at full resolution, 16.
    pub channels: usize,
    /// Every this many pictures of the set, one is kept from training, to measure accuracy on; 10.
    pub held_out: usize,
    /// Seed of weights and order.
    pub seed: u64,
}

impl SegmenterTrainConfig {
    /// The usual way for maps of `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, kimg: 50., lr: 1e-3, batch: 8, channels: 16, held_out: 10, seed: 0 }
    }

    /// The network for a set's pictures.
    fn network(&self, dataset: &Dataset) -> SegmenterConfig {
        SegmenterConfig {
            img_size: dataset.image_size(),
            img_channels: dataset.channels(),
            classes: self.classes,
            channels: self.channels,
        }
    }

    fn run(&self) -> Supervised {
        let Self { kimg, lr, batch, held_out, seed, .. } = *self;
        Supervised { recipe: "segmenter", kimg, lr, batch, held_out, seed }
    }

    fn check(&self, dataset: &Dataset) -> Result<()> {
        let run = self.run();
        if self.classes < 2 {
            return run.wrong(format!("needs label maps of two or more classes (labels/), found {}", self.classes));
        }
        run.check(dataset)?;
        self.network(dataset).validate().or_else(|error| run.wrong(format!("fits no pictures of this set: {error}")))
    }
}

/// Classes of a set's label maps: those of its table of classes, or up to the largest in a map.
///
/// # Errors
/// When the set has no maps, or one cannot be read.
pub fn classes_of(dataset: &Dataset) -> Result<usize> {
    maps::expect(dataset, "")?;
    let count = |picture| {
        let classes = dataset.stored_map(picture)?.into_iter().filter(|&class| class != NO_CLASS);
        Ok::<_, Error>(classes.max().map_or(0, |class| usize::from(class) + 1))
    };
    let most = (0..dataset.len()).into_par_iter().map(count).try_reduce(|| 0, |a, b| Ok(a.max(b)))?;
    Ok(dataset.class_table().map_or(most, |table| table.classes().len()))
}

impl RunConfig for SegmenterTrainConfig {
    fn settings(&self, dataset: &Dataset) -> Result<RunSettings> {
        self.check(dataset)?;
        let network = NetworkConfig::Segmenter(self.network(dataset));
        self.run().settings(dataset, self, &Segmenter::PHASE, network, (true, BatchMaps::Labels))
    }

    fn recipe(&self, dataset: &Dataset, checkpoint: Option<&Checkpoint>, device: &Device) -> Result<Box<dyn Recipe>> {
        let network = self.network(dataset);
        Learner::recipe(self.seed, checkpoint, device, |params| Segmenter::new(&network, params.trainable()))
    }
}

impl Learns for Segmenter {
    const PHASE: Phase = Phase::new("Smain", prefix::S, Streams::UNNAMED).with_reals();
    const LOSS: &'static str = "Loss/S/loss";

    fn judge(&self, reals: &Batch) -> Result<Option<[Tensor; 2]>> {
        let Some(maps) = &reals.maps else { return Ok(None) };
        let scores = self.scores(&reals.images)?;
        let pixels = Pixels::of(maps, scores.device())?;
        Ok(Some([pixels.cross_entropy(&scores)?, pixels.accuracy(&scores)?]))
    }
}

/// The pixels of label maps that count.
struct Pixels {
    /// Classes `[n, 1, h, w]` u32; 0 where there is none.
    classes: Tensor,
    /// What each counts for in the mean of its map, `[n, 1, h, w]` f32; 0 without a class.
    weights: Tensor,
}

impl Pixels {
    /// Of maps `[n, h, w]` u8, on a device.
    fn of(maps: &Tensor, device: &Device) -> Result<Self> {
        let (n, h, w) = maps.dims3()?;
        let all = maps.flatten_all()?.to_vec1::<u8>()?;
        let mut weights = Vec::with_capacity(all.len());
        for map in all.chunks_exact((h * w).max(1)) {
            let known = map.iter().filter(|&&class| class != NO_CLASS).count().max(1);
            weights.extend(map.iter().map(|&class| if class == NO_CLASS { 0. } else { 1. / known as f32 }));
        }
        let number = |class: u8| if class == NO_CLASS { 0 } else { u32::from(class) };
        let classes: Vec<u32> = all.into_iter().map(number).collect();
        let shape = (n, 1, h, w);
        Ok(Self {
            classes: Tensor::from_vec(classes, shape, device)?,
            weights: Tensor::from_vec(weights, shape, device)?,
        })
    }

    /// `ln sum exp s - s[class]` of scores `[n, classes, h, w]`, the mean of the pixels of each map: `[n]`.
    fn cross_entropy(&self, scores: &Tensor) -> Result<Tensor> {
        let own = scores.gather(&self.classes, 1)?;
        Ok(((log_sum_exp(scores)? - own)? * &self.weights)?.flatten_from(1)?.sum(1)?)
    }

    /// The part of the pixels of each map whose class has the largest of the scores `[n, classes, h, w]`: `[n]`.
    fn accuracy(&self, scores: &Tensor) -> Result<Tensor> {
        let right = scores.argmax_keepdim(1)?.eq(&self.classes)?.to_dtype(DType::F32)?;
        Ok((right * &self.weights)?.flatten_from(1)?.sum(1)?)
    }
}

/// A trained segmenter.
pub struct TrainedSegmenter {
    /// The network's configuration.
    pub network: SegmenterConfig,
    /// Its parameters.
    pub params: Params,
    /// Mean intersection over union with the maps of the held-out pictures.
    pub miou: f64,
    /// Part of their pixels that it names right.
    pub accuracy: f64,
    /// Part of them that always naming the most frequent class names right.
    pub chance: f64,
}

impl TrainedSegmenter {
    /// The segmenter of a run's checkpoint on a device, measured on the pictures that were kept from training.
    ///
    /// # Errors
    /// When the checkpoint or pictures cannot be read, or they are not of this configuration.
    pub fn load(config: &SegmenterTrainConfig, dataset: &Dataset, checkpoint: &Path, device: &Device) -> Result<Self> {
        config.check(dataset)?;
        let network = config.network(dataset);
        let params = Checkpoint::open(checkpoint)?.params(prefix::S, device)?;
        let frozen = Segmenter::new(&network, params.frozen())?;
        let held = config.run().pictures(dataset, true);
        let (mut seen, mut pixels) = (Confusion::new(config.classes, Some(NO_CLASS)), vec![0u64; config.classes]);
        let mut pictures = held.iter();
        for images in dataset.batches(&held) {
            let found = frozen.classes(&images?.to_device(device)?)?.to_dtype(DType::U8)?;
            for found in found.flatten_from(1)?.to_vec2::<u8>()? {
                let Some(&picture) = pictures.next() else { break };
                let truth = dataset.map(picture)?;
                for &class in truth.iter().filter(|&&class| usize::from(class) < config.classes) {
                    pixels[usize::from(class)] += 1;
                }
                seen.add(&truth, &found)?;
            }
        }
        let (most, all) = (pixels.iter().max().copied().unwrap_or(0), pixels.iter().sum::<u64>().max(1));
        Ok(Self {
            network,
            params,
            miou: seen.mean_iou().unwrap_or(0.),
            accuracy: seen.pixel_accuracy().unwrap_or(0.),
            chance: most as f64 / all as f64,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Two maps of three classes: pixels without a class touch neither loss nor gradient.
    #[test]
    fn pixels_without_a_class_count_for_nothing() {
        let maps = Tensor::new(&[[[0u8, 2]], [[255, 1]]], &Device::Cpu).unwrap();
        let scores = |ignored: f32| {
            let values = vec![2f32, 0., 0., 0., 1., 3., ignored, 0., -ignored, 1., ignored, 0.];
            candle_core::Var::from_vec(values, (2, 3, 1, 2), &Device::Cpu).unwrap()
        };
        let pixels = Pixels::of(&maps, &Device::Cpu).unwrap();
        let measured = |ignored| {
            let scores = scores(ignored);
            let loss = pixels.cross_entropy(scores.as_tensor()).unwrap();
            let found = stylegan_kernels::autodiff::backward(&loss.sum_all().unwrap()).unwrap();
            let slope = found.get(scores.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let right = pixels.accuracy(scores.as_tensor()).unwrap().to_vec1::<f32>().unwrap();
            (loss.to_vec1::<f32>().unwrap(), slope, right)
        };
        let (loss, slope, right) = measured(9.);
        // By hand: scores (2, 0, 1) for class 0, (0, 0, 3) for class 2, and (0, 1, 0) for class 1.
        let entropy = |scores: [f32; 3], class: usize| scores.map(f32::exp).iter().sum::<f32>().ln() - scores[class];
        let expected = [(entropy([2., 0., 1.], 0) + entropy([0., 0., 3.], 2)) / 2., entropy([0., 1., 0.], 1)];
        assert!(loss.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{loss:?}, expected {expected:?}");
        assert_eq!((slope[6], slope[8], slope[10]), (0., 0., 0.));
        assert!(slope[7] != 0. && right == [1., 1.]);
        assert_eq!(measured(-4.), (loss, slope, right));
    }
}
