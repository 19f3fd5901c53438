//! Padding by reflection on a GPU.

use super::Reflect;
use crate::cuda::{device, pad};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl Reflect {
    pub(super) fn cuda(&self, (storage, layout): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        let (n, c, _, _) = layout.shape().dims4()?;
        let x = device::view("reflect_pad2d", storage, layout)?;
        let padding = (self.rows.len() - self.size[0]) / 2;
        let (launch, [h, w]) = if self.adjoint {
            (pad::reflect_pad_adjoint(n * c, self.size, padding)?, self.size)
        } else {
            (pad::reflect_pad(n * c, self.size, padding)?, [self.rows.len(), self.columns.len()])
        };
        Ok((device::one(storage.device(), &launch, &[Some(&x)], n * c * h * w)?, (n, c, h, w).into()))
    }
}
