//! Pooling: maxima, means, and the blur pooling of shift-tolerant networks.

use super::per_plane::each_plane;
use candle_core::{DType, Result, Tensor};
use stylegan_kernels::resize::Windows;
use stylegan_kernels::{Filter, avg_pool2d, max_pool2d, reflect_pad2d, upfirdn2d};

/// Binomial 3x3 blur with stride 2 of `x` `[n, c, h, w]`, after reflecting 2 pixels on each side
/// (all of "antialiased" pooling but the maximum): `[n, c, ceil(h / 2) + 1, ceil(w / 2) + 1]`.
///
/// A maximum of `max x max` pixels with stride 1 and no padding comes first; 1 is none.
pub(super) fn blur_pool(x: &Tensor, max: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let shrink = max - 1;
    let (ph, pw) = (h.saturating_sub(shrink), w.saturating_sub(shrink));
    // Reflecting 2 pixels needs 3 of them.
    if ph < 3 || pw < 3 {
        candle_core::bail!("blur pooling needs {0}x{0} pixels, found {h}x{w}", 3 + shrink)
    }
    if x.track_op() || x.dtype() != DType::F32 || !x.device().is_cpu() {
        return blur_pool_composed(x, max);
    }
    let (oh, ow) = (ph.div_ceil(2) + 1, pw.div_ceil(2) + 1);
    each_plane(x, [oh, ow], |source, out| {
        let mut pooled = Vec::new();
        let source = if max > 1 {
            maxima(source, max, h, w, &mut pooled);
            &pooled[..]
        } else {
            source
        };
        // Vertical pass at the rows that stay, then the horizontal one at the columns that stay.
        let mut row = vec![0f32; pw];
        for y in 0..oh {
            let at = |t: usize| &source[reflect(2 * y + t, ph) * pw..][..pw];
            let (a, b, c) = (at(0), at(1), at(2));
            for x in 0..pw {
                row[x] = 0.25 * (a[x] + c[x]) + 0.5 * b[x];
            }
            for x in 0..ow {
                let at = |t: usize| row[reflect(2 * x + t, pw)];
                out[y * ow + x] = 0.25 * (at(0) + at(2)) + 0.5 * at(1);
            }
        }
    })
}

/// [`blur_pool`] from tensor operations, for gradients, other types and GPUs.
fn blur_pool_composed(x: &Tensor, max: usize) -> Result<Tensor> {
    let x = if max > 1 { max_pool2d(x, Windows { size: max, stride: 1, padding: 0, over: false })? } else { x.clone() };
    let filter = Filter::separable(&[1., 2., 1.]);
    upfirdn2d(&reflect_pad2d(&x, 2)?, &filter, [1, 1], [2, 2], [0; 4], false, 1.)
}

/// Index into `n` pixels of position `i` in the row padded by 2 reflected pixels.
fn reflect(i: usize, n: usize) -> usize {
    match i {
        0 | 1 => 2 - i,
        _ if i - 2 < n => i - 2,
        _ => 2 * n - i,
    }
}

/// Maxima of `size x size` pixels of one plane `[h, w]`, without padding.
fn maxima(source: &[f32], size: usize, h: usize, w: usize, out: &mut Vec<f32>) {
    let (ph, pw) = (h + 1 - size, w + 1 - size);
    let most = |values: &[f32]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let rows: Vec<f32> = source.chunks_exact(w).flat_map(|row| row.windows(size).map(most)).collect();
    out.clear();
    out.resize(ph * pw, f32::NEG_INFINITY);
    for (y, out) in out.chunks_exact_mut(pw).enumerate() {
        for row in rows[y * pw..(y + size) * pw].chunks_exact(pw) {
            out.iter_mut().zip(row).for_each(|(out, x)| *out = out.max(*x));
        }
    }
}

/// Maxima of `size x size` windows of `x` `[n, c, h, w]` at `stride`, with `padding` pixels of nothing
/// around. With `over`, last windows that begin inside the picture may reach over the edge.
pub(super) fn max_pool(x: &Tensor, size: usize, stride: usize, padding: usize, over: bool) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if h + 2 * padding < size || w + 2 * padding < size {
        candle_core::bail!("pooling: {h}x{w} pixels are fewer than a window of {size}x{size}")
    }
    let windows = Windows { size, stride, padding, over };
    if x.track_op() || !x.device().is_cpu() {
        return max_pool2d(x, windows);
    }
    let (oh, ow) = (windows.count(h), windows.count(w));
    let columns: Vec<_> = (0..ow).map(|x| windows.span(x, w)).collect();
    each_plane(x, [oh, ow], |source, out| {
        // Down the columns first: whole rows at a time.
        let mut column = vec![0f32; w];
        for (y, out) in out.chunks_mut(ow).enumerate() {
            let rows = windows.span(y, h);
            column.fill(f32::NEG_INFINITY);
            for row in source[rows.start * w..rows.end * w].chunks_exact(w) {
                column.iter_mut().zip(row).for_each(|(a, b)| *a = a.max(*b));
            }
            for (out, columns) in out.iter_mut().zip(&columns) {
                *out = column[columns.clone()].iter().copied().fold(f32::NEG_INFINITY, f32::max);
            }
        }
    })
}

