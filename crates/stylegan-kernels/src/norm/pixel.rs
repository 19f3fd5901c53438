//! Pixelwise feature normalisation.

use candle_core::{Result, Tensor};

/// Scales `x` `[n, c, …]` to a mean square of 1 over its channels at each pixel (`eps` added).
pub fn pixel_norm(x: &Tensor, eps: f64) -> Result<Tensor> {
    x.broadcast_mul(&(x.sqr()?.mean_keepdim(1)? + eps)?.sqrt()?.recip()?)
}
