//! Perceptual path length (Karras et al. 2019, section 4.1): how much a picture changes, per squared
//! step, when its latent moves by a small step.

use crate::features::PerceptualDistance;
use crate::features::{box_downscale, box_factor};
use crate::interval::{Interval, bootstrap};
use crate::samples::three_channels;
use crate::{Error, Result};
use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};
use stylegan_core::latent::{StreamKey, lerp, slerp};
use stylegan_core::{Generator, NoiseKeys, NoiseMode, Synthesis, broadcast_ws};

/// Pairs synthesised at once: this many at 64x64, fewer of larger pictures.
const CHUNK: usize = 8;
/// Pictures are box-downscaled by a whole factor to this side.
const DISTANCE_SIDE: usize = 256;
/// Purpose of the random streams: lane 0 and 1 are the two ends, 2 the position, 3 the label.
const PURPOSE: &str = "path length";

/// The space in which the path is a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    /// Input latents, along great circles.
    Z,
    /// Styles, along straight lines.
    W,
}

/// Where on the path the step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Anywhere between the ends.
    Full,
    /// At the first end.
    End,
}

/// Parameters of the measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathLength {
    /// Z or W.
    pub space: Space,
    /// Full or end.
    pub sampling: Sampling,
    /// Number of pairs.
    pub pairs: usize,
    /// Length of the step, as a part of the path.
    pub epsilon: f64,
    /// Whether to look only at rows 3/8 to 7/8 and columns 2/8 to 6/8, where FFHQ has its faces.
    pub crop: bool,
    /// Distances outside these two percentiles are dropped before averaging.
    pub percentiles: [f64; 2],
}

impl PathLength {
    /// 100,000 pairs, epsilon 1e-4, no crop, percentiles 1 and 99.
    pub fn new(space: Space, sampling: Sampling) -> Self {
        Self { space, sampling, pairs: 100_000, epsilon: 1e-4, crop: false, percentiles: [1., 99.] }
    }

