//! Updates in place on a GPU: single passes over memory.

use crate::cuda::{Launch, device, optim};
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::CudaViewMut;
use candle_core::{CpuStorage, CudaStorage, InplaceOp1, InplaceOp2, Layout, Result, Tensor, Var};
use std::cell::RefCell;

const OP: &str = "optim";

/// The numbers of a storage that are changed.
fn view_mut<'a>(storage: &'a mut CudaStorage, layout: &Layout) -> Result<CudaViewMut<'a, f32>> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("{OP}: a tensor of shape {:?} is not contiguous", layout.dims())
    };
    match storage.as_cuda_slice_mut::<f32>() {
        Ok(numbers) => Ok(numbers.slice_mut(start..end)),
        Err(_) => candle_core::bail!("{OP}: on a GPU elements are F32; convert with `to_dtype`"),
    }
}

/// What these operations say where one of several tensors is in main memory.
fn elsewhere() -> Result<()> {
    candle_core::bail!("{OP}: the weight is on a GPU, its gradient or a moment is not; move it with `to_device`")
}

/// A pass of Adam over a weight and its moments.
pub(super) fn adam(launch: Launch<optim::AdamParams>, weight: &Var, grad: &Tensor, [m, v]: [&Var; 2]) -> Result<()> {
    weight.inplace_op1(&WithWeight { launch, grad, m, v })
}

/// The storages of the three variables are borrowed one inside the other, as on the CPU.
struct WithWeight<'a> {
    launch: Launch<optim::AdamParams>,
    grad: &'a Tensor,
    m: &'a Var,
    v: &'a Var,
}

struct WithFirst<'a> {
    launch: Launch<optim::AdamParams>,
    weight: RefCell<CudaViewMut<'a, f32>>,
    grad: &'a Tensor,
    v: &'a Var,
}

struct WithSecond<'a> {
    launch: Launch<optim::AdamParams>,
    changed: RefCell<[CudaViewMut<'a, f32>; 2]>,
}

impl InplaceOp1 for WithWeight<'_> {
    fn name(&self) -> &'static str {
        "stylegan-adam"
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout) -> Result<()> {
        elsewhere()
    }

    fn cuda_fwd(&self, storage: &mut CudaStorage, layout: &Layout) -> Result<()> {
        let weight = RefCell::new(view_mut(storage, layout)?);
        self.m.inplace_op1(&WithFirst { launch: self.launch, weight, grad: self.grad, v: self.v })
    }
}

impl InplaceOp1 for WithFirst<'_> {
    fn name(&self) -> &'static str {
        "stylegan-adam"
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout) -> Result<()> {
        elsewhere()
    }

    fn cuda_fwd(&self, storage: &mut CudaStorage, layout: &Layout) -> Result<()> {
        let mut weight = self.weight.borrow_mut();
        let changed = RefCell::new([weight.slice_mut(..), view_mut(storage, layout)?]);
        self.v.inplace_op2(self.grad, &WithSecond { launch: self.launch, changed })
    }
}

impl InplaceOp2 for WithSecond<'_> {
    fn name(&self) -> &'static str {
        "stylegan-adam"
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<()> {
        elsewhere()
    }

    fn cuda_fwd(&self, v: &mut CudaStorage, layout: &Layout, grad: &CudaStorage, grad_layout: &Layout) -> Result<()> {
        let (grad, device) = (device::view(OP, grad, grad_layout)?, v.device().clone());
        let mut changed = self.changed.borrow_mut();
        let [weight, m] = &mut *changed;
        let mut outputs = [weight.slice_mut(..), m.slice_mut(..), view_mut(v, layout)?];
        device::run(&device, &self.launch, &[Some(&grad)], &mut outputs)
    }
}

/// `average = weight + (average - weight) * beta`
pub(super) fn ema(
    beta: f64,
    (average, layout): (&mut CudaStorage, &Layout),
    (weight, weight_layout): (&CudaStorage, &Layout),
) -> Result<()> {
    let (weight, device) = (device::view(OP, weight, weight_layout)?, average.device().clone());
    let launch = optim::ema(layout.shape().elem_count(), beta)?;
    device::run(&device, &launch, &[Some(&weight)], &mut [view_mut(average, layout)?])
}
