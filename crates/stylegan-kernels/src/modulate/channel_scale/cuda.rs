//! Products of planes with numbers and with each other on a GPU.

use super::PlaneProduct;
use crate::cuda::{device, modulate};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl PlaneProduct {
    pub(super) fn cuda(
        self,
        (a, layout): (&CudaStorage, &Layout),
        (b, b_layout): (&CudaStorage, &Layout),
    ) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let (device, rows, plane) = (a.device(), n * c, h * w);
        let (a, b) = (device::view("channel_scale", a, layout)?, device::view("channel_scale", b, b_layout)?);
        let inputs = [Some(&a), Some(&b)];
        match self {
            Self::Scale => {
                let launch = modulate::channel_scale(rows, plane)?;
                Ok((device::one(device, &launch, &inputs, rows * plane)?, layout.shape().clone()))
            }
            Self::Dot => {
                let (launch, slices) = modulate::plane_dot(rows, plane)?;
                let parts = device::one(device, &launch, &inputs, rows * slices)?;
                Ok((device::row_sums(parts, rows, slices)?, (n, c).into()))
            }
        }
    }
}
