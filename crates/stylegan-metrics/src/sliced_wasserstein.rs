//! Sliced Wasserstein distance between patches of Laplacian pyramids (Karras et al. 2018, progressive
//! growing, section 5): how alike two sets of pictures look at each scale.

use crate::samples::three_channels;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stylegan_core::latent::StreamKey;

/// Pictures whose pyramid is built at once.
const CHUNK: usize = 8;
/// The smallest level.
const BASE: usize = 16;

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

/// Patches of one set, level by level, the finest first.
#[derive(Debug, Clone)]
pub struct Patches {
    /// Height and width of the level, and `[patches of all pictures, 3 side side]`.
    levels: Vec<([usize; 2], Vec<f32>)>,
}

impl SlicedWasserstein {
    /// Cuts patches out of batches of images `[n, 3, h, w]` in [-1, 1]. Where they lie depends on `seed`
    /// and the picture's number alone.
    ///
    /// # Errors
    /// A failing source, or pictures of other sizes than 16 times powers of two.
    pub fn patches(
        &self,
        images: impl Iterator<Item = crate::samples::Batch>,
        seed: u64,
        set: &str,
    ) -> Result<Patches> {
        let key = StreamKey::new(seed, "wasserstein patches", 0);
        let (mut levels, mut number) = (Vec::<([usize; 2], Vec<f32>)>::new(), 0u64);
        for (index, batch) in images.enumerate() {
            let batch = batch.map_err(|source| Error::Source { set: set.into(), batch: index, source })?;
            let batch = three_channels(&batch, index, set)?.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
            for first in (0..batch.dim(0)?).step_by(CHUNK) {
                let n = CHUNK.min(batch.dim(0)? - first);
                let pyramid = laplacian(&batch.narrow(0, first, n)?)?;
                levels.resize_with(pyramid.len().max(levels.len()), Default::default);
                for (level, (x, (size, patches))) in pyramid.iter().zip(&mut levels).enumerate() {
                    let (_, _, h, w) = x.dims4()?;
                    if !patches.is_empty() && *size != [h, w] {
                        return Err(Error::ImageSize { set: set.into(), batch: index, found: [h, w], expected: *size });
                    }
                    *size = [h, w];
                    let values = x.flatten_all()?.to_vec1::<f32>()?;
                    for i in 0..n {
                        let mut stream = key.stream(number + i as u64, level as u64);
                        for _ in 0..self.patches {
                            let mut below = |n: usize| stream.below((n - self.side + 1) as u64) as usize;
                            let (top, left) = (below(h), below(w));
                            for c in 0..3 {
                                for y in top..top + self.side {
                                    patches.extend(&values[((i * 3 + c) * h + y) * w + left..][..self.side]);
                                }
                            }
                        }
                    }
                }
                number += n as u64;
            }
        }
        Ok(Patches { levels })
    }

    /// The distance at each level, times 1000 as published, with the level's height; the finest first.
    /// Each channel of a set's patches is brought to mean 0 and deviation 1 first.
    ///
    /// # Errors
    /// Sets of different sizes or counts.
    pub fn distances(&self, a: &Patches, b: &Patches, seed: u64) -> Result<Vec<(usize, f64)>> {
        let shape = |p: &Patches| p.levels.iter().map(|(size, values)| (*size, values.len())).collect::<Vec<_>>();
        if shape(a) != shape(b) || a.levels.is_empty() {
            let (left, right) = (format!("{:?}", shape(a)), format!("{:?}", shape(b)));
            return Err(Error::Mismatch { what: "levels and patches", left, right });
        }
        let key = StreamKey::new(seed, "wasserstein directions", 0);
        let dim = 3 * self.side * self.side;
        let levels = a.levels.iter().zip(&b.levels).enumerate();
        Ok(levels
            .map(|(level, ((size, a), (_, b)))| {
                let (a, b) = (normalised(a, dim), normalised(b, dim));
                let distances: Vec<f64> = (0..self.directions)
                    .into_par_iter()
                    .map(|d| {
                        let mut stream = key.stream(d as u64, level as u64);
                        let direction: Vec<f64> = (0..dim).map(|_| stream.normal()).collect();
                        let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
                        let project = |rows: &[f32]| {
                            let dot =
                                |row: &[f32]| row.iter().zip(&direction).map(|(x, d)| f64::from(*x) * d).sum::<f64>();
                            let mut all: Vec<f64> = rows.chunks_exact(dim).map(|row| dot(row) / length).collect();
                            all.sort_by(f64::total_cmp);
                            all
                        };
                        let (a, b) = (project(&a), project(&b));
                        a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() / a.len() as f64
                    })
                    .collect();
                (size[0], 1000. * distances.iter().sum::<f64>() / self.directions as f64)
            })
            .collect())
    }
}

