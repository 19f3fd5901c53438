//! Spatially adaptive normalisation on a GPU.

use super::SpadeNorm;
use candle_core::{CudaStorage, Layout, Result, Shape};

const OP: &str = "spade_norm";

impl SpadeNorm {
    pub(super) fn cuda(&self, [x, gamma, beta]: [(&CudaStorage, &Layout); 3]) -> Result<(CudaStorage, Shape)> {
        let y = self.statistics.cuda(OP, x, Some([gamma, beta]), self.eps, self.slope)?;
        Ok((y, x.1.shape().clone()))
    }

    pub(super) fn cuda_grad(&self, [g, x, gamma]: [(&CudaStorage, &Layout); 3]) -> Result<(CudaStorage, Shape)> {
        let shape: Vec<usize> = std::iter::once(2).chain(x.1.dims().iter().copied()).collect();
        Ok((self.statistics.cuda_gradient(OP, g, x, Some(gamma), self.eps)?, shape.into()))
    }
}