/// Means of 3x3 windows of `x` `[n, c, h, w]` at stride 1; at the edges, of the pixels that there are.
pub(super) fn avg_pool3(x: &Tensor) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if !x.device().is_cpu() {
        return avg_pool3_composed(x);
    }
    // Whole planes are added to themselves, moved by a line and by a pixel: rows are short.
    let add = |to: &mut [f32], from: &[f32]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
    each_plane(x, [h, w], |source, out| {
        let mut tall = source.to_vec();
        add(&mut tall[w..], source);
        add(&mut tall, &source[w..]);
        out.copy_from_slice(&tall);
        add(&mut out[1..], &tall);
        add(out, &tall[1..]);
        for (y, (out, tall)) in out.chunks_exact_mut(w).zip(tall.chunks_exact(w)).enumerate() {
            let rows = h.min(y + 2) - y.saturating_sub(1);
            out.iter_mut().for_each(|sum| *sum /= (3 * rows) as f32);
            // The ends took in pixels of the rows beside theirs.
            let mean = |pixels: &[f32]| pixels.iter().sum::<f32>() / (rows * pixels.len()) as f32;
            out[0] = mean(&tall[..w.min(2)]);
            out[w - 1] = mean(&tall[w.saturating_sub(2)..]);
        }
    })
}

/// [`avg_pool3`] from tensor operations, for GPUs.
fn avg_pool3_composed(x: &Tensor) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let there = |i: usize, side: usize| side.min(i + 2) - i.saturating_sub(1);
    let shares: Vec<f32> = (0..h * w).map(|i| 9. / (there(i / w, h) * there(i % w, w)) as f32).collect();
    avg_pool2d(x, 3, 1, 1)?.broadcast_mul(&Tensor::from_vec(shares, (1, 1, h, w), x.device())?)
}

/// Means of `factor x factor` blocks: `[n, c, h / factor, w / factor]`. `h` and `w` must be multiples.
pub(crate) fn box_downscale(x: &Tensor, factor: usize) -> Result<Tensor> {
    if factor == 1 {
        return Ok(x.clone());
    }
    let (n, c, h, w) = x.dims4()?;
    let blocks = x.contiguous()?.reshape((n * c, h / factor, factor, w / factor, factor))?;
    blocks.mean(4)?.mean(2)?.reshape((n, c, h / factor, w / factor))
}

/// The largest whole factor that divides both sides and leaves the smaller side at `target` or more.
pub(crate) fn box_factor(h: usize, w: usize, target: usize) -> usize {
    (1..=h.min(w) / target).rev().find(|f| h.is_multiple_of(*f) && w.is_multiple_of(*f)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::Device;

    /// Both ways agree to rounding, on odd and even sizes, square or not.
    #[test]
    fn fast_path_equals_composed() {
        for (h, w) in [(5, 6), (8, 8), (7, 12)] {
            let values: Vec<f32> = (0..2 * 3 * h * w).map(|i| ((i * 7919 % 1009) as f32) / 500. - 1.).collect();
            let x = Tensor::from_vec(values, (2, 3, h, w), &Device::Cpu).unwrap();
            for max in [1, 2, 3] {
                let (a, b) = (blur_pool(&x, max).unwrap(), blur_pool_composed(&x, max).unwrap());
                assert_eq!(a.dims(), b.dims());
                let apart = (a - b).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
                assert!(apart.iter().all(|x| x.abs() < 1e-6), "{h}x{w}, {max}");
            }
        }
    }

    #[test]
    fn a_constant_stays_and_tiny_planes_are_refused() {
        let x = Tensor::full(3f32, (1, 1, 6, 6), &Device::Cpu).unwrap();
        let y = blur_pool(&x, 3).unwrap();
        assert_eq!(y.dims(), [1, 1, 3, 3]);
        assert!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|v| *v == 3.));
        assert!(blur_pool(&Tensor::zeros((1, 1, 4, 9), DType::F32, &Device::Cpu).unwrap(), 3).is_err());
    }

    /// Means of the pixels that there are, and maxima, of windows against the definition, down to one pixel.
    #[test]
    fn windows() {
        for (h, w) in [(1, 1), (1, 2), (2, 1), (3, 2), (5, 7)] {
            let values: Vec<f32> = (0..2 * h * w).map(|i| ((i * 7919 % 1009) as f32) / 500. - 1.).collect();
            let x = Tensor::from_vec(values.clone(), (1, 2, h, w), &Device::Cpu).unwrap();
            let found = |y: Tensor| y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (means, maxima) = (found(avg_pool3(&x).unwrap()), found(max_pool(&x, 3, 1, 1, false).unwrap()));
            let composed = found(avg_pool3_composed(&x).unwrap());
            for (i, (mean, max)) in means.iter().zip(&maxima).enumerate() {
                let (c, y, x) = (i / (h * w), i / w % h, i % w);
                let window: Vec<f32> = (0..h * w)
                    .filter(|p| y.abs_diff(p / w) < 2 && x.abs_diff(p % w) < 2)
                    .map(|p| values[c * h * w + p])
                    .collect();
                let expected = window.iter().sum::<f32>() / window.len() as f32;
                // Up to nine numbers of about 1 in another order: a rounding of 2^-24 each, 6e-7 at most.
                for mean in [mean, &composed[i]] {
                    assert!((mean - expected).abs() < 1e-6, "{h}x{w} at {i}: {mean}, expected {expected}");
                }
                assert_eq!(*max, window.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            }
        }
    }

    #[test]
    fn boxes() {
        assert_eq!(box_factor(1024, 1024, 256), 4);
        assert_eq!(box_factor(300, 300, 256), 1);
        assert_eq!(box_factor(512, 384, 256), 1);
        assert_eq!(box_factor(1536, 1024, 256), 4);
        let x = Tensor::new(&[[[[1f32, 3.], [5., 7.]]]], &Device::Cpu).unwrap();
        assert_eq!(box_downscale(&x, 2).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap(), [4.]);
    }
}
