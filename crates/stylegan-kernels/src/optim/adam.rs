//! Adam (Kingma and Ba 2015).

use super::cpu::{self, Factors, slice_mut};
use crate::elementwise::Real;
use candle_core::{CpuStorage, DType, InplaceOp1, InplaceOp2, Layout, Result, Tensor, Var};
use std::cell::RefCell;

/// Hyper-parameters of one Adam step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamOptions {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
}

/// One Adam step in place (Kingma and Ba 2015, with bias correction): `weight`, `m` and `v` change,
/// in one pass over the four buffers. `step` counts from 1. `grad` has the shape of `weight`; values
/// beyond ±1.8e19 (f32), whose squares would be infinite, count as that.
///
/// # Errors
/// When the four shapes or element types differ, or two of the four share memory.
pub fn adam_step(weight: &Var, grad: &Tensor, m: &Var, v: &Var, step: u64, options: AdamOptions) -> Result<()> {
    let AdamOptions { lr, beta1, beta2, eps } = options;
    let power = |beta: f64| 1. - beta.powf(step as f64);
    let pass = Pass { beta1, beta2, rate: lr / power(beta1), root: power(beta2).sqrt(), eps };
    pass.run(weight, grad, [m, v])
}

/// A pass over a weight and its moments: `m` and `v` move to the gradient and its square by their decays, the weight by
/// `rate m / (sqrt(v) / root + eps)`.
pub(super) struct Pass {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) rate: f64,
    pub(super) root: f64,
    pub(super) eps: f64,
}

impl Pass {
    pub(super) fn run(&self, weight: &Var, grad: &Tensor, [m, v]: [&Var; 2]) -> Result<()> {
        for (name, other) in [("gradient", grad), ("first moment", m.as_tensor()), ("second moment", v.as_tensor())] {
            if other.dims() != weight.dims() || other.dtype() != weight.dtype() {
                candle_core::bail!(
                    "optim: the {name} is {:?} {:?}, the weight {:?} {:?}; expected the same",
                    other.dtype(),
                    other.dims(),
                    weight.dtype(),
                    weight.dims()
                )
            }
        }
        // Storages, which are borrowed one inside the other: views of one have names of their own.
        let place = |tensor: &Tensor| std::ptr::from_ref(&*tensor.storage_and_layout().0);
        let places = [weight.as_tensor(), grad, m, v].map(place);
        if (1..4).any(|i| places[..i].contains(&places[i])) {
            candle_core::bail!("optim: weight, gradient and moments must be four different tensors")
        }
        let grad = &grad.detach().contiguous()?;
        #[cfg(feature = "cuda")]
        if weight.device().is_cuda() {
            let Self { beta1, beta2, rate, root, eps } = *self;
            let launch = crate::cuda::optim::adam(weight.elem_count(), [beta1, beta2], rate, root, eps)?;
            return super::cuda::adam(launch, weight, grad, [m, v]);
        }
        match weight.dtype() {
            DType::F64 => weight.inplace_op1(&WithWeight { grad, m, v, factors: self.factors::<f64>() }),
            _ => weight.inplace_op1(&WithWeight { grad, m, v, factors: self.factors::<f32>() }),
        }
    }

    fn factors<T: Real>(&self) -> Factors<T> {
        let Self { beta1, beta2, rate, root, eps } = *self;
        let [beta1, rest1, beta2, rest2, rate, root, eps] =
            [beta1, 1. - beta1, beta2, 1. - beta2, rate, root, eps].map(T::from_f64);
        let largest = T::from_f64(if T::DTYPE == DType::F64 { 1e154 } else { 1.8e19 });
        Factors { beta1, rest1, beta2, rest2, rate, root, eps, largest }
    }
}

/// The storages of the three variables are borrowed one inside the other: the weight here, …
struct WithWeight<'a, T> {
    grad: &'a Tensor,
    m: &'a Var,
    v: &'a Var,
    factors: Factors<T>,
}

/// … the first moment here, …
struct WithFirst<'a, T> {
    weight: RefCell<&'a mut [T]>,
    grad: &'a Tensor,
    v: &'a Var,
    factors: Factors<T>,
}

/// … and here the second, and the gradient.
struct WithSecond<'a, T> {
    weight: RefCell<&'a mut [T]>,
    m: RefCell<&'a mut [T]>,
    factors: Factors<T>,
}

impl<T: Real> InplaceOp1 for WithWeight<'_, T> {
    fn name(&self) -> &'static str {
        "stylegan-adam"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let weight = RefCell::new(slice_mut::<T>(storage, layout)?);
        self.m.inplace_op1(&WithFirst { weight, grad: self.grad, v: self.v, factors: self.factors })
    }
}

impl<T: Real> InplaceOp1 for WithFirst<'_, T> {
    fn name(&self) -> &'static str {
        "stylegan-adam"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let m = RefCell::new(slice_mut::<T>(storage, layout)?);
        let mut weight = self.weight.borrow_mut();
        let weight = RefCell::new(&mut **weight);
        self.v.inplace_op2(self.grad, &WithSecond { weight, m, factors: self.factors })
    }
}

impl<T: Real> InplaceOp2 for WithSecond<'_, T> {
    fn name(&self) -> &'static str {
        "stylegan-adam"
    }

    fn cpu_fwd(
        &self,
        storage: &mut CpuStorage,
        layout: &Layout,
        grad: &CpuStorage,
        grad_layout: &Layout,
    ) -> Result<()> {
        let g = crate::cpu::slice::<T>(grad, grad_layout)?;
        let (mut w, mut m) = (self.weight.borrow_mut(), self.m.borrow_mut());
        let v = slice_mut::<T>(storage, layout)?;
        cpu::adam(&mut w, g, &mut m, v, self.factors);
        Ok(())
    }
}
