//! Convolutions that change the resolution through a low-pass filter, and modulated convolutions.

use crate::Result;
use candle_core::Tensor;
use stylegan_kernels::{Filter, conv_transpose2d, conv2d, downsample2d, upfirdn2d, upsample2d};

/// Whether a convolution changes the resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Resample {
    Keep,
    Up,
    Down,
}

/// Convolution of `x` `[n, i, h, w]` with `weight` `[o, i, k, k]` (k odd, same size), joined with a
/// change of resolution through `filter`: transposed convolution then filter upwards, filter then
/// strided convolution downwards. The whole is multiplied by `gain`.
pub(super) fn conv2d_resample(
    x: &Tensor,
    weight: &Tensor,
    filter: &Filter,
    resample: Resample,
    gain: f64,
) -> Result<Tensor> {
    let kernel = weight.dim(2)?;
    let p = kernel as i64 / 2;
    let taps = filter.size().0 as i64;
    Ok(match resample {
        Resample::Keep => conv2d(x, weight, 1, kernel / 2, gain)?,
        Resample::Down if kernel == 1 => conv2d(&downsample2d(x, filter, 1.)?, weight, 1, 0, gain)?,
        Resample::Up if kernel == 1 => upsample2d(&conv2d(x, weight, 1, 0, gain)?, filter, 1.)?,
        Resample::Down => {
            let (p0, p1) = (p + (taps - 1) / 2, p + (taps - 2) / 2);
            let x = upfirdn2d(x, filter, [1, 1], [1, 1], [p0, p1, p0, p1], false, 1.)?;
            conv2d(&x, weight, 2, 0, gain)?
        }
        Resample::Up => {
            let k = kernel as i64;
            let (p0, p1) = (p + (taps + 1) / 2 - (k - 1), p + (taps - 2) / 2 - (k - 2));
            let y = conv_transpose2d(x, &weight.transpose(0, 1)?.contiguous()?, 2, 0, 0, gain)?;
            upfirdn2d(&y, filter, [1, 1], [1, 1], [p0, p1, p0, p1], false, 4.)?
        }
    })
}

/// [`conv2d_resample`] whose weights are scaled per sample and input channel by `style` `[n, i]`
/// and, with `demodulate`, brought back to unit norm per output channel (StyleGAN2, section 2.2).
/// Scaling input and output instead of weights lets all samples share one convolution.
pub(super) fn modulated_conv2d(
    x: &Tensor,
    weight: &Tensor,
    style: &Tensor,
    demodulate: bool,
    filter: &Filter,
    resample: Resample,
) -> Result<Tensor> {
    let (n, c) = style.dims2()?;
    let y = conv2d_resample(&x.broadcast_mul(&style.reshape((n, c, 1, 1))?)?, weight, filter, resample, 1.)?;
    if !demodulate {
        return Ok(y);
    }
    let energy = weight.sqr()?.sum((2, 3))?;
    let norm = (style.sqr()?.matmul(&energy.t()?)? + 1e-8)?.sqrt()?.recip()?;
    Ok(y.broadcast_mul(&norm.reshape((n, norm.dim(1)?, 1, 1))?)?)
}