    /// The perceptual distance of every pair, in order; [`Self::lengths`] makes path lengths of them.
    ///
    /// Both pictures of a pair share label and noise; noise is drawn per pair. Pair `i` depends on
    /// `seed` and `i` alone. `labels` are drawn from uniformly where the generator is conditional;
    /// `progress` is told `(done, total)` in pairs.
    ///
    /// # Errors
    /// A generator and labels that do not fit, or distances that are not finite.
    pub fn distances(
        &self,
        generator: &dyn Generator,
        distance: &dyn PerceptualDistance,
        labels: &[Vec<f32>],
        seed: u64,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<f32>> {
        self.check()?;
        let [h, w] = generator.img_size();
        let chunk = (CHUNK * 64 * 64 / (h * w).max(1)).clamp(1, CHUNK);
        let mut distances = Vec::with_capacity(self.pairs);
        while distances.len() < self.pairs {
            let first = distances.len();
            // A last chunk of full size keeps every chunk on the same kernels.
            let indices: Vec<u64> = (first..first + chunk).map(|i| i as u64).collect();
            let [a, b] = self.pictures(generator, labels, seed, &indices)?;
            let d = distance.distance(&a, &b)?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
            for (i, d) in d.into_iter().enumerate().take(self.pairs - first) {
                if !d.is_finite() {
                    let set = "generated set".into();
                    return Err(Error::NotFinite { what: "distances", unit: "pair", index: first + i, set });
                }
                distances.push(d);
            }
            progress(distances.len(), self.pairs);
        }
        Ok(distances)
    }

    /// `distance / epsilon^2` of each pair.
    pub fn lengths(&self, distances: &[f32]) -> Vec<f64> {
        distances.iter().map(|d| f64::from(*d) / self.epsilon.powi(2)).collect()
    }

    /// The two pictures of each pair, `[n, 3, h, w]`, ready for the distance.
    fn pictures(
        &self,
        generator: &dyn Generator,
        labels: &[Vec<f32>],
        seed: u64,
        indices: &[u64],
    ) -> Result<[Tensor; 2]> {
        let (n, key) = (indices.len(), StreamKey::new(seed, PURPOSE, 0));
        let device = candle_core::Device::Cpu;
        let z = |lane| key.normal_rows(indices, lane, &[generator.z_dim()], DType::F32, &device);
        let t: Vec<f64> = match self.sampling {
            Sampling::Full => indices.iter().map(|&i| key.stream(i, 2).uniform()).collect(),
            Sampling::End => vec![0.; n],
        };
        let step: Vec<f64> = t.iter().map(|t| t + self.epsilon).collect();
        let c = label_rows(generator, labels, &key, indices, 3)?;
        let (z0, z1) = (z(0)?, z(1)?);
        let map = |z: &Tensor| generator.mapping(z, c.as_ref());
        let (w0, w1) = match self.space {
            Space::Z => (map(&slerp(&z0, &z1, &t)?)?, map(&slerp(&z0, &z1, &step)?)?),
            Space::W => {
                let (w0, w1) = (map(&z0)?, map(&z1)?);
                (lerp(&w0, &w1, &t)?, lerp(&w0, &w1, &step)?)
            }
        };
        let noise =
            NoiseKeys::new(StreamKey::new(seed, "path length noise", 0), indices.iter().chain(indices).copied());
        let ws = broadcast_ws(&Tensor::cat(&[w0, w1], 0)?, generator.num_ws())?;
        let images = generator.synthesis(&ws, &Synthesis::with_noise(NoiseMode::Random(&noise)))?;
        let mut images = three_channels(&images, 0, "generated set")?.to_dtype(DType::F32)?;
        if self.crop {
            let (_, _, h, w) = images.dims4()?;
            images = images.narrow(2, h * 3 / 8, h * 7 / 8 - h * 3 / 8)?.narrow(3, w / 4, w * 3 / 4 - w / 4)?;
        }
        let (_, _, h, w) = images.dims4()?;
        let images = box_downscale(&images, box_factor(h, w, DISTANCE_SIDE))?;
        Ok([images.narrow(0, 0, n)?, images.narrow(0, n, n)?])
    }

    /// The filtered mean of `lengths` and its bootstrap interval.
    ///
    /// ```
    /// use stylegan_metrics::path_length::{PathLength, Sampling, Space};
    ///
    /// let mut lengths: Vec<f64> = (0..101).map(f64::from).collect();
    /// lengths[100] = 1e9; // one outlier is dropped
    /// let (value, interval) = PathLength::new(Space::W, Sampling::End).summary(&lengths, 0)?;
    /// assert_eq!(value, 50.);
    /// assert!(interval.low < 50. && interval.high > 50.);
    /// # Ok::<(), stylegan_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than 2 lengths, or percentiles out of order.
    pub fn summary(&self, lengths: &[f64], seed: u64) -> Result<(f64, Interval)> {
        self.check()?;
        if lengths.len() < 2 {
            let (metric, set) = ("ppl".into(), "generated set".into());
            return Err(Error::TooFew { metric, set, needed: 2, found: lengths.len() });
        }
        let mut sorted = lengths.to_vec();
        sorted.sort_by(f64::total_cmp);
        let statistic = |counts: &[u32]| self.filtered_mean(&sorted, counts);
        let value = statistic(&vec![1; sorted.len()]);
        Ok((value, bootstrap(&sorted, &StreamKey::new(seed, "path length bootstrap", 0), statistic)))
    }

    /// Mean of the values between the two percentiles, both included: the lower percentile is taken
    /// at the rank below, the higher one at the rank above. Value `i` of `sorted` occurs `counts[i]`
    /// times.
    fn filtered_mean(&self, sorted: &[f64], counts: &[u32]) -> f64 {
        let last = counts.iter().map(|c| u64::from(*c)).sum::<u64>().saturating_sub(1) as f64;
        let rank = |p: f64, up: bool| {
            let exact = p / 100. * last;
            let rank = (if up { exact.ceil() } else { exact.floor() }) as u64;
            let mut seen = 0;
            let at = counts.iter().position(|&c| {
                seen += u64::from(c);
                seen > rank
            });
            sorted[at.unwrap_or(sorted.len() - 1)]
        };
        let (low, high) = (rank(self.percentiles[0], false), rank(self.percentiles[1], true));
        let kept = sorted.iter().zip(counts).filter(|(v, _)| (low..=high).contains(*v));
        let (sum, n) = kept.fold((0., 0.), |(s, n), (v, &c)| (s + v * f64::from(c), n + f64::from(c)));
        sum / n
    }

    fn check(&self) -> Result<()> {
        let wrong = |parameter, found: String, expected| Err(Error::Parameter { parameter, found, expected });
        let [low, high] = self.percentiles;
        if !(0. ..=100.).contains(&low) || !(low..=100.).contains(&high) {
            return wrong("percentiles of ppl", format!("[{low}, {high}]"), "two numbers in order within [0, 100]");
        }
        if !(self.epsilon > 0. && self.epsilon <= 1.) {
            return wrong("epsilon of ppl", self.epsilon.to_string(), "a number in (0, 1]");
        }
        Ok(())
    }
}

/// Labels `[n, c_dim]` drawn uniformly from `labels`, nothing for an unconditional generator.
pub(crate) fn label_rows(
    generator: &dyn Generator,
    labels: &[Vec<f32>],
    key: &StreamKey,
    indices: &[u64],
    lane: u64,
) -> Result<Option<Tensor>> {
    let c_dim = generator.c_dim();
    if c_dim == 0 {
        return Ok(None);
    }
    if labels.is_empty() || labels.iter().any(|l| l.len() != c_dim) {
        let found = match labels.iter().find(|l| l.len() != c_dim) {
            Some(label) => format!("is conditional, a label of length {} was given", label.len()),
            None => "is conditional, no labels were given".into(),
        };
        return Err(Error::Generator { found, expected: format!("labels of length {c_dim}") });
    }
    let rows: Vec<f32> = indices
        .iter()
        .flat_map(|&i| labels[key.stream(i, lane).below(labels.len() as u64) as usize].iter().copied())
        .collect();
    Ok(Some(Tensor::from_vec(rows, (indices.len(), c_dim), &candle_core::Device::Cpu)?))
}
