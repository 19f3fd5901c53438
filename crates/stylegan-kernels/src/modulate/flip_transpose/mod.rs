//! Weights with exchanged channels and turned kernels: its own adjoint.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use crate::autodiff::{apply1, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

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
        let (a, b, r, s) = layout.shape().dims4()?;
        let (rows, columns) = if self.transpose { (b, a) } else { (a, b) };
        by_dtype!("conv2d_resample", storage, T => {
            let x = slice::<T>(storage, layout)?;
            Ok((self.cpu(x, [a, b], r * s), (rows, columns, r, s).into()))
        })
    }

    cuda_fwd!(|op, x| {
        let (a, b, r, q) = x.1.shape().dims4()?;
        let (rows, columns) = if op.transpose { (b, a) } else { (a, b) };
        Ok((op.cuda(x, [a, b, r * q])?, (rows, columns, r, q).into()))
    });

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| self.apply(g)).transpose()
    }
}
