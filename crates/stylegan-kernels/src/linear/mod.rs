//! Fully connected layers: products of matrices, a family closed under differentiation.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use crate::autodiff::{apply2, wants_grad};
use crate::bias_act::{BiasAct, scaled_bias_act};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

/// `gain * x weightᵀ + bias_gain * bias`: `x` `[n, i]`, `weight` `[o, i]`, `bias` `[o]`.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, gain: f64, bias_gain: f64) -> Result<Tensor> {
    let ((_, i), (_, wi)) = (x.dims2()?, weight.dims2()?);
    if i != wi {
        candle_core::bail!("linear: input {:?} has {i} features, the weight {:?} expects {wi}", x.dims(), weight.dims())
    }
    let y = apply2(x, weight, Product { kind: Kind::Forward, gain })?;
    scaled_bias_act(&y, bias, bias_gain, BiasAct::default())
}

#[derive(Clone, Copy)]
enum Kind {
    /// x `[n, i]`, w `[o, i]` -> `[n, o]`
    Forward,
    /// y `[n, o]`, w `[o, i]` -> `[n, i]`
    Input,
    /// y `[n, o]`, x `[n, i]` -> `[o, i]`
    Weight,
}

#[derive(Clone, Copy)]
struct Product {
    kind: Kind,
    gain: f64,
}

impl CustomOp2 for Product {
    fn name(&self) -> &'static str {
        "stylegan-linear"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((a0, a1), (b0, b1)) = (l1.shape().dims2()?, l2.shape().dims2()?);
        by_dtype!("linear", s1, T => {
            Ok(self.cpu::<T>((slice(s1, l1)?, [a0, a1]), (slice(s2, l2)?, [b0, b1])))
        })
    }

    cuda_fwd!(|op, a, b| op.cuda(a, b));

    fn bwd(&self, a: &Tensor, b: &Tensor, _res: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (da, db) = (wants_grad(a), wants_grad(b));
        let product = |kind, a: &Tensor, b: &Tensor| apply2(a, b, Self { kind, ..*self });
        let (ga, gb) = match self.kind {
            Kind::Forward => (da.then(|| product(Kind::Input, g, b)), db.then(|| product(Kind::Weight, g, a))),
            Kind::Input => (da.then(|| product(Kind::Forward, g, b)), db.then(|| product(Kind::Weight, a, g))),
            Kind::Weight => (da.then(|| product(Kind::Forward, b, g)), db.then(|| product(Kind::Input, a, g))),
        };
        Ok((ga.transpose()?, gb.transpose()?))
    }
}
