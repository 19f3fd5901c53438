//! Filters of single images on a GPU: along rows before columns, and back along columns before rows.

use super::FilterImages;
use crate::cuda::augment::{self, Along};
use crate::cuda::device;
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl FilterImages {
    pub(super) fn cuda(&self, (storage, layout): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let (device, len) = (storage.device(), n * c * h * w);
        let x = device::view("filter_images", storage, layout)?;
        let plan = |along: Along| match self.adjoint {
            false => augment::image_filter(&self.filters, c, [h, w], along),
            true => augment::image_filter_adjoint(&self.filters, c, [h, w], along),
        };
        let [first, second] = if self.adjoint { [Along::Columns, Along::Rows] } else { [Along::Rows, Along::Columns] };
        let (launch, filters) = plan(first)?;
        let filters = device.clone_htod(&filters)?;
        let filters = filters.as_view();
        let half = device::one(device, &launch, &[Some(&x), Some(&filters)], len)?;
        let half = half.as_cuda_slice::<f32>()?.as_view();
        let (launch, _) = plan(second)?;
        Ok((device::one(device, &launch, &[Some(&half), Some(&filters)], len)?, layout.shape().clone()))
    }
}
