//! Pixelwise feature normalisation on a GPU.

use super::PixelNorm;
use crate::cuda::{device, norm};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

const OP: &str = "pixel_norm";

impl PixelNorm {
    /// The result for `x`, or with `g` the gradient.
    pub(super) fn cuda(
        &self,
        g: Option<(&CudaStorage, &Layout)>,
        (storage, layout): (&CudaStorage, &Layout),
    ) -> Result<(CudaStorage, Shape)> {
        let g = g.map(|(storage, layout)| device::view(OP, storage, layout)).transpose()?;
        let x = device::view(OP, storage, layout)?;
        let dims = layout.dims();
        let launch = norm::pixel_norm([dims[0], dims[1], dims[2..].iter().product()], self.eps)?;
        let len = layout.shape().elem_count();
        Ok((device::one(storage.device(), &launch, &[g.as_ref(), Some(&x)], len)?, layout.shape().clone()))
    }
}
