//! Sliced Wasserstein distance between patches of Laplacian pyramids (Karras et al. 2018, progressive
//! growing, section 5): how alike two sets of pictures look at each scale.

use crate::extractor::{Extractor, PIXELS, Place};
use crate::feature_table::FeatureTable;
use crate::features::{FeatureNetworks, NetworkId};
use crate::images::three_channels;
use crate::interval::{Estimate, GROUPS, Resamples};
use crate::metric::{Counts, Direction, Metric, Needs, Number, RealsRole, SetMetric, Sets};
use crate::{Error, Result};
use candle_core::Tensor;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stylegan_core::latent::StreamKey;

/// The smallest level.
const BASE: usize = 16;
/// Directions that intervals are made of. What they say of the scatter between samples is nearly the same
/// in each.
const INTERVAL_DIRECTIONS: usize = 32;

/// Parameters of the measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlicedWasserstein {
    /// Patches of each picture and level.
    pub patches: usize,
    /// Side of a patch, in pixels.
    pub side: usize,
    /// Random directions that patches are projected on.
    pub directions: usize,
}

impl Default for SlicedWasserstein {
    /// 128 patches of 7x7 pixels, 512 directions, as published (with 16,384 pictures).
    fn default() -> Self {
        Self { patches: 128, side: 7, directions: 512 }
    }
}

/// The distances of two sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Distances {
    /// The height of each level and the distance there, the finest first.
    pub levels: Vec<(usize, Estimate)>,
    /// Their mean.
    pub mean: Estimate,
}

impl SlicedWasserstein {
    /// Cuts patches out of images `[n, 3, h, w]` in [-1, 1], of which the first has the number `first` in its
    /// set. Where they lie depends on `seed` and the picture's number alone. A row for each picture: its
    /// levels, the finest first, its patches, `[3, side, side]`.
    ///
    /// # Errors
    /// Parameters of 0, or pictures with a side below 16.
    pub fn patches(&self, images: &Tensor, first: u64, seed: u64) -> Result<Vec<f32>> {
        self.check()?;
        let images = &three_channels(images, first as usize, "set")?;
        let key = StreamKey::new(seed, "wasserstein patches", 0);
        let pyramid = laplacian(images)?;
        let planes = pyramid.iter().map(|level| Ok(level.flatten_all()?.to_vec1::<f32>()?));
        let planes = planes.collect::<Result<Vec<_>>>()?;
        let mut rows = Vec::with_capacity(images.dim(0)? * pyramid.len() * self.patches * self.width());
        for i in 0..images.dim(0)? {
            for (level, (x, values)) in pyramid.iter().zip(&planes).enumerate() {
                let (_, _, h, w) = x.dims4()?;
                let mut stream = key.stream(first + i as u64, level as u64);
                for _ in 0..self.patches {
                    let mut below = |n: usize| stream.below((n - self.side + 1) as u64) as usize;
                    let (top, left) = (below(h), below(w));
                    for c in 0..3 {
                        for y in top..top + self.side {
                            rows.extend(&values[((i * 3 + c) * h + y) * w + left..][..self.side]);
                        }
                    }
                }
            }
        }
        Ok(rows)
    }