/// Rows of `dim` with each third (channel) at mean 0 and deviation 1 over all of them.
fn normalised(rows: &[f32], dim: usize) -> Vec<f32> {
    let third = dim / 3;
    let mut out = rows.to_vec();
    for c in 0..3 {
        let channel = || rows.chunks_exact(dim).flat_map(|row| &row[c * third..][..third]).map(|x| f64::from(*x));
        let n = (rows.len() / 3) as f64;
        let mean = channel().sum::<f64>() / n;
        let deviation = (channel().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt().max(f64::MIN_POSITIVE);
        for row in out.chunks_exact_mut(dim) {
            row[c * third..][..third].iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) / deviation) as f32);
        }
    }
    out
}

/// The Laplacian pyramid of `x` `[n, 3, h, w]`, down to 16 pixels on the smaller side.
fn laplacian(x: &Tensor) -> Result<Vec<Tensor>> {
    let (_, _, h, w) = x.dims4()?;
    if h.min(w) < BASE {
        let (left, right) = (format!("{w}x{h} pixels"), format!("{BASE}x{BASE} as its smallest level"));
        return Err(Error::Mismatch { what: "size of pictures and of the pyramid", left, right });
    }
    let (mut levels, mut x) = (vec![], x.clone());
    loop {
        let (_, _, h, w) = x.dims4()?;
        if h.min(w) < 2 * BASE || !h.is_multiple_of(2) || !w.is_multiple_of(2) {
            levels.push(x);
            return Ok(levels);
        }
        let smaller = blurred(&x)?.reshape(((), h / 2, 2, w / 2, 2))?.narrow(2, 0, 1)?.narrow(4, 0, 1)?;
        let smaller = smaller.contiguous()?.reshape((x.dim(0)?, 3, h / 2, w / 2))?;
        levels.push((&x - enlarged(&smaller)?)?);
        x = smaller;
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn set(seed: u64, f: impl Fn(f64, usize) -> f64) -> Patches {
        let batches = (0..6u64).map(|batch| {
            let mut stream = StreamKey::new(seed, "test pictures", batch).stream(0, 0);
            let values: Vec<f32> = (0..4 * 3 * 64 * 32).map(|i| f(stream.normal(), i % 32) as f32).collect();
            Ok(Tensor::from_vec(values, (4, 3, 64, 32), &Device::Cpu).unwrap())
        });
        swd().patches(batches, 0, "test set").unwrap()
    }

    fn swd() -> SlicedWasserstein {
        SlicedWasserstein { patches: 16, directions: 64, ..SlicedWasserstein::default() }
    }

    /// A set against itself is at 0, against another of its kind near 0, and stripes of two pixels show at
    /// the finest level most.
    #[test]
    fn scales() {
        let noise = |seed| set(seed, |z, _| 0.3 * z);
        let against = |other: &Patches| swd().distances(&noise(1), other, 0).unwrap();
        assert_eq!(against(&noise(1)), [(64, 0.), (32, 0.)]);
        let near = against(&noise(2));
        let striped = against(&set(3, |z, x| 0.3 * z + if x % 2 == 0 { 0.5 } else { -0.5 }));
        // 384 patches of a normal distribution lie about 1.6 / sqrt(384) apart, times 1000.
        assert!(near.iter().all(|(_, d)| *d < 120.), "{near:?}");
        assert!(striped[0].1 > 3. * near[0].1 && striped[1].1 < 3. * near[1].1, "{near:?} {striped:?}");
    }

    /// Brightness and contrast of a channel make no difference.
    #[test]
    fn normalised_channels() {
        let (one, two) = (set(1, |z, _| z), set(1, |z, _| 0.1 * z + 0.4));
        for (_, distance) in swd().distances(&one, &two, 0).unwrap() {
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

    #[test]
    fn unlike_sets() {
        let batch = Tensor::zeros((3, 3, 64, 32), DType::F32, &Device::Cpu).unwrap();
        let few = swd().patches([Ok(batch)].into_iter(), 0, "test set").unwrap();
        let error = swd().distances(&few, &set(1, |z, _| z), 0).unwrap_err().to_string();
        assert!(error.contains("levels and patches"), "{error}");
    }
}
