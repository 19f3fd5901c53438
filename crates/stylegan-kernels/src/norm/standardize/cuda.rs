//! Normalisation on a GPU.

use super::Standardize;
use candle_core::{CudaStorage, Layout, Result, Shape};

const OP: &str = "standardize";

impl Standardize {
    pub(super) fn cuda(&self, x: (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        Ok((self.statistics.cuda(OP, x, None, self.eps, 1.)?, x.1.shape().clone()))
    }

    pub(super) fn cuda_grad(
        &self,
        g: (&CudaStorage, &Layout),
        x: (&CudaStorage, &Layout),
    ) -> Result<(CudaStorage, Shape)> {
        Ok((self.statistics.cuda_gradient(OP, g, x, None, self.eps)?, x.1.shape().clone()))
    }
}
