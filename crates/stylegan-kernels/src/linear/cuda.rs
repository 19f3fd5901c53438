//! Matrix products on a GPU: cuBLAS's, through candle.

use super::{Kind, Product};
use crate::cuda::device;
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl Product {
    pub(super) fn cuda(
        &self,
        (a, a_layout): (&CudaStorage, &Layout),
        (b, b_layout): (&CudaStorage, &Layout),
    ) -> Result<(CudaStorage, Shape)> {
        let ((a0, a1), (b0, b1)) = (a_layout.shape().dims2()?, b_layout.shape().dims2()?);
        let turned = |layout: &Layout| layout.transpose(0, 1);
        let (m, k, p, a_layout, b_layout) = match self.kind {
            Kind::Forward => (a0, a1, b0, a_layout.clone(), turned(b_layout)?),
            Kind::Input => (a0, a1, b1, a_layout.clone(), b_layout.clone()),
            Kind::Weight => (a1, a0, b1, turned(a_layout)?, b_layout.clone()),
        };
        let product = a.matmul(b, (1, m, p, k), &a_layout, &b_layout)?;
        Ok((device::scaled(product, [m, p], self.gain)?, (m, p).into()))
    }
}
