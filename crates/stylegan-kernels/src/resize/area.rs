//! Means over areas of any size.

use super::{avg_pool_blocks, upsample_nearest};
use crate::linear;
use candle_core::{Result, Tensor};

/// Brings `x` `[n, c, h, w]` to `height` x `width` pixels, each the mean of all pixels that it reaches
/// into, taken whole: PyTorch's adaptive average pool and its resizing by `area`. Enlarging by whole factors
/// repeats pixels.
///
/// # Errors
/// When a side is 0.
pub fn resize_area(x: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    if [height, width, h, w].contains(&0) {
        candle_core::bail!("resize_area: {h}x{w} to {height}x{width} pixels, expected at least 1x1")
    }
    if h.is_multiple_of(height) && w.is_multiple_of(width) && h / height == w / width {
        return if h == height { Ok(x.clone()) } else { avg_pool_blocks(x, h / height) };
    }
    if height.is_multiple_of(h) && width.is_multiple_of(w) && height / h == width / w {
        return upsample_nearest(x, height / h);
    }
    // A product of matrices along each side.
    let side = |x: Tensor, from: usize, to: usize| -> Result<Tensor> {
        let rows = x.elem_count() / from;
        linear(&x.reshape((rows, from))?, &means(from, to, &x)?, None, 1., 0.)
    };
    let x = side(x.contiguous()?, w, width)?.reshape((n, c, h, width))?.transpose(2, 3)?.contiguous()?;
    side(x, h, height)?.reshape((n, c, width, height))?.transpose(2, 3)?.contiguous()
}

/// `[to, from]`: what of each pixel enters each mean, in the type of `like`.
fn means(from: usize, to: usize, like: &Tensor) -> Result<Tensor> {
    let mut weights = vec![0f64; to * from];
    for (i, row) in weights.chunks_exact_mut(from).enumerate() {
        let (first, end) = (i * from / to, ((i + 1) * from).div_ceil(to));
        row[first..end].fill(1. / (end - first) as f64);
    }
    Tensor::from_vec(weights, (to, from), like.device())?.to_dtype(like.dtype())
}
