//! Modulated convolution.

use super::{Resample, channel_scale, conv2d_resample, plane_dot};
use crate::linear;
use candle_core::{Result, Tensor};

/// Modulated convolution (StyleGAN2, section 2.2): `weight` `[o, i, r, s]` times `styles` `[n, i]`
/// along its input channels, scaled to unit norm per sample and output channel if `demodulate`,
/// convolved with `x` `[n, i, h, w]`.
///
/// Computed as one convolution of the scaled input with the shared weight, whose result is scaled
/// by [`demodulation`]: no weight per sample is made.
///
/// # Errors
/// When the shapes do not fit each other, or the image is smaller than filter and weight.
pub fn modulated_conv2d(
    x: &Tensor,
    weight: &Tensor,
    styles: &Tensor,
    demodulate: bool,
    resample: &Resample,
) -> Result<Tensor> {
    let y = conv2d_resample(&channel_scale(x, styles)?, weight, 1., resample)?;
    if demodulate { channel_scale(&y, &demodulation(weight, styles)?) } else { Ok(y) }
}

/// `1 / sqrt(sum of (weight * style)² + 1e-8)` over input channels and kernel: `weight`
/// `[o, i, r, s]` and `styles` `[n, i]` give `[n, o]`.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn demodulation(weight: &Tensor, styles: &Tensor) -> Result<Tensor> {
    let energy = plane_dot(weight, weight)?;
    #[cfg(feature = "cuda")]
    if styles.device().is_cuda() && !styles.track_op() && !energy.track_op() {
        return super::cuda::demodulation(styles, &energy);
    }
    (linear(&styles.sqr()?, &energy, None, 1., 1.)? + 1e-8)?.sqrt()?.recip()
}
