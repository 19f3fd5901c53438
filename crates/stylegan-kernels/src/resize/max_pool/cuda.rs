//! Maxima of windows on a GPU.

use super::Routed;
use crate::cuda::{device, resample};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

const OP: &str = "max_pool2d";

impl Routed {
    pub(super) fn cuda(
        self,
        (x, layout): (&CudaStorage, &Layout),
        (values, values_layout): (&CudaStorage, &Layout),
    ) -> Result<(CudaStorage, Shape)> {
        let ((n, c, h, w), windows) = (layout.shape().dims4()?, self.pool.0);
        let counts = [h, w].map(|side| windows.count(side));
        let inputs = [device::view(OP, x, layout)?, device::view(OP, values, values_layout)?];
        let plan = if self.back { resample::max_pool_adjoint } else { resample::max_pool };
        let launch = plan(n * c, [h, w], counts, [windows.size, windows.stride, windows.padding])?;
        let [oh, ow] = if self.back { [h, w] } else { counts };
        let y = device::one(x.device(), &launch, &inputs.each_ref().map(Some), n * c * oh * ow)?;
        Ok((y, (n, c, oh, ow).into()))
    }
}