    /// The distances, times 1000 as published, of two tables of [`Self::patches`] of pictures of height and
    /// width `size`. Each channel of a set's patches is brought to mean 0 and deviation 1 first.
    ///
    /// Intervals leave out the same group of both sets at a time, so that they stay of equal size: as the
    /// sets are independent, the variances of both are in it.
    ///
    /// # Errors
    /// Sets of different sizes or counts, or fewer than `2 * GROUPS` pictures.
    pub fn compare(&self, real: &FeatureTable, fake: &FeatureTable, size: [usize; 2], seed: u64) -> Result<Distances> {
        self.check()?;
        fake.check_like(real)?;
        let heights = heights(size)?;
        let row = self.patches * self.width();
        let parameter = |parameter, found: String, expected| Err(Error::Parameter { parameter, found, expected });
        if real.dim() != heights.len() * row {
            let found = format!("{} numbers for {} levels", real.dim(), heights.len());
            return parameter("row of patches", found, "the patches of all levels of pictures of this size");
        }
        if real.len() != fake.len() {
            let (left, right) = (format!("{} pictures", fake.len()), format!("{}", real.len()));
            return Err(Error::Mismatch { what: "size of the sets of swd", left, right });
        }
        real.check_count("swd", "real set", 2 * GROUPS)?;
        let mut levels = Vec::new();
        for (level, height) in heights.into_iter().enumerate() {
            let key = StreamKey::new(seed, "wasserstein directions", level as u64);
            let few = self.directions.min(INTERVAL_DIRECTIONS);
            let distance = |without: Option<usize>| {
                let of = |samples: &FeatureTable| {
                    let kept = (0..samples.len()).filter(|i| without != Some(i % GROUPS));
                    kept.flat_map(|i| samples.row(i)[level * row..][..row].iter().copied()).collect::<Vec<f32>>()
                };
                let (a, b) = (normalised(of(real), self.width()), normalised(of(fake), self.width()));
                let all = if without.is_some() { few } else { self.directions };
                let distances: Vec<f64> =
                    (0..all).into_par_iter().map(|d| along(&direction(&key, d, self.width()), &a, &b)).collect();
                1000. * distances.iter().sum::<f64>() / all as f64
            };
            let without = (0..GROUPS).map(|g| distance(Some(g))).collect();
            levels.push((height, estimate(distance(None), without)));
        }
        let mean = |value: &dyn Fn(&Estimate) -> f64| {
            levels.iter().map(|(_, level)| value(level)).sum::<f64>() / levels.len() as f64
        };
        let without = |g: usize| {
            mean(&|level| match &level.resamples {
                Resamples::Jackknife { generated, .. } => generated[g],
                Resamples::Bootstrap(_) => f64::NAN,
            })
        };
        let mean = estimate(mean(&|level| level.value), (0..GROUPS).map(without).collect());
        Ok(Distances { levels, mean })
    }

    /// Numbers of a patch.
    fn width(&self) -> usize {
        3 * self.side * self.side
    }

    fn check(&self) -> Result<()> {
        if self.patches == 0 || self.directions == 0 || !(1..=BASE).contains(&self.side) {
            return Err(Error::Parameter {
                parameter: "patches, side and directions of swd",
                found: format!("{}, {} and {}", self.patches, self.side, self.directions),
                expected: "at least 1, from 1 to 16, and at least 1",
            });
        }
        Ok(())
    }
}

fn estimate(value: f64, without: Vec<f64>) -> Estimate {
    Estimate::jackknife(value, vec![], without, [0., f64::INFINITY])
}

/// A random unit vector.
fn direction(key: &StreamKey, number: usize, dim: usize) -> Vec<f64> {
    let mut stream = key.stream(number as u64, 0);
    let direction: Vec<f64> = (0..dim).map(|_| stream.normal()).collect();
    let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    direction.into_iter().map(|x| x / length).collect()
}

/// The Wasserstein distance of equally many rows, projected on a direction.
fn along(direction: &[f64], a: &[f32], b: &[f32]) -> f64 {
    let project = |rows: &[f32]| {
        let dot = |row: &[f32]| row.iter().zip(direction).map(|(x, d)| f64::from(*x) * d).sum::<f64>();
        let mut all: Vec<f64> = rows.chunks_exact(direction.len()).map(dot).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    };
    let (a, b) = (project(a), project(b));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() / a.len() as f64
}

