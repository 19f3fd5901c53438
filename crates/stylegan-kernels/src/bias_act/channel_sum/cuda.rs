//! Sums over everything but the channels, and their adjoints, on a GPU.

use super::{ChannelSum, Kind};
use crate::cuda::{bias_act, device};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape, Tensor};

const OP: &str = "bias_act";

impl ChannelSum {
    pub(super) fn cuda(&self, (storage, layout): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        let noise = self.noise.as_ref().map(Tensor::storage_and_layout);
        let maps = noise.as_ref().map_or(1, |(_, layout)| layout.dims()[0]);
        let noise = noise.as_ref().map(|(storage, layout)| device::view_kept(OP, storage, layout)).transpose()?;
        let (x, device) = (device::view(OP, storage, layout)?, storage.device());
        let inputs = [Some(&x), noise.as_ref()];
        let dims @ [n, c, plane] = [self.dims[0], self.dims[1], self.dims[2..].iter().product()];
        match self.kind {
            Kind::Sum => {
                let (launch, slices) = bias_act::channel_sum(dims, maps, self.gain)?;
                let parts = device::one(device, &launch, &inputs, c * slices)?;
                Ok((device::row_sums(parts, c, slices)?, c.into()))
            }
            Kind::Spread => {
                let launch = bias_act::channel_spread(dims, maps, self.gain)?;
                Ok((device::one(device, &launch, &inputs, n * c * plane)?, self.dims.clone().into()))
            }
        }
    }
}
