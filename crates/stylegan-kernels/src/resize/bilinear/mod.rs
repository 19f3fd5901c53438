//! Bilinear interpolation, and its adjoint.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use crate::autodiff::{apply1, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// Resizes `x` `[n, c, h, w]` to `height` x `width` by linear interpolation between the two nearest
/// pixels in each direction, without a low-pass filter. With `align_corners` the centres of the
/// corner pixels coincide, else the corners of the images do (and edge pixels repeat outwards), as
/// in PyTorch's `interpolate`.
///
/// # Errors
/// When a side is 0.
pub fn resize_bilinear(x: &Tensor, height: usize, width: usize, align_corners: bool) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if [height, width, h, w].contains(&0) {
        candle_core::bail!("resize_bilinear: {h}x{w} to {height}x{width} pixels, expected at least 1x1")
    }
    apply1(x, Bilinear { from: [h, w], to: [height, width], align_corners, adjoint: false })
}

#[derive(Clone, Copy)]
struct Bilinear {
    from: [usize; 2],
    to: [usize; 2],
    align_corners: bool,
    /// Whether gradients are carried from `to` back to `from`.
    adjoint: bool,
}

impl CustomOp1 for Bilinear {
    fn name(&self) -> &'static str {
        "stylegan-bilinear"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, _, _) = layout.shape().dims4()?;
        by_dtype!("resize_bilinear", storage, T => Ok(self.cpu::<T>(slice(storage, layout)?, n, c)))
    }

    cuda_fwd!(|op, x| op.cuda(x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| apply1(g, Self { adjoint: !self.adjoint, ..*self })).transpose()
    }
}
