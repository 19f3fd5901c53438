//! Average pooling.

use super::avg_pool_blocks;
use crate::upfirdn2d::{Filter, upfirdn2d};
use candle_core::{Result, Tensor};

/// The mean of each `kernel` x `kernel` window of `x` `[n, c, h, w]`, every `stride` pixels, zeros
/// of `padding` around the image counted in.
///
/// # Errors
/// When the padded image is smaller than the window, or kernel or stride are 0.
pub fn avg_pool2d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if kernel == 0 || stride == 0 {
        candle_core::bail!("avg_pool2d: kernel {kernel} and stride {stride} must be at least 1")
    }
    if kernel == stride && padding == 0 && h % stride == 0 && w % stride == 0 {
        return avg_pool_blocks(x, kernel);
    }
    let window = Filter::separable(&vec![1.; kernel]);
    upfirdn2d(x, &window, [1; 2], [stride; 2], [padding as i64; 4], false, 1.)
}
