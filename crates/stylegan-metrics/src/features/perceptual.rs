//! The distance that LPIPS and its kin make of activations (Zhang et al. 2018, equation 1).

use super::per_plane::with_numbers;
use crate::images::check_alike;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use stylegan_kernels::threads;

/// The LPIPS scaling layer: mean and deviation of ImageNet pictures in [-1, 1].
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];
/// Keeps the unit normalisation finite where all channels are zero.
const NORM_EPS: f32 = 1e-10;
/// Pixels whose channels stay in the second-level cache between two looks at them.
const PIXELS: usize = 256;

/// Pictures `[n, 3, h, w]` in [-1, 1], brought to ImageNet's mean and deviation.
pub(super) fn scaled(images: &Tensor, device: &Device) -> candle_core::Result<Tensor> {
    let row = |v: [f32; 3]| Tensor::new(&v, device)?.reshape((1, 3, 1, 1));
    let images = images.to_device(device)?.to_dtype(DType::F32)?;
    images.broadcast_sub(&row(SHIFT)?)?.broadcast_div(&row(SCALE)?)
}

/// `x` `[n, c, h, w]` with each pixel's channels scaled to unit length.
pub(super) fn unit(x: &Tensor) -> candle_core::Result<Tensor> {
    if !x.device().is_cpu() {
        return unit_composed(x);
    }
    let (n, c, h, w) = x.dims4()?;
    let factors = with_numbers(x, |x| {
        let mut factors = vec![0f32; n * h * w];
        threads::for_each_chunk(&mut factors, h * w, |image, factors| {
            to_unit(&x[image * c * h * w..][..c * h * w], h * w, 0, factors);
        });
        factors
    })?;
    x.broadcast_mul(&Tensor::from_vec(factors, (n, 1, h, w), &Device::Cpu)?)
}

/// [`unit`] from tensor operations, for gradients and GPUs.
fn unit_composed(x: &Tensor) -> candle_core::Result<Tensor> {
    // The root has no slope at 0, where dead pixels are.
    let length = (x.sqr()?.sum_keepdim(1)? + 1e-30)?.sqrt()?;
    x.broadcast_div(&(length + f64::from(NORM_EPS))?)
}

/// Activations with each pixel's channels scaled to unit length, from tensor operations that gradients go back through.
pub(super) fn unit_taps(taps: Vec<Tensor>) -> Result<Vec<Tensor>> {
    Ok(taps.iter().map(unit_composed).collect::<candle_core::Result<_>>()?)
}

/// Distances `[n]` of pictures by their [`unit_taps`], from tensor operations.
pub(super) fn between(a: &[Tensor], b: &[Tensor], heads: &[Tensor]) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for ((a, b), head) in a.iter().zip(b).zip(heads) {
        let part = (a - b)?.sqr()?.broadcast_mul(head)?.sum(1)?.flatten_from(1)?.mean(1)?;
        sum = Some(match sum {
            Some(sum) => (sum + part)?,
            None => part,
        });
    }
    match sum {
        Some(sum) if a.len() == heads.len() && b.len() == heads.len() => Ok(sum),
        _ => Err(Error::Mismatch {
            what: "number of activations to compare",
            left: a.len().to_string(),
            right: b.len().to_string(),
        }),
    }
}

/// What brings the channels of an image's pixels from `first` on to unit length. `plane` is the number of its pixels.
fn to_unit(image: &[f32], plane: usize, first: usize, factors: &mut [f32]) {
    factors.fill(0.);
    for channel in image.chunks_exact(plane) {
        factors.iter_mut().zip(&channel[first..]).for_each(|(sum, x)| *sum += x * x);
    }
    factors.iter_mut().for_each(|factor| *factor = 1. / (factor.sqrt() + NORM_EPS));
}

/// Distances `[n]` of pictures `a` from `b`, both `[n, 3, h, w]`, by the `taps` of all of them. `heads` are
/// the channel weights `[1, c, 1, 1]` of each tap.
pub(super) fn distance(
    a: &Tensor,
    b: &Tensor,
    heads: &[Tensor],
    taps: impl FnOnce(&Tensor) -> Result<Vec<Tensor>>,
) -> Result<Tensor> {
    check_alike(a, b)?;
    let n = a.dim(0)?;
    if n == 0 {
        return Ok(Tensor::zeros(0, DType::F32, a.device())?);
    }
    let taps = taps(&Tensor::cat(&[a, b], 0)?)?;
    if taps.iter().any(|tap| !tap.device().is_cpu()) {
        let of = |first| taps.iter().map(|tap| tap.narrow(0, first, n)).collect::<candle_core::Result<_>>();
        return between(&unit_taps(of(0)?)?, &unit_taps(of(n)?)?, heads);
    }
    let mut sums = vec![0f64; n];
    for (tap, head) in taps.iter().zip(heads) {
        let plane = tap.dim(2)? * tap.dim(3)?;
        let head: Vec<f32> = head.flatten_all()?.to_vec1()?;
        let parts = with_numbers(tap, |tap| {
            let image = |i: usize| &tap[i * head.len() * plane..][..head.len() * plane];
            let chunks = plane.div_ceil(PIXELS);
            let mut parts = vec![0f64; n * chunks];
            threads::for_each_chunk(&mut parts, 1, |task, part| {
                let (pair, first) = (task / chunks, task % chunks * PIXELS);
                part[0] = part_of(image(pair), image(n + pair), &head, plane, first) / plane as f64;
            });
            parts
        })?;
        sums.iter_mut()
            .zip(parts.chunks_exact(parts.len() / n))
            .for_each(|(sum, parts)| *sum += parts.iter().sum::<f64>());
    }
    let sums: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
    Ok(Tensor::from_vec(sums, n, &Device::Cpu)?)
}

/// The sum over up to [`PIXELS`] pixels from `first` on of the weighted squared differences between unit channels.
fn part_of(a: &[f32], b: &[f32], head: &[f32], plane: usize, first: usize) -> f64 {
    let pixels = PIXELS.min(plane - first);
    let (mut to_a, mut to_b, mut sums) = ([0f32; PIXELS], [0f32; PIXELS], [0f32; PIXELS]);
    let (to_a, to_b, sums) = (&mut to_a[..pixels], &mut to_b[..pixels], &mut sums[..pixels]);
    to_unit(a, plane, first, to_a);
    to_unit(b, plane, first, to_b);
    for ((a, b), weight) in a.chunks_exact(plane).zip(b.chunks_exact(plane)).zip(head) {
        let (a, b) = (&a[first..][..pixels], &b[first..][..pixels]);
        for i in 0..pixels {
            let difference = a[i] * to_a[i] - b[i] * to_b[i];
            sums[i] += weight * difference * difference;
        }
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}
