//! Colour matrices on a GPU.

use super::ColorTransform;
use crate::cuda::{augment, device};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl ColorTransform {
    pub(super) fn cuda(&self, (storage, layout): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let x = device::view("color_transform", storage, layout)?;
        let (launch, matrices) = augment::color_transform(&self.matrices, c, [h, w])?;
        let matrices = storage.device().clone_htod(&matrices)?;
        let inputs = [Some(&x), Some(&matrices.as_view())];
        Ok((device::one(storage.device(), &launch, &inputs, n * c * h * w)?, layout.shape().clone()))
    }
}
