//! Padding by reflection, and its adjoint.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod reflect;

pub(crate) use reflect::reflect;

use crate::autodiff::{apply1, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// `x` `[n, c, h, w]` with `padding` pixels more on each side, mirrored at the outermost pixels (which
/// are not repeated).
///
/// # Errors
/// When height or width are not larger than the padding.
pub fn reflect_pad2d(x: &Tensor, padding: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if padding == 0 {
        return Ok(x.clone());
    }
    let (rows, columns) = (mirrored(h, padding)?, mirrored(w, padding)?);
    apply1(x, Reflect { rows, columns, size: [h, w], adjoint: false })
}

/// For each of `side + 2 padding` pixels the one of `side` that it mirrors.
///
/// # Errors
/// When there are not more pixels than padding.
pub(crate) fn mirrored(side: usize, padding: usize) -> Result<Vec<usize>> {
    if side <= padding {
        candle_core::bail!("{padding} pixels cannot be mirrored at the edge of {side}; the image is too small")
    }
    Ok((0..side + 2 * padding).map(|i| reflect(i as i64 - padding as i64, side)).collect())
}

#[derive(Clone)]
struct Reflect {
    /// The row and column of the image that each of the padded image shows.
    rows: Vec<usize>,
    columns: Vec<usize>,
    /// Height and width of the image.
    size: [usize; 2],
    /// Whether gradients are carried back.
    adjoint: bool,
}

impl CustomOp1 for Reflect {
    fn name(&self) -> &'static str {
        "stylegan-reflect-pad"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, _, _) = layout.shape().dims4()?;
        let [h, w] = if self.adjoint { self.size } else { [self.rows.len(), self.columns.len()] };
        by_dtype!("reflect_pad2d", storage, T => {
            Ok((self.cpu::<T>(slice(storage, layout)?, n * c), (n, c, h, w).into()))
        })
    }

    cuda_fwd!(|op, x| op.cuda(x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| apply1(g, Self { adjoint: !self.adjoint, ..self.clone() })).transpose()
    }
}
