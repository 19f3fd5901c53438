//! The moving average of weights.

use super::cpu;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var};

/// `average = weight + (average - weight) * beta` in place.
///
/// # Errors
/// When shapes or element types differ.
pub fn ema_step(average: &Var, weight: &Tensor, beta: f64) -> Result<()> {
    if average.dims() != weight.dims() || average.dtype() != weight.dtype() {
        candle_core::bail!(
            "ema_step: {:?} {:?} cannot be updated from {:?} {:?}, expected the same shape and type",
            average.dtype(),
            average.dims(),
            weight.dtype(),
            weight.dims()
        )
    }
    average.inplace_op2(&weight.detach().contiguous()?, &Ema { beta })
}

struct Ema {
    beta: f64,
}

impl InplaceOp2 for Ema {
    fn name(&self) -> &'static str {
        "stylegan-ema"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        by_dtype!("ema_step", &*s1, T => {
            let weight = crate::cpu::slice::<T>(s2, l2)?;
            cpu::ema(cpu::slice_mut::<T>(s1, l1)?, weight, self.beta as T);
            Ok(())
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &mut candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<()> {
        super::cuda::ema(self.beta, (s1, l1), (s2, l2))
    }
}
