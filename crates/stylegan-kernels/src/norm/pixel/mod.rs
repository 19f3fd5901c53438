//! Pixelwise feature normalisation.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use crate::autodiff::{apply1, apply2, detached, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

/// Scales `x` `[n, c, …]` to a mean square of 1 over its channels at each pixel (`eps` added): PGGAN,
/// section 4.2.
///
/// # Errors
/// When `x` has fewer than two dimensions, or no channels.
pub fn pixel_norm(x: &Tensor, eps: f64) -> Result<Tensor> {
    if x.rank() < 2 || x.dim(1)? == 0 {
        candle_core::bail!("pixel_norm: input {:?}, expected [n, c, …] with at least one channel", x.dims())
    }
    apply1(x, PixelNorm { eps })
}

/// The gradient from candle's operations, for second derivatives.
fn composed_grad(x: &Tensor, g: &Tensor, eps: f64) -> Result<Tensor> {
    let r = (x.sqr()?.mean_keepdim(1)? + eps)?.sqrt()?.recip()?;
    let hat = x.broadcast_mul(&r)?;
    let along = g.mul(&hat)?.mean_keepdim(1)?;
    (g - hat.broadcast_mul(&along)?)?.broadcast_mul(&r)
}

#[derive(Clone, Copy)]
struct PixelNorm {
    eps: f64,
}

impl CustomOp1 for PixelNorm {
    fn name(&self) -> &'static str {
        "stylegan-pixel-norm"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("pixel_norm", s, T => Ok((self.cpu::<T>(slice(s, l)?, None, l.dims()), l.shape().clone())))
    }

    cuda_fwd!(|op, x| op.cuda(None, x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| if detached() { apply2(g, x, *self) } else { composed_grad(x, g, self.eps) }).transpose()
    }
}

/// (g, x) -> the gradient of x. Used in passes of first order alone, so without a rule of its own.
impl CustomOp2 for PixelNorm {
    fn name(&self) -> &'static str {
        "stylegan-pixel-norm-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("pixel_norm", s1, T => {
            let (g, x) = (slice::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            Ok((self.cpu(x, Some(g), l2.dims()), l2.shape().clone()))
        })
    }

    cuda_fwd!(|op, g, x| op.cuda(Some(g), x));
}
