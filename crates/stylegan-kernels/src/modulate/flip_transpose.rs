//! Weights with exchanged channels and turned kernels: its own adjoint.

use crate::autodiff::{apply1, wants_grad};
use crate::elementwise::{by_dtype, written};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::mem::MaybeUninit;

/// `[a, b, r, s]` to `[b, a, r, s]` if `transpose`, kernels turned by 180 degrees if `flip`.
#[derive(Clone, Copy)]
pub(super) struct FlipTranspose {
    pub transpose: bool,
    pub flip: bool,
}

impl FlipTranspose {
    pub(super) fn apply(self, weight: &Tensor) -> Result<Tensor> {
        weight.dims4()?;
        apply1(weight, self)
    }
}

impl CustomOp1 for FlipTranspose {
    fn name(&self) -> &'static str {
        "stylegan-flip-transpose"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("conv2d_resample", storage, T => {
            let x = crate::cpu::slice::<T>(storage, layout)?;
            let (a, b, r, s) = layout.shape().dims4()?;
            let kernel = r * s;
            let (rows, columns) = if self.transpose { (b, a) } else { (a, b) };
            let write = |y: &mut [MaybeUninit<T>]| {
                crate::threads::for_each_chunk(y, columns * kernel, |i, y| {
                    for (j, y) in y.chunks_mut(kernel.max(1)).enumerate() {
                        let at = if self.transpose { j * b + i } else { i * b + j };
                        for (y, &x) in y.iter_mut().zip(&x[at * kernel..][..kernel]) {
                            y.write(x);
                        }
                        if self.flip {
                            y.reverse();
                        }
                    }
                })
            };
            // SAFETY: kernels are written from kernels.
            Ok((unsafe { written(x.len(), write) }, (rows, columns, r, s).into()))
        })
    }

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| self.apply(g)).transpose()
    }
}
