//! Activations whose derivatives need the argument (the smooth ones, and leaky ReLU with a negative
//! slope), with gain and clamp, and their first and second derivatives.

use super::Activation;
use crate::autodiff::{apply2, operand, wants_grad};
use crate::elementwise::{Real, TASK, by_dtype, written};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use std::mem::MaybeUninit;

/// Elements per task: each costs several of the other loops'.
const LEN: usize = TASK / 8;

/// Order 0: `x -> clamp(gain * act(x))`. Orders 1 and 2: `(h, x) -> h *` that derivative.
#[derive(Clone, Copy)]
pub(super) struct Smooth {
    pub act: Activation,
    pub gain: f64,
    /// Bound of the magnitude, infinite for none.
    pub clamp: f64,
    pub order: u8,
}

impl Smooth {
    fn value<T: Real>(self, x: T) -> T {
        let (gain, clamp) = (T::from_f64(self.gain), T::from_f64(self.clamp));
        let y = gain * self.act.derivative(0, x);
        match self.order {
            0 if y > clamp => clamp,
            0 if y < T::zero() - clamp => T::zero() - clamp,
            0 => y,
            _ if y.abs() >= clamp => T::zero(),
            order => gain * self.act.derivative(order, x),
        }
    }
}

impl CustomOp1 for Smooth {
    fn name(&self) -> &'static str {
        "stylegan-activation"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("bias_act", s, T => {
            let x = crate::cpu::slice::<T>(s, l)?;
            let write = |y: &mut [MaybeUninit<T>]| {
                crate::threads::for_each_chunk(y, LEN, |task, y| {
                    for (y, &x) in y.iter_mut().zip(&x[task * LEN..]) {
                        y.write(self.value::<T>(x));
                    }
                })
            };
            // SAFETY: as many results as arguments.
            Ok((unsafe { written(x.len(), write) }, l.shape().clone()))
        })
    }

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
            let (h, x) = (crate::cpu::slice::<T>(s1, l1)?, crate::cpu::slice::<T>(s2, l2)?);
            let write = |y: &mut [MaybeUninit<T>]| {
                crate::threads::for_each_chunk(y, LEN, |task, y| {
                    let (h, x) = (&h[task * LEN..][..y.len()], &x[task * LEN..]);
                    for ((y, &h), &x) in y.iter_mut().zip(h).zip(x) {
                        y.write(h * self.value::<T>(x));
                    }
                })
            };
            // SAFETY: as many results as arguments of either kind.
            Ok((unsafe { written(x.len(), write) }, l1.shape().clone()))
        })
    }

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
