//! Multi-scale structural similarity of pairs of pictures (Wang et al. 2003). Its mean over pairs of
//! generated pictures says how much they vary: progressive growing and others report it for single
//! classes (Odena et al. 2017); near that of real pictures is good, above it variety is lost.
//!
//! As in progressive growing's program, each scale's similarity is the mean over pixels and channels.

use crate::extractor::{Extractor, PIXELS, Place};
use crate::feature_table::FeatureTable;
use crate::features::{FeatureNetworks, NetworkId};
use crate::images::{check_alike, three_channels};
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Counts, Direction, Metric, Needs, Number, RealsRole, SetMetric, Sets};
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Exponents of the five scales, the finest first.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// The smallest side of an image: one pixel at the coarsest scale.
const SMALLEST: usize = 1 << (WEIGHTS.len() - 1);
/// Side of the Gaussian window and its deviation, in pixels; both shrink with smaller pictures.
const WINDOW: usize = 11;
const DEVIATION: f64 = 1.5;
/// Constants of the two terms, for levels from 0 to 255.
const C1: f64 = (0.01 * 255.) * (0.01 * 255.);
const C2: f64 = (0.03 * 255.) * (0.03 * 255.);

/// The similarity of each pair of `a` and `b`, both `[n, 3, h, w]` in [-1, 1]: 1 for equal pictures.
/// Negative structure counts as 0.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let grey = |level: f32| Tensor::full(level, (1, 3, 32, 32), &Device::Cpu);
/// let found = stylegan_metrics::ms_ssim::pairs(&grey(0.1)?, &grey(0.1)?)?;
/// assert!((found[0] - 1.).abs() < 1e-12);
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
///
/// # Errors
/// Pictures of different shapes, or with a side below 16.
pub fn pairs(a: &Tensor, b: &Tensor) -> Result<Vec<f64>> {
    check_alike(a, b)?;
    let levels = |t: &Tensor| -> Result<Vec<f64>> {
        let t = three_channels(t, 0, "set of pairs")?.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        Ok(((t * 127.5)? + 127.5)?.flatten_all()?.to_vec1()?)
    };
    let (_, _, h, w) = a.dims4()?;
    if h.min(w) < SMALLEST {
        let (left, right) = (format!("{w}x{h} pixels"), "16x16 for five scales".into());
        return Err(Error::Mismatch { what: "size of pictures", left, right });
    }
    let (a, b) = (levels(a)?, levels(b)?);
    let picture = 3 * h * w;
    let similarity = |(a, b): (&[f64], &[f64])| pair(a, b, h, w);
    Ok(a.par_chunks_exact(picture).zip(b.par_chunks_exact(picture)).map(similarity).collect())
}

/// The mean of the similarities of pairs, and its interval by leaving out one of [`GROUPS`] groups of pairs
/// at a time.
///
/// # Errors
/// Fewer than `2 * GROUPS` pairs.
pub fn mean(similarities: &FeatureTable) -> Result<Estimate> {
    similarities.check_count("ms_ssim", "pairs of pictures", 2 * GROUPS)?;
    Ok(Estimate::of_mean(similarities.rows(), [0., 1.]))
}

/// One pair, `[3, h, w]` each.
fn pair(a: &[f64], b: &[f64], mut h: usize, mut w: usize) -> f64 {
    let split = |x: &[f64]| x.chunks_exact(h * w).map(<[f64]>::to_vec).collect::<Vec<_>>();
    let (mut a, mut b) = (split(a), split(b));
    let mut product = 1.;
    for (scale, weight) in WEIGHTS.into_iter().enumerate() {
        let (mut whole, mut structure) = (0., 0.);
        for (a, b) in a.iter().zip(&b) {
            let channel = terms(a, b, h, w);
            whole += channel.0 / 3.;
            structure += channel.1 / 3.;
        }
        let last = scale + 1 == WEIGHTS.len();
        product *= if last { whole } else { structure }.max(0.).powf(weight);
        if !last {
            let half = |x: &[Vec<f64>]| x.iter().map(|x| halved(x, h, w)).collect::<Vec<_>>();
            (a, b) = (half(&a), half(&b));
            (h, w) = (h / 2, w / 2);
        }
    }
    product
}

/// Available over the plane of the whole similarity, and of contrast and structure alone.
fn terms(a: &[f64], b: &[f64], h: usize, w: usize) -> (f64, f64) {
    let window = gaussian(WINDOW.min(h).min(w));
    let mean = |f: &dyn Fn(usize) -> f64| windowed(&(0..h * w).map(f).collect::<Vec<_>>(), h, w, &window);
    let (ma, mb) = (mean(&|i| a[i]), mean(&|i| b[i]));
    let (aa, bb, ab) = (mean(&|i| a[i] * a[i]), mean(&|i| b[i] * b[i]), mean(&|i| a[i] * b[i]));
    let (mut whole, mut structure) = (0., 0.);
    for i in 0..ma.len() {
        let (va, vb, c) = (aa[i] - ma[i] * ma[i], bb[i] - mb[i] * mb[i], ab[i] - ma[i] * mb[i]);
        let cs = (2. * c + C2) / (va + vb + C2);
        structure += cs;
        whole += cs * (2. * ma[i] * mb[i] + C1) / (ma[i] * ma[i] + mb[i] * mb[i] + C1);
    }
    (whole / ma.len() as f64, structure / ma.len() as f64)
}

