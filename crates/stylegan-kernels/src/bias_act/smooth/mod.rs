//! Activations whose derivatives need the argument (the smooth ones, and leaky ReLU with a negative
//! slope), with gain and clamp, and their first and second derivatives.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use super::Activation;
use crate::autodiff::{apply2, operand, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

/// Order 0: `x -> clamp(gain * act(x))`. Orders 1 and 2: `(h, x) -> h *` that derivative.
#[derive(Clone, Copy)]
pub(super) struct Smooth {
    pub act: Activation,
    pub gain: f64,
    /// Bound of the magnitude, infinite for none.
    pub clamp: f64,
    pub order: u8,
}

impl CustomOp1 for Smooth {
    fn name(&self) -> &'static str {
        "stylegan-activation"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("bias_act", s, T => {
            Ok((self.values::<T>(slice(s, l)?), l.shape().clone()))
        })
    }

    cuda_fwd!(|op, x| op.cuda(None, x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| apply2(g, x, Self { order: 1, ..*self })).transpose()
    }
}

impl CustomOp2 for Smooth {
    fn name(&self) -> &'static str {
        "stylegan-activation-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("bias_act", s1, T => {
            Ok((self.products::<T>(slice(s1, l1)?, slice(s2, l2)?), l1.shape().clone()))
        })
    }

    cuda_fwd!(|op, h, x| op.cuda(Some(h), x));

    fn bwd(&self, h: &Tensor, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gh = wants_grad(h).then(|| apply2(g, x, *self)).transpose()?;
        let gx = wants_grad(x).then(|| match self.order {
            1 => apply2(&operand(h).mul(g)?, x, Self { order: 2, ..*self }),
            _ => candle_core::bail!(
                "bias_act: {:?} is differentiable twice, a third derivative was asked for; use tanh by candle or a \
                 piecewise linear activation",
                self.act
            ),
        });
        Ok((gh, gx.transpose()?))
    }
}
