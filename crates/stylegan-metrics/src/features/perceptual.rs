//! The distance that LPIPS and its kin make of activations (Zhang et al. 2018, equation 1).

use crate::Result;
use crate::samples::check_alike;
use candle_core::{DType, Device, Tensor};

/// The LPIPS scaling layer: mean and deviation of ImageNet pictures in [-1, 1].
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];
/// Keeps the unit normalisation finite where all channels are zero.
const NORM_EPS: f64 = 1e-10;

/// Pictures `[n, 3, h, w]` in [-1, 1], brought to ImageNet's mean and deviation.
pub(super) fn scaled(images: &Tensor, device: &Device) -> candle_core::Result<Tensor> {
    let row = |v: [f32; 3]| Tensor::new(&v, device)?.reshape((1, 3, 1, 1));
    let images = images.to_device(device)?.to_dtype(DType::F32)?;
    images.broadcast_sub(&row(SHIFT)?)?.broadcast_div(&row(SCALE)?)
}

/// `x` `[n, c, h, w]` with each pixel's channels scaled to unit length.
pub(super) fn unit(x: &Tensor) -> candle_core::Result<Tensor> {
    x.broadcast_div(&(x.sqr()?.sum_keepdim(1)?.sqrt()? + NORM_EPS)?)
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
    let taps = taps(&Tensor::cat(&[a, b], 0)?)?;
    let n = a.dim(0)?;
    let mut sum = Tensor::zeros(n, DType::F32, taps[0].device())?;
    for (tap, head) in taps.iter().zip(heads) {
        let unit = unit(tap)?;
        let difference = (unit.narrow(0, 0, n)? - unit.narrow(0, n, n)?)?.sqr()?;
        sum = (sum + difference.broadcast_mul(head)?.sum(1)?.mean((1, 2))?)?;
    }
    Ok(sum)
}
