//! Convolution between resolutions.

use super::flip_transpose::FlipTranspose;
use crate::conv::{conv_transpose2d, conv2d};
use crate::upfirdn2d::{Filter, upfirdn2d};
use candle_core::{Result, Tensor};

/// How [`conv2d_resample`] changes resolution.
#[derive(Debug, Clone)]
pub struct Resample<'a> {
    /// Factor by which the image grows before the convolution, filtered by `filter` times `up²`.
    pub up: usize,
    /// Factor by which it shrinks after the convolution, filtered by `filter`.
    pub down: usize,
    /// Padding of the (grown) image as `[x0, x1, y0, y1]`; negative crops.
    pub padding: [i64; 4],
    /// The low-pass filter of both, centred; none means single taps.
    pub filter: Option<&'a Filter>,
    /// Correlate with `filter` instead of convolving.
    pub flip_filter: bool,
    /// Correlate with the weight, as [`conv2d`](crate::conv2d) does; else convolve, as its transpose
    /// does. The name is the original code's.
    pub flip_weight: bool,
}

impl Default for Resample<'_> {
    /// Same resolution, no padding, correlation with the weight.
    fn default() -> Self {
        Self { up: 1, down: 1, padding: [0; 4], filter: None, flip_filter: false, flip_weight: true }
    }
}

/// Upsamples `x` `[n, c, h, w]`, convolves it with `weight` `[k, c, r, s]` and downsamples it, in
/// an order that keeps the convolution small (StyleGAN2, appendix B). `gain` multiplies the result.
///
/// # Errors
/// When the shapes do not fit each other, the image is smaller than filter and weight, or a factor or a side of the weight is 0.
pub fn conv2d_resample(x: &Tensor, weight: &Tensor, gain: f64, resample: &Resample) -> Result<Tensor> {
    let &Resample { up, down, padding, filter, flip_filter, flip_weight } = resample;
    let (_, _, r, s) = weight.dims4()?;
    if [up, down, r, s].contains(&0) {
        candle_core::bail!("conv2d_resample: up {up}, down {down}, a weight of {r}x{s}: expected 1 at least")
    }
    let single = Filter::new(&[1.], 1, 1)?;
    let f = filter.unwrap_or(&single);
    let (u, p) = (up as i64, padded(f, padding, up, down));
    let fir = |x: &Tensor, up: usize, down: usize, p: [i64; 4], gain: usize| {
        upfirdn2d(x, f, [up; 2], [down; 2], p, flip_filter, gain as f64)
    };
    if up > 1 && down == 1 && (r, s) == (1, 1) {
        return fir(&conv2d(x, weight, 1, 0, gain)?, up, 1, p, up * up);
    }
    if up > 1 {
        // A transposed convolution convolves, so a weight to correlate with is turned.
        let w = FlipTranspose { transpose: true, flip: flip_weight }.apply(weight)?;
        let (r, s) = (r as i64, s as i64);
        let p = [p[0] - (s - 1), p[1] - (s - u), p[2] - (r - 1), p[3] - (r - u)];
        // What is cropped on all sides is not computed in the first place.
        let crop = p.map(|side| -side).into_iter().min().unwrap_or(0).clamp(0, (r - 1).min(s - 1));
        let y = conv_transpose2d(x, &w, up, crop as usize, 0, gain)?;
        let y = fir(&y, 1, 1, p.map(|side| side + crop), up * up)?;
        return if down == 1 { Ok(y) } else { fir(&y, 1, down, [0; 4], 1) };
    }
    let turned = if flip_weight { None } else { Some(FlipTranspose { transpose: false, flip: true }.apply(weight)?) };
    let w = turned.as_ref().unwrap_or(weight);
    if down > 1 && (r, s) == (1, 1) {
        return conv2d(&fir(x, 1, down, p, 1)?, w, 1, 0, gain);
    }
    if down > 1 {
        return conv2d(&fir(x, 1, 1, p, 1)?, w, down, 0, gain);
    }
    match p {
        [a, b, c, d] if a >= 0 && a == b && b == c && c == d => conv2d(x, w, 1, a as usize, gain),
        _ => conv2d(&upfirdn2d(x, &single, [1; 2], [1; 2], p, false, 1.)?, w, 1, 0, gain),
    }
}

/// The padding of the whole change of resolution, with what the filter takes.
fn padded(filter: &Filter, mut p: [i64; 4], up: usize, down: usize) -> [i64; 4] {
    let (fh, fw) = (filter.size().0 as i64, filter.size().1 as i64);
    let (u, d) = (up as i64, down as i64);
    for (side, (before, after)) in [(fw, (0, 1)), (fh, (2, 3))] {
        if up > 1 {
            p[before] += (side + u - 1) / 2;
            p[after] += (side - u).div_euclid(2);
        }
        if down > 1 {
            p[before] += (side - d + 1).div_euclid(2);
            p[after] += (side - d).div_euclid(2);
        }
    }
    p
}

/// The padding between a transposed convolution of stride 2 with a kernel of `[.., r, s]`, and the
/// filter that follows it; `None` where that crops.
pub(crate) fn after_transpose(
    filter: &Filter,
    padding: [i64; 4],
    (_, _, r, s): (usize, usize, usize, usize),
) -> Option<[i64; 4]> {
    let (p, r, s) = (padded(filter, padding, 2, 1), r as i64, s as i64);
    let p = [p[0] - (s - 1), p[1] - (s - 2), p[2] - (r - 1), p[3] - (r - 2)];
    p.iter().all(|&side| side >= 0).then_some(p)
}
