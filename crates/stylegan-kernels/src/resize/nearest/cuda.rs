//! Repeating pixels and summing blocks of pixels on a GPU.

use super::{Blocks, Kind};
use crate::cuda::{device, resample};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl Blocks {
    pub(super) fn cuda(&self, (storage, layout): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let x = device::view("upsample_nearest", storage, layout)?;
        let (launch, [oh, ow]) = match self.kind {
            Kind::Repeat => {
                let size = [h * self.factor, w * self.factor];
                (resample::repeat_pixels(n * c, [h, w], self.factor, self.gain)?, size)
            }
            Kind::Sum => {
                let size = [h / self.factor, w / self.factor];
                (resample::sum_blocks(n * c, size, self.factor, self.gain)?, size)
            }
        };
        let y = device::one(storage.device(), &launch, &[Some(&x)], n * c * oh * ow)?;
        Ok((y, (n, c, oh, ow).into()))
    }
}