/// Rows of `dim` with each third (channel) at mean 0 and deviation 1 over all of them.
fn normalised(mut rows: Vec<f32>, dim: usize) -> Vec<f32> {
    let (third, n) = (dim / 3, (rows.len() / 3) as f64);
    for c in 0..3 {
        let channel = || rows.chunks_exact(dim).flat_map(|row| &row[c * third..][..third]).map(|x| f64::from(*x));
        let mean = channel().sum::<f64>() / n;
        let deviation = (channel().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt().max(f64::MIN_POSITIVE);
        for row in rows.chunks_exact_mut(dim) {
            row[c * third..][..third].iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) / deviation) as f32);
        }
    }
    rows
}

/// Heights of the levels of pictures of height and width `size`: halves, as long as both sides are even and
/// the smaller one stays at [`BASE`] or more.
fn heights([h, w]: [usize; 2]) -> Result<Vec<usize>> {
    if h.min(w) < BASE {
        let (left, right) = (format!("{w}x{h} pixels"), format!("{BASE}x{BASE} as its smallest level"));
        return Err(Error::Mismatch { what: "size of pictures and of the pyramid", left, right });
    }
    let halves = std::iter::successors(Some([h, w]), |&[h, w]| {
        (h.min(w) >= 2 * BASE && h.is_multiple_of(2) && w.is_multiple_of(2)).then_some([h / 2, w / 2])
    });
    Ok(halves.map(|[h, _]| h).collect())
}

/// The Laplacian pyramid of `x` `[n, 3, h, w]`.
fn laplacian(x: &Tensor) -> Result<Vec<Tensor>> {
    let (n, _, h, w) = x.dims4()?;
    let (mut levels, mut x) = (vec![], x.clone());
    for _ in 1..heights([h, w])?.len() {
        let (_, _, h, w) = x.dims4()?;
        let smaller = blurred(&x)?.reshape(((), h / 2, 2, w / 2, 2))?.narrow(2, 0, 1)?.narrow(4, 0, 1)?;
        let smaller = smaller.contiguous()?.reshape((n, 3, h / 2, w / 2))?;
        levels.push((&x - enlarged(&smaller)?)?);
        x = smaller;
    }
    levels.push(x);
    Ok(levels)
}

/// Twice the size: zeros between the pixels, blurred, times 4.
fn enlarged(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let pixels = x.reshape((n * c, h, 1, w, 1))?;
    let spread = pixels.pad_with_zeros(4, 0, 1)?.pad_with_zeros(2, 0, 1)?.reshape((n, c, 2 * h, 2 * w))?;
    Ok((blurred(&spread)? * 4.)?)
}

/// Binomial 5x5 blur; the picture is mirrored at its edges, without repeating them.
fn blurred(x: &Tensor) -> Result<Tensor> {
    let mut x = x.contiguous()?;
    for dim in [2, 3] {
        let n = x.dim(dim)? as i64;
        let shifted = |by: i64| {
            let index: Vec<u32> = (0..n)
                .map(|i| i + by)
                .map(|i| if i < 0 { -i } else if i >= n { 2 * n - 2 - i } else { i } as u32)
                .collect();
            x.index_select(&Tensor::new(index, x.device())?, dim)
        };
        let outer = ((shifted(-2)? + shifted(2)?)? * (1. / 16.))?;
        let inner = ((shifted(-1)? + shifted(1)?)? * (4. / 16.))?;
        x = (((&x * (6. / 16.))? + inner)? + outer)?;
    }
    Ok(x)
}

/// Parameters of the metric: sets, patches and directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swd {
    /// Sizes of the two sets, which are cut to the smaller one.
    pub counts: Counts,
    /// Patches and directions.
    pub swd: SlicedWasserstein,
}

impl Metric for Swd {
    fn name(&self) -> &'static str {
        "swd"
    }

    fn needs(&self) -> Needs {
        Needs { reals: RealsRole::Compared, equal_sets: true, side: BASE, ..Needs::images(2 * GROUPS) }
    }
}

