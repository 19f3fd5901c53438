//! Smooth activations and their derivatives on a GPU.

use super::Smooth;
use crate::cuda::{bias_act, device};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl Smooth {
    /// The function of `x`, or `h` times the derivative at `x`.
    pub(super) fn cuda(
        self,
        h: Option<(&CudaStorage, &Layout)>,
        (x, layout): (&CudaStorage, &Layout),
    ) -> Result<(CudaStorage, Shape)> {
        let h = h.map(|(storage, layout)| device::view("bias_act", storage, layout)).transpose()?;
        let (xs, len) = (device::view("bias_act", x, layout)?, layout.shape().elem_count());
        let launch = bias_act::smooth(len, self.act, self.order, self.gain, self.clamp)?;
        Ok((device::one(x.device(), &launch, &[h.as_ref(), Some(&xs)], len)?, layout.shape().clone()))
    }
}
