//! The distance that LPIPS and its kin make of activations (Zhang et al. 2018, equation 1).

use candle_core::{DType, Device, Result, Tensor};

/// The LPIPS scaling layer: mean and deviation of ImageNet pictures in [-1, 1].
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];
/// Keeps the unit normalisation finite where all channels are zero.
const NORM_EPS: f64 = 1e-10;

/// Pictures `[n, 3, h, w]` in [-1, 1], brought to ImageNet's mean and deviation.
pub(super) fn scaled(images: &Tensor, device: &Device) -> Result<Tensor> {
    let row = |v: [f32; 3]| Tensor::new(&v, device)?.reshape((1, 3, 1, 1));
    let images = images.to_device(device)?.to_dtype(DType::F32)?;
    images.broadcast_sub(&row(SHIFT)?)?.broadcast_div(&row(SCALE)?)
}

/// `x` `[n, c, h, w]` with each pixel's channels scaled to unit length.
pub(super) fn unit(x: &Tensor) -> Result<Tensor> {
    x.broadcast_div(&(x.sqr()?.sum_keepdim(1)?.sqrt()? + NORM_EPS)?)
}

/// Distances `[n]` from the taps of `2 n` pictures: the first half against the second. `heads` are the
/// channel weights `[1, c, 1, 1]` of each tap.
pub(super) fn distance(taps: &[Tensor], heads: &[Tensor]) -> Result<Tensor> {
    let n = taps[0].dim(0)? / 2;
    let mut sum = Tensor::zeros(n, DType::F32, taps[0].device())?;
    for (tap, head) in taps.iter().zip(heads) {
        let unit = unit(tap)?;
        let difference = (unit.narrow(0, 0, n)? - unit.narrow(0, n, n)?)?.sqr()?;
        sum = (sum + difference.broadcast_mul(head)?.sum(1)?.mean((1, 2))?)?;
    }
    Ok(sum)
}
