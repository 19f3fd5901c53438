//! Perceptual path length (Karras et al. 2019, section 4.1): how much a picture changes, per squared
//! step, when its latent moves by a small step.

use crate::feature_table::FeatureTable;
use crate::features::{NetworkId, PerceptualDistance, box_downscale, box_factor};
use crate::generator_source::{GeneratorSource, label_rows};
use crate::images::three_channels;
use crate::interval::{Estimate, bootstrap};
use crate::metric::{Context, Direction, GeneratorMetric, GeneratorNumbers, Metric, Needs, Number, SubjectKind};
use crate::{Error, Result};
use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use stylegan_core::latent::{StreamKey, lerp, slerp};
use stylegan_core::{Condition, Generator, NoiseSource, Sampler, broadcast_ws};

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

    /// The perceptual distance of the pairs of these numbers, in order; [`Self::lengths`] makes path
    /// lengths of them.
    ///
    /// Both pictures of a pair share label and noise; noise is drawn per pair. Pair `i` depends on
    /// `seed` and `i` alone. `labels` are drawn from uniformly where the generator is conditional;
    /// `progress` is told how many pairs are done.
    ///
    /// # Errors
    /// A generator and labels that do not fit, or distances that are not finite.
    pub fn distances(
        &self,
        generator: &dyn Generator,
        distance: &dyn PerceptualDistance,
        labels: &[Vec<f32>],
        seed: u64,
        pairs: Range<usize>,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<f32>> {
        self.check()?;
        let chunk = Sampler::new(generator).batch_size(CHUNK * 64 * 64, CHUNK);
        let mut distances = Vec::with_capacity(pairs.len());
        while distances.len() < pairs.len() {
            let first = pairs.start + distances.len();
            // A last chunk of full size keeps every chunk on the same kernels.
            let indices: Vec<u64> = (first..first + chunk).map(|i| i as u64).collect();
            let [a, b] = self.pictures(generator, labels, seed, &indices)?;
            let d = distance.distance(&a, &b)?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
            for (i, d) in d.into_iter().enumerate().take(pairs.end - first) {
                if !d.is_finite() {
                    let set = "generated set".into();
                    return Err(Error::NotFinite { what: "distances", unit: "pair", index: first + i, set });
                }
                distances.push(d);
            }
            progress(distances.len());
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
        let noise = NoiseSource::Random(StreamKey::new(seed, "path length noise", 0));
        let sampler = Sampler { noise, ..Sampler::new(generator) };
        let t: Vec<f64> = match self.sampling {
            Sampling::Full => indices.iter().map(|&i| key.stream(i, 2).uniform()).collect(),
            Sampling::End => vec![0.; n],
        };
        let step: Vec<f64> = t.iter().map(|t| t + self.epsilon).collect();
        let c = label_rows(generator, labels, &key, indices, 3)?;
        let (z0, z1) = (sampler.latents(&key, indices, 0)?, sampler.latents(&key, indices, 1)?);
        let condition = Condition::from(c.as_ref());
        let map = |z: &Tensor| generator.mapping(z, condition);
        let (w0, w1) = match self.space {
            Space::Z => (map(&slerp(&z0, &z1, &t)?)?, map(&slerp(&z0, &z1, &step)?)?),
            Space::W => {
                let (w0, w1) = (map(&z0)?, map(&z1)?);
                (lerp(&w0, &w1, &t)?, lerp(&w0, &w1, &step)?)
            }
        };
        let ws = broadcast_ws(&Tensor::cat(&[w0, w1], 0)?, generator.spec().num_ws)?;
        let images = sampler.images(&ws, Condition::None, &[indices, indices].concat())?;
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
    /// let found = PathLength::new(Space::W, Sampling::End).summary(&lengths, 0)?;
    /// assert_eq!(found.value, 50.);
    /// assert!(found.interval.low < 50. && found.interval.high > 50.);
    /// # Ok::<(), stylegan_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than 2 lengths, or percentiles out of order.
    pub fn summary(&self, lengths: &[f64], seed: u64) -> Result<Estimate> {
        self.check()?;
        if lengths.len() < 2 {
            let (metric, set) = ("ppl".into(), "generated set".into());
            return Err(Error::TooFew { metric, set, needed: 2, found: lengths.len() });
        }
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by(|a, b| lengths[*a].total_cmp(&lengths[*b]));
        let sorted: Vec<f64> = order.iter().map(|i| lengths[*i]).collect();
        // Draws are of pairs by their number, so that two networks are drawn alike.
        let statistic = |counts: &[u32]| {
            let counts: Vec<u32> = order.iter().map(|i| counts[*i]).collect();
            self.filtered_mean(&sorted, &counts)
        };
        Ok(bootstrap(lengths.len(), &StreamKey::new(seed, "path length bootstrap", 0), statistic))
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

impl Metric for PathLength {
    fn name(&self) -> &'static str {
        match (self.space, self.sampling) {
            (Space::Z, Sampling::Full) => "ppl_zfull",
            (Space::W, Sampling::Full) => "ppl_wfull",
            (Space::Z, Sampling::End) => "ppl_zend",
            (Space::W, Sampling::End) => "ppl_wend",
        }
    }

    fn needs(&self) -> Needs {
        let subject = match self.space {
            Space::Z => SubjectKind::Generator,
            Space::W => SubjectKind::Mapping,
        };
        Needs { subject, ..Needs::images(2) }
    }
}

impl GeneratorMetric for PathLength {
    fn measure(&self, name: &str, source: &GeneratorSource, context: &mut Context) -> Result<Option<GeneratorNumbers>> {
        let missing = || Error::Missing { metric: name.into(), missing: "a perceptual distance" };
        let network = context.networks.distance(context.published).ok_or_else(missing)?;
        // Pairs are the same whatever their number.
        let asked = format!("{:?}", PathLength { pairs: 0, ..self.clone() });
        let labels = format!("{:?}", source.labels);
        let (seed, config) = (context.seed.to_string(), source.network());
        let identity =
            |hash| ["path lengths", hash, &config, &asked, &labels, &seed, network.hash(), network.definition()];
        let identity = source.hash.map(identity);
        let stage = format!("pairs of {name}");
        let distances = context.makers.in_parts(identity.as_ref().map(|i| &i[..]), self.pairs, &mut |part| {
            let start = part.start;
            let mut tell = |done| (context.progress)(&stage, start + done, self.pairs);
            let distances = self.distances(source.generator, network, source.labels, context.seed, part, &mut tell)?;
            FeatureTable::new(distances, 1)
        })?;
        let Some(distances) = distances else { return Ok(None) };
        let estimate = self.summary(&self.lengths(distances.rows()), context.seed)?;
        Ok(Some(GeneratorNumbers {
            network: NetworkId::new(network.name(), network.hash(), network.definition()),
            generated: distances.len(),
            numbers: vec![Number::new(name, estimate, "distance per squared step", Direction::Smaller)],
        }))
    }

    fn draws_plainly(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_data::{Linear, Pixels, on_one_thread};
    use stylegan_core::ConditionSpec;

    fn measure(ppl: &PathLength, generator: &Linear) -> Vec<f64> {
        let mut told = 0;
        let distances = ppl.distances(generator, &Pixels, &[], 3, 0..ppl.pairs, &mut |done| {
            assert!(done > told && done <= ppl.pairs);
            told = done;
        });
        ppl.lengths(&distances.unwrap())
    }

    fn ends(generator: &Linear, i: u64) -> [Vec<f64>; 2] {
        let z = |lane| StreamKey::new(3, PURPOSE, 0).stream(i, lane).normals_f32(generator.spec().z_dim);
        [z(0), z(1)].map(|z| z.into_iter().map(f64::from).collect())
    }

    /// Of a linear generator the path length in W is `scale^2 |w1 - w0|^2 / pixels` wherever the step
    /// is taken. Steps of 1/8 keep the f32 rounding of differences at 1e-5.
    #[test]
    fn linear_generator_in_w() {
        let generator = Linear { scale: 3., ..Linear::new(4, 6) };
        for sampling in [Sampling::End, Sampling::Full] {
            let ppl = PathLength { pairs: 21, epsilon: 0.125, ..PathLength::new(Space::W, sampling) };
            for (i, found) in measure(&ppl, &generator).into_iter().enumerate() {
                let [a, b] = ends(&generator, i as u64);
                let expected = 9. * a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 72.;
                assert!((found / expected - 1.).abs() < 1e-5, "pair {i}: found {found}, expected {expected}");
            }
        }
    }

    /// In Z the path is an arc of the unit sphere: a step spans `epsilon` of the angle between the
    /// ends, and its chord is `2 sin(angle epsilon / 2)`.
    #[test]
    fn linear_generator_in_z() {
        let generator = Linear::new(5, 3);
        let ppl = PathLength { pairs: 9, epsilon: 0.125, ..PathLength::new(Space::Z, Sampling::Full) };
        for (i, found) in measure(&ppl, &generator).into_iter().enumerate() {
            let [a, b] = ends(&generator, i as u64);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let angle = (dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()).acos();
            let expected = (2. * (angle * 0.0625).sin() / 0.125).powi(2) / 45.;
            assert!((found / expected - 1.).abs() < 1e-5, "pair {i}: found {found}, expected {expected}");
        }
    }

    /// The two pictures of a pair share their noise: it cancels in the distance.
    #[test]
    fn noise_is_shared() {
        let ppl = PathLength { pairs: 5, epsilon: 0.125, ..PathLength::new(Space::W, Sampling::End) };
        let (quiet, noisy) = (Linear::new(4, 4), Linear { noise: 1., ..Linear::new(4, 4) });
        for (a, b) in measure(&ppl, &quiet).iter().zip(measure(&ppl, &noisy)) {
            // Noise only moves f32 rounding.
            assert!((a / b - 1.).abs() < 1e-4, "{a} {b}");
        }
    }

    /// The crop keeps rows 3/8 to 7/8 and columns 2/8 to 6/8, and grey pictures become RGB.
    #[test]
    fn crop_and_grey() {
        let generator = Linear::with(1, 8, 8, ConditionSpec::None);
        let ppl = PathLength { pairs: 3, epsilon: 0.125, crop: true, ..PathLength::new(Space::W, Sampling::End) };
        for (i, found) in measure(&ppl, &generator).into_iter().enumerate() {
            let [a, b] = ends(&generator, i as u64);
            let kept = (3..7).flat_map(|y| (2..6).map(move |x| 8 * y + x));
            let expected = kept.map(|p| (a[p] - b[p]).powi(2)).sum::<f64>() / 16.;
            assert!((found / expected - 1.).abs() < 1e-5);
        }
    }

    /// Fewer pairs are a prefix of more, on any number of threads.
    #[test]
    fn pairs_stand_alone() {
        let generator = Linear::new(4, 4);
        let ppl = |pairs| PathLength { pairs, ..PathLength::new(Space::W, Sampling::Full) };
        let all = measure(&ppl(20), &generator);
        assert_eq!(measure(&ppl(11), &generator), all[..11]);
        assert_eq!(on_one_thread(|| measure(&ppl(20), &generator)), all);
        let rest = ppl(20).distances(&generator, &Pixels, &[], 3, 11..20, &mut |_| ()).unwrap();
        assert_eq!(ppl(20).lengths(&rest), all[11..]);
    }

    #[test]
    fn what_goes_wrong() {
        let ppl = PathLength { pairs: 10, ..PathLength::new(Space::W, Sampling::End) };
        let run = |ppl: &PathLength, g: &Linear| {
            ppl.distances(g, &Pixels, &[vec![1.]], 0, 0..10, &mut |_| ()).unwrap_err().to_string()
        };
        let broken = Linear { scale: f64::NAN, ..Linear::new(4, 4) };
        assert!(run(&ppl, &broken).contains("distances of pair 0 of the generated set are not finite"));
        let conditional = Linear::with(3, 4, 4, ConditionSpec::label(2));
        assert!(run(&ppl, &conditional).contains("a label of length 1 was given, expected labels of length 2"));
        let backwards = PathLength { percentiles: [99., 1.], ..ppl.clone() };
        assert!(run(&backwards, &Linear::new(4, 4)).contains("percentiles of ppl is [99, 1]"));
        assert!(run(&PathLength { epsilon: 0., ..ppl.clone() }, &Linear::new(4, 4)).contains("epsilon"));
        assert!(ppl.summary(&[1.], 0).unwrap_err().to_string().contains("at least 2 samples"));
    }

    /// Bootstrap intervals of skewed lengths hold the mean over many runs.
    #[test]
    fn intervals_cover() {
        let ppl = PathLength::new(Space::W, Sampling::End);
        let runs: Vec<Estimate> = (0..60)
            .map(|r| {
                let mut stream = StreamKey::new(r, "test lengths", 0).stream(0, 0);
                ppl.summary(&(0..200).map(|_| stream.normal().exp()).collect::<Vec<_>>(), r).unwrap()
            })
            .collect();
        let truth = runs.iter().map(|r| r.value).sum::<f64>() / 60.;
        let covered = runs.iter().filter(|r| r.interval.low <= truth && truth <= r.interval.high).count();
        println!("ppl intervals cover {covered} of 60");
        // 95 % less four standard deviations of chance (2.8 %).
        assert!(covered >= 50, "{covered} of 60");
    }
}
