//! Repeating pixels and summing blocks of pixels: each is the other's adjoint.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use crate::autodiff::{apply1, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// Multiplies height and width of `[n, c, h, w]` by `factor` by repeating pixels.
///
/// # Errors
/// When `x` does not have four dimensions or the factor is 0.
pub fn upsample_nearest(x: &Tensor, factor: usize) -> Result<Tensor> {
    x.dims4()?;
    if factor == 0 {
        candle_core::bail!("upsample_nearest: factor 0, expected at least 1")
    }
    apply1(x, Blocks { kind: Kind::Repeat, factor, gain: 1. })
}

/// Doubles height and width of `[n, c, h, w]` by repeating pixels.
///
/// # Errors
/// When `x` does not have four dimensions.
pub fn upsample_nearest2x(x: &Tensor) -> Result<Tensor> {
    upsample_nearest(x, 2)
}

/// Divides height and width of `[n, c, h, w]` by `factor` by averaging blocks.
///
/// # Errors
/// When height or width are not multiples of the factor.
pub(super) fn avg_pool_blocks(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if factor == 0 || h % factor != 0 || w % factor != 0 {
        candle_core::bail!(
            "avg_pool: {h}x{w} pixels do not divide into blocks of {factor}x{factor}; crop or resize first"
        )
    }
    apply1(x, Blocks { kind: Kind::Sum, factor, gain: 1. / (factor * factor) as f64 })
}

/// Halves height and width of `[n, c, h, w]` (both even) by averaging 2x2 pixels.
///
/// # Errors
/// When height or width are odd.
pub fn avg_pool2x(x: &Tensor) -> Result<Tensor> {
    avg_pool_blocks(x, 2)
}

#[derive(Clone, Copy)]
enum Kind {
    Repeat,
    Sum,
}

#[derive(Clone, Copy)]
struct Blocks {
    kind: Kind,
    factor: usize,
    gain: f64,
}

impl CustomOp1 for Blocks {
    fn name(&self) -> &'static str {
        "stylegan-nearest"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = layout.shape().dims4()?;
        by_dtype!("upsample_nearest", storage, T => Ok(self.cpu::<T>(slice(storage, layout)?, dims)))
    }

    cuda_fwd!(|op, x| op.cuda(x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let kind = match self.kind {
            Kind::Repeat => Kind::Sum,
            Kind::Sum => Kind::Repeat,
        };
        wants_grad(x).then(|| apply1(g, Self { kind, ..*self })).transpose()
    }
}
