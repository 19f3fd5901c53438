//! Instance normalisation with a style on a GPU.

use super::{InstanceStyle, InstanceStyleGrad};
use crate::cuda::{device, norm};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

const OP: &str = "instance_style";

/// `[n * c, h * w]` of an input.
fn planes(layout: &Layout) -> Result<(usize, usize)> {
    let (n, c, h, w) = layout.shape().dims4()?;
    Ok((n * c, h * w))
}

impl InstanceStyle {
    pub(super) fn cuda(&self, arguments: [(&CudaStorage, &Layout); 3]) -> Result<(CudaStorage, Shape)> {
        let (storage, layout) = arguments[0];
        let (rows, plane) = planes(layout)?;
        let [x, scale, shift] = arguments.map(|(storage, layout)| device::view(OP, storage, layout));
        let (x, scale, shift) = (x?, scale?, shift?);
        let launch = norm::instance_style(rows, plane, self.eps)?;
        let inputs = [Some(&x), Some(&scale), Some(&shift)];
        Ok((device::one(storage.device(), &launch, &inputs, rows * plane)?, layout.shape().clone()))
    }
}

impl InstanceStyleGrad {
    pub(super) fn cuda(&self, arguments: [(&CudaStorage, &Layout); 3]) -> Result<(CudaStorage, Shape)> {
        let device = arguments[0].0.device();
        let (rows, plane) = planes(arguments[1].1)?;
        let [g, x, scale] = arguments.map(|(storage, layout)| device::view(OP, storage, layout));
        let (g, x, scale) = (g?, x?, scale?);
        let mut packed = device::memory(device, rows * plane + 2 * rows)?;
        let (mut gx, mut rest) = packed.split_at_mut(rows * plane);
        let (gscale, rest) = rest.split_at_mut(rows);
        let mut outputs = [gx.slice_mut(..), gscale, rest];
        let launch = norm::instance_style_gradient(rows, plane, self.eps)?;
        device::run(device, &launch, &[Some(&g), Some(&x), Some(&scale)], &mut outputs)?;
        Ok((device::storage(packed, device), (rows * plane + 2 * rows).into()))
    }
}