impl SetMetric for Swd {
    fn extractor<'a>(
        &'a self,
        _networks: &'a FeatureNetworks,
        _published: &str,
        seed: u64,
    ) -> std::result::Result<Box<dyn Extractor + 'a>, &'static str> {
        Ok(Box::new(Patches { swd: &self.swd, seed }))
    }

    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>> {
        let missing = || Error::Missing { metric: name.into(), missing: "images" };
        let size = sets.size.ok_or_else(missing)?;
        let all = self.swd.compare(sets.real(name)?, sets.generated, size, sets.seed)?;
        let number = |name, estimate| Number::new(name, estimate, "thousandths of deviations", Direction::Smaller);
        let levels = all.levels.into_iter().map(|(height, level)| number(format!("{name}_{height}"), level));
        Ok([number(name.to_owned(), all.mean)].into_iter().chain(levels).collect())
    }
}

/// A row of patches of each image, drawn from a seed.
struct Patches<'a> {
    swd: &'a SlicedWasserstein,
    seed: u64,
}

impl Extractor for Patches<'_> {
    fn id(&self) -> NetworkId {
        let SlicedWasserstein { patches, side, directions: _ } = self.swd;
        let seed = self.seed;
        let definition = format!(
            "{patches} patches of {side}x{side} pixels of each level of each picture's Laplacian pyramid, at places \
             drawn from seed {seed}"
        );
        NetworkId::new(PIXELS, "", &definition)
    }

    fn rows(&self, chunk: &Tensor, place: &Place, _waiting: &mut Option<Tensor>) -> Result<Vec<f32>> {
        self.swd.patches(&chunk.narrow(0, 0, place.n)?, place.first as u64, self.seed)
    }

    /// Patches are many times larger than their images.
    fn worth_keeping(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{DType, Device};

    /// The table of `n` pictures of 64x32 pixels of `f(normal number, column)`.
    fn set(seed: u64, n: usize, f: impl Fn(f64, usize) -> f64) -> FeatureTable {
        let mut stream = StreamKey::new(seed, "test pictures", 0).stream(0, 0);
        let values: Vec<f32> = (0..n * 3 * 64 * 32).map(|i| f(stream.normal(), i % 32) as f32).collect();
        let images = Tensor::from_vec(values, (n, 3, 64, 32), &Device::Cpu).unwrap();
        let rows = swd().patches(&images, 0, 0).unwrap();
        FeatureTable::new(rows.clone(), rows.len() / n).unwrap()
    }

    fn swd() -> SlicedWasserstein {
        SlicedWasserstein { patches: 8, directions: 64, ..SlicedWasserstein::default() }
    }

    fn levels(a: &FeatureTable, b: &FeatureTable) -> Vec<(usize, f64)> {
        let found = swd().compare(a, b, [64, 32], 0).unwrap();
        let mean = found.levels.iter().map(|(_, level)| level.value).sum::<f64>() / 2.;
        assert!((found.mean.value - mean).abs() < 1e-12);
        found.levels.into_iter().map(|(height, level)| (height, level.value)).collect()
    }

    /// A set against itself is at 0, against another of its kind near 0, and stripes of two pixels show at
    /// the finest level most.
    #[test]
    fn scales() {
        let noise = |seed| set(seed, 48, |z, _| 0.3 * z);
        let against = |other: &FeatureTable| levels(&noise(1), other);
        assert_eq!(against(&noise(1)), [(64, 0.), (32, 0.)]);
        let near = against(&noise(2));
        let striped = against(&set(3, 48, |z, x| 0.3 * z + if x % 2 == 0 { 0.5 } else { -0.5 }));
        // 384 patches of a normal distribution lie about 1.6 / sqrt(384) apart, times 1000.
        assert!(near.iter().all(|(_, d)| *d < 120.), "{near:?}");
        assert!(striped[0].1 > 3. * near[0].1 && striped[1].1 < 3. * near[1].1, "{near:?} {striped:?}");
    }

    /// Brightness and contrast of a channel make no difference.
    #[test]
    fn normalised_channels() {
        let (one, two) = (set(1, 40, |z, _| z), set(1, 40, |z, _| 0.1 * z + 0.4));
        for (_, distance) in levels(&one, &two) {
            // f32 rounding of values about 0.4 with deviation 0.1.
            assert!(distance < 1e-2, "{distance}");
        }
    }

    /// A pyramid adds up to the picture: the levels of a smooth ramp are nearly nothing but the last.
    #[test]
    fn pyramid() {
        let ramp = Tensor::from_vec((0..3 * 64 * 64).map(|i| (i % 64) as f32).collect(), (1, 3, 64, 64), &Device::Cpu);
        let levels = laplacian(&ramp.unwrap()).unwrap();
        assert_eq!(levels.iter().map(|l| l.dims()[2]).collect::<Vec<_>>(), [64, 32, 16]);
        let inner = levels[0].narrow(3, 8, 48).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(inner < 1e-4, "{inner}");
        assert!(laplacian(&Tensor::zeros((1, 3, 8, 8), DType::F32, &Device::Cpu).unwrap()).is_err());
    }

    /// Patches of a picture do not depend on those read with it.
    #[test]
    fn patches_stand_alone() {
        let values: Vec<f32> = (0..3 * 3 * 32 * 32).map(|i| (i * 7919 % 1009) as f32 / 1009.).collect();
        let images = Tensor::from_vec(values, (3, 3, 32, 32), &Device::Cpu).unwrap();
        let all = swd().patches(&images, 5, 1).unwrap();
        let last = swd().patches(&images.narrow(0, 2, 1).unwrap(), 7, 1).unwrap();
        assert_eq!(all[2 * last.len()..], last);
    }

    #[test]
    fn unfit_sets() {
        let message = |a: &FeatureTable, b: &FeatureTable, size| swd().compare(a, b, size, 0).unwrap_err().to_string();
        let (few, some, many) = (set(1, 39, |z, _| z), set(1, 40, |z, _| z), set(1, 41, |z, _| z));
        assert!(message(&many, &some, [64, 32]).contains("size of the sets of swd: the first has 40 pictures"));
        assert!(message(&few, &few, [64, 32]).contains("needs at least 40 samples"));
        assert!(message(&some, &some, [64, 64]).contains("row of patches"));
        let none = SlicedWasserstein { directions: 0, ..swd() };
        assert!(none.compare(&some, &some, [64, 32], 0).unwrap_err().to_string().contains("directions of swd"));
    }

    /// 60 pairs of sets: the 95 % intervals hold the mean of the metric over all pairs, four standard
    /// deviations of chance (2.8 %) allowed downwards.
    #[test]
    fn intervals_cover() {
        let swd = SlicedWasserstein { patches: 4, side: 3, directions: 8 };
        // Pictures differ by how much of a pattern they hold.
        let table = |seed: u64, most: f64| {
            let mut stream = StreamKey::new(seed, "test coverage", 0).stream(0, 0);
            let values: Vec<f32> = (0..60)
                .flat_map(|_| {
                    let (strength, level) = (most * stream.normal(), 0.5 * stream.normal());
                    (0..3 * 16 * 16).map(move |i| (level + if i % 2 == 0 { strength } else { 0. }) as f32)
                })
                .collect();
            let images = Tensor::from_vec(values, (60, 3, 16, 16), &Device::Cpu).unwrap();
            let rows = swd.patches(&images, 0, seed).unwrap();
            FeatureTable::new(rows.clone(), rows.len() / 60).unwrap()
        };
        let runs: Vec<Estimate> = (0..60)
            .map(|r| swd.compare(&table(2 * r, 0.1), &table(2 * r + 1, 1.), [16, 16], 0).unwrap().mean)
            .collect();
        let truth = runs.iter().map(|r| r.value).sum::<f64>() / 60.;
        let covered = runs.iter().filter(|r| r.interval.low <= truth && truth <= r.interval.high).count();
        println!("swd intervals cover {covered} of 60");
        assert!(covered >= 50, "{covered} of 60");
    }
}
