//! Products of planes with numbers and with each other: a bilinear family closed under
//! differentiation.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use crate::autodiff::{apply2, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

/// Multiplies each plane of `x` `[n, c, h, w]` by its entry of `scale` `[n, c]`.
///
/// # Errors
/// When the first two dimensions differ.
pub fn channel_scale(x: &Tensor, scale: &Tensor) -> Result<Tensor> {
    let (n, c, _, _) = x.dims4()?;
    if scale.dims() != [n, c] {
        candle_core::bail!("channel_scale: scale {:?} for input {:?}, expected [{n}, {c}]", scale.dims(), x.dims())
    }
    apply2(x, scale, PlaneProduct::Scale)
}

/// The sum of products of each plane of `a` with the same plane of `b`: two `[n, c, h, w]` give
/// `[n, c]`.
///
/// # Errors
/// When the shapes differ.
pub fn plane_dot(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.dims4()?;
    if a.dims() != b.dims() {
        candle_core::bail!("plane_dot: shapes {:?} and {:?} differ; both are [n, c, h, w]", a.dims(), b.dims())
    }
    apply2(a, b, PlaneProduct::Dot)
}

#[derive(Clone, Copy)]
enum PlaneProduct {
    /// (x, scale) -> scaled x
    Scale,
    /// (a, b) -> one number per plane
    Dot,
}

impl CustomOp2 for PlaneProduct {
    fn name(&self) -> &'static str {
        "stylegan-plane-product"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("channel_scale", s1, T => {
            let (a, b) = (slice::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            let (n, c, h, w) = l1.shape().dims4()?;
            Ok(match self {
                PlaneProduct::Scale => (cpu::scale(a, b, h * w), l1.shape().clone()),
                PlaneProduct::Dot => (cpu::dots(a, b, n * c, h * w), (n, c).into()),
            })
        })
    }

    cuda_fwd!(|op, a, b| op.cuda(a, b));

    fn bwd(&self, a: &Tensor, b: &Tensor, _res: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (ga, gb) = match self {
            PlaneProduct::Scale => (wants_grad(a).then(|| channel_scale(g, b)), wants_grad(b).then(|| plane_dot(g, a))),
            PlaneProduct::Dot => {
                (wants_grad(a).then(|| channel_scale(b, g)), wants_grad(b).then(|| channel_scale(a, g)))
            }
        };
        Ok((ga.transpose()?, gb.transpose()?))
    }
}