fn gaussian(side: usize) -> Vec<f64> {
    let deviation = DEVIATION * side as f64 / WINDOW as f64;
    let at = |i: usize| (-0.5 * ((i as f64 - (side as f64 - 1.) / 2.) / deviation).powi(2)).exp();
    let sum: f64 = (0..side).map(at).sum();
    (0..side).map(|i| at(i) / sum).collect()
}

/// Weighted means of all windows that lie inside the plane.
fn windowed(x: &[f64], h: usize, w: usize, window: &[f64]) -> Vec<f64> {
    let (oh, ow) = (h + 1 - window.len(), w + 1 - window.len());
    let rows: Vec<f64> = x
        .chunks_exact(w)
        .flat_map(|row| row.windows(window.len()).map(|v| v.iter().zip(window).map(|(x, k)| x * k).sum::<f64>()))
        .collect();
    let mut out = vec![0.; oh * ow];
    for y in 0..oh {
        for (t, k) in window.iter().enumerate() {
            let row = &rows[(y + t) * ow..][..ow];
            out[y * ow..][..ow].iter_mut().zip(row).for_each(|(o, x)| *o += k * x);
        }
    }
    out
}

/// Means of 2x2 blocks; an odd last row or column is left out.
fn halved(x: &[f64], h: usize, w: usize) -> Vec<f64> {
    let at = |y: usize, c: usize| x[y * w + c];
    let mean = |y: usize, c: usize| (at(y, c) + at(y, c + 1) + at(y + 1, c) + at(y + 1, c + 1)) / 4.;
    (0..h / 2).flat_map(|y| (0..w / 2).map(move |c| (2 * y, 2 * c))).map(|(y, c)| mean(y, c)).collect()
}

/// Parameters of the similarity of pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MsSsim {
    /// Size of the generated set, twice the number of pairs; of real ones, for comparison.
    pub counts: Counts,
}

impl Metric for MsSsim {
    fn name(&self) -> &'static str {
        "ms_ssim"
    }

    fn needs(&self) -> Needs {
        Needs { reals: RealsRole::Beside, side: SMALLEST, ..Needs::images(4 * GROUPS) }
    }
}

impl SetMetric for MsSsim {
    fn extractor<'a>(
        &'a self,
        _networks: &'a FeatureNetworks,
        _published: &str,
        _seed: u64,
    ) -> std::result::Result<Box<dyn Extractor + 'a>, &'static str> {
        Ok(Box::new(Neighbours))
    }

    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>> {
        Ok(vec![Number::new(name, mean(sets.generated)?, "similarity", Direction::Like)])
    }
}

/// The similarity of each image of even number and the next.
struct Neighbours;

impl Extractor for Neighbours {
    fn id(&self) -> NetworkId {
        NetworkId::new(PIXELS, "", "each picture of even number with the next")
    }

    fn rows(&self, chunk: &Tensor, place: &Place, waiting: &mut Option<Tensor>) -> Result<Vec<f32>> {
        let mut rows = Vec::new();
        for i in 0..place.n {
            let image = chunk.narrow(0, i, 1)?;
            match waiting.take() {
                Some(even) => rows.extend(pairs(&even, &image)?.into_iter().map(|s| s as f32)),
                None => *waiting = Some(image),
            }
        }
        Ok(rows)
    }

    fn rows_of(&self, images: usize) -> usize {
        images / 2
    }

    fn images_of(&self, rows: usize) -> usize {
        2 * rows
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pictures(f: impl Fn(usize) -> f32) -> Tensor {
        Tensor::from_vec((0..2 * 3 * 40 * 36).map(f).collect::<Vec<_>>(), (2, 3, 40, 36), &Device::Cpu).unwrap()
    }

    fn texture(i: usize) -> f32 {
        ((i * 7919) % 1009) as f32 / 1009. - 0.5
    }

    /// Flat pictures have no structure to differ in: the luminance term of the last scale is left.
    #[test]
    fn flat_pictures() {
        let found = pairs(&pictures(|_| 0.), &pictures(|_| 0.5)).unwrap();
        let (a, b) = (127.5, 191.25);
        let expected = ((2. * a * b + C1) / (a * a + b * b + C1)).powf(0.1333);
        assert!(found.iter().all(|s| (s - expected).abs() < 1e-12), "{found:?} {expected}");
    }

    #[test]
    fn falls_with_noise_and_is_symmetric() {
        let clean = pictures(|i| (i as f32 / 300.).sin() * 0.5);
        let noisy = |level: f32| pictures(|i| (i as f32 / 300.).sin() * 0.5 + level * texture(i));
        let with = |level| pairs(&clean, &noisy(level)).unwrap()[1];
        assert!((with(0.) - 1.).abs() < 1e-12);
        assert!(with(0.1) > with(0.3) && with(0.3) > with(0.9), "{} {} {}", with(0.1), with(0.3), with(0.9));
        assert_eq!(pairs(&noisy(0.3), &clean).unwrap()[1], with(0.3));
        // A negative has negative structure at every scale.
        assert_eq!(pairs(&pictures(texture), &pictures(|i| -texture(i))).unwrap(), [0.; 2]);
    }

    #[test]
    fn unfit_pictures() {
        let small = Tensor::zeros((1, 3, 15, 40), DType::F32, &Device::Cpu).unwrap();
        assert!(pairs(&small, &small).unwrap_err().to_string().contains("16x16 for five scales"));
        assert!(pairs(&small, &pictures(texture)).is_err());
    }
}
