//! Spatially adaptive normalisation (SPADE).

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use super::standardize::composed_grad;
use super::statistics::Statistics;
use crate::autodiff::{apply3, detached, wants_grad};
use crate::bias_act::PiecewiseLinear;
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

/// `leaky(x̂ (1 + gamma) + beta)` with `x̂ = (x - mean) / sqrt(variance + eps)`: normalised by its
/// statistics, then scaled and shifted pixel by pixel, in one pass (Park et al. 2019, section 3,
/// equation 1; the networks learn the scale's distance from 1). `x`, `gamma` and `beta` are
/// `[n, c, h, w]`; negative results are multiplied by `slope`, 1 for no activation.
///
/// # Errors
/// When gamma or beta do not have the shape of `x`, the statistics are those of another tensor, or the
/// slope is not in 0..=1.
pub fn spade_norm(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    statistics: &Statistics,
    eps: f64,
    slope: f64,
) -> Result<Tensor> {
    statistics.check("spade_norm", x)?;
    for (name, map) in [("gamma", gamma), ("beta", beta)] {
        if map.dims() != x.dims() {
            candle_core::bail!("spade_norm: {name} {:?} for input {:?}, expected the same shape", map.dims(), x.dims())
        }
    }
    if !(0. ..=1.).contains(&slope) {
        candle_core::bail!("spade_norm: slope is {slope}, expected 0 to 1")
    }
    apply3(x, gamma, beta, SpadeNorm { statistics: statistics.clone(), eps, slope })
}

#[derive(Clone)]
struct SpadeNorm {
    statistics: Statistics,
    eps: f64,
    slope: f64,
}

impl CustomOp3 for SpadeNorm {
    fn name(&self) -> &'static str {
        "stylegan-spade-norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!("spade_norm", s1, T => {
            let (x, gamma, beta) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
            Ok((self.cpu::<T>(x, gamma, beta, l1.dims()), l1.shape().clone()))
        })
    }

    cuda_fwd!(|op, x, gamma, beta| op.cuda([x, gamma, beta]));

    fn bwd(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        // The sign of the result tells on which side of zero it comes from.
        let g = PiecewiseLinear::leaky(self.slope).grad_x(g, y)?;
        let (gx, ggamma) = if !wants_grad(x) && !wants_grad(gamma) {
            (None, None)
        } else if detached() {
            let packed = apply3(&g, x, gamma, SpadeNormGrad(self.clone()))?;
            (Some(packed.get(0)?), Some(packed.get(1)?))
        } else {
            // The same from candle's operations, for second derivatives.
            let (centred, rstd) = self.statistics.composed(x, self.eps)?;
            let hat = centred.broadcast_mul(&rstd)?;
            let gx = composed_grad(&self.statistics, &g.mul(&(gamma + 1.)?)?, &hat, &rstd)?;
            (Some(gx), Some(g.mul(&hat)?))
        };
        Ok((gx.filter(|_| wants_grad(x)), ggamma.filter(|_| wants_grad(gamma)), wants_grad(beta).then_some(g)))
    }
}

/// (g, x, gamma) -> the gradients of x and gamma, `[2, n, c, h, w]`. `g` is that before the activation.
struct SpadeNormGrad(SpadeNorm);

impl CustomOp3 for SpadeNormGrad {
    fn name(&self) -> &'static str {
        "stylegan-spade-norm-gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape: Vec<usize> = std::iter::once(2).chain(l1.dims().iter().copied()).collect();
        by_dtype!("spade_norm", s1, T => {
            let (g, x, gamma) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
            Ok((self.0.cpu_grad::<T>(g, x, gamma, l1.dims()), shape.into()))
        })
    }

    cuda_fwd!(|op, g, x, gamma| op.0.cuda_grad([g, x, gamma]));
}
