//! Normalisation to mean 0 and variance 1 alone.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use super::statistics::Statistics;
use crate::autodiff::{apply1, apply2, detached, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

/// `(x - mean) / sqrt(variance + eps)` for `x` `[n, c, h, w]` and its statistics.
///
/// # Errors
/// When the statistics are those of a tensor of another shape.
pub fn standardize(x: &Tensor, statistics: &Statistics, eps: f64) -> Result<Tensor> {
    statistics.check("standardize", x)?;
    apply1(x, Standardize { statistics: statistics.clone(), eps })
}

#[derive(Clone)]
struct Standardize {
    statistics: Statistics,
    eps: f64,
}

impl CustomOp1 for Standardize {
    fn name(&self) -> &'static str {
        "stylegan-standardize"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("standardize", storage, T => {
            Ok((self.cpu::<T>(slice(storage, layout)?, layout.dims()), layout.shape().clone()))
        })
    }

    cuda_fwd!(|op, x| op.cuda(x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        if !wants_grad(x) {
            return Ok(None);
        }
        if detached() {
            return apply2(g, x, StandardizeGrad(self.clone())).map(Some);
        }
        // The same from candle's operations, for second derivatives.
        let (centred, rstd) = self.statistics.composed(x, self.eps)?;
        composed_grad(&self.statistics, g, &centred.broadcast_mul(&rstd)?, &rstd).map(Some)
    }
}

/// The gradient of the input from the gradient `g` of the normalised values `hat`, from candle's
/// operations.
pub(super) fn composed_grad(statistics: &Statistics, g: &Tensor, hat: &Tensor, rstd: &Tensor) -> Result<Tensor> {
    let inner = match (statistics.mean_over(g)?, statistics.mean_over(&g.mul(hat)?)?) {
        (Some(level), Some(along)) => g.broadcast_sub(&level)?.sub(&hat.broadcast_mul(&along)?)?,
        _ => g.clone(),
    };
    inner.broadcast_mul(rstd)
}

/// (g, x) -> the gradient of x.
struct StandardizeGrad(Standardize);

impl CustomOp2 for StandardizeGrad {
    fn name(&self) -> &'static str {
        "stylegan-standardize-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("standardize", s1, T => {
            Ok((self.0.cpu_grad::<T>(slice(s1, l1)?, slice(s2, l2)?, l1.dims()), l1.shape().clone()))
        })
    }

    cuda_fwd!(|op, g, x| op.0.cuda_grad(g, x));
}
