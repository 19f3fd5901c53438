//! Changes of resolution.

use crate::upfirdn2d::{Filter, upfirdn2d};
use candle_core::{Result, Tensor};

/// Doubles height and width of `[n, c, h, w]` by repeating pixels.
pub fn upsample_nearest2x(x: &Tensor) -> Result<Tensor> {
    upfirdn2d(x, &Filter::separable(&[1., 1.]), [2, 2], [1, 1], [1, 0, 1, 0], false, 4.)
}

/// Halves height and width of `[n, c, h, w]` (both even) by averaging 2x2 pixels.
pub fn avg_pool2x(x: &Tensor) -> Result<Tensor> {
    upfirdn2d(x, &Filter::separable(&[1., 1.]), [1, 1], [2, 2], [0; 4], false, 1.)
}
