//! Affine resampling on a GPU.

use super::AffineResample;
use crate::cuda::{augment, device};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl AffineResample {
    pub(super) fn cuda(&self, (storage, layout): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let (device, len, size) = (storage.device(), n * c * h * w, [h, w]);
        let x = device::view("affine_resample", storage, layout)?;
        let plan = if self.adjoint { augment::affine_resample_adjoint } else { augment::affine_resample };
        let (launch, [taps, maps]) = plan(&self.maps, c, size)?;
        let (taps, maps) = (device.clone_htod(&taps)?, device.clone_htod(&maps)?);
        let (taps, maps) = (taps.as_view(), maps.as_view());
        let result = if self.adjoint {
            let (rise, filter) = augment::affine_samples(n * c, size)?;
            let filter = device.clone_htod(&filter)?;
            let inputs = [Some(&x), Some(&filter.as_view()), None, None, None, None];
            let samples =
                device::one(device, &rise, &inputs, n * c * augment::samples(size).iter().product::<usize>())?;
            let samples = samples.as_cuda_slice::<f32>()?.as_view();
            device::one(device, &launch, &[Some(&samples), Some(&x), Some(&taps), Some(&maps)], len)?
        } else {
            device::one(device, &launch, &[Some(&x), Some(&taps), Some(&maps)], len)?
        };
        Ok((result, layout.shape().clone()))
    }
}
