//! Cutout on a GPU.

use super::Cutout;
use crate::cuda::{augment, device};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl Cutout {
    pub(super) fn cuda(&self, (storage, layout): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let x = device::view("cutout", storage, layout)?;
        let (launch, holes) = augment::cutout(&self.rectangles, c, [h, w])?;
        let holes = storage.device().clone_htod(&holes)?;
        let inputs = [Some(&x), Some(&holes.as_view())];
        Ok((device::one(storage.device(), &launch, &inputs, n * c * h * w)?, layout.shape().clone()))
    }
}
