//! Bilinear interpolation on a GPU.

use super::Bilinear;
use crate::cuda::{device, resample};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl Bilinear {
    pub(super) fn cuda(&self, (storage, layout): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        let (n, c, _, _) = layout.shape().dims4()?;
        let x = device::view("resize_bilinear", storage, layout)?;
        let (rows, from, to) = (n * c, self.from, self.to);
        let (launch, [oh, ow]) = if self.adjoint {
            (resample::bilinear_adjoint(rows, from, to, self.align_corners)?, from)
        } else {
            (resample::bilinear(rows, from, to, self.align_corners)?, to)
        };
        Ok((device::one(storage.device(), &launch, &[Some(&x)], rows * oh * ow)?, (n, c, oh, ow).into()))
    }
}
