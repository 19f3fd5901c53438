//! Piecewise linear activations on a GPU.

use super::PiecewiseLinear;
use crate::cuda::{Epilogue, Map, bias_act, device};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape, Tensor};

const OP: &str = "bias_act";

impl PiecewiseLinear {
    /// The result for x, with bias and strength of the noise, if any.
    pub(in crate::bias_act) fn cuda(
        &self,
        (storage, layout): (&CudaStorage, &Layout),
        bias: Option<(&CudaStorage, &Layout)>,
        strength: Option<(&CudaStorage, &Layout)>,
    ) -> Result<(CudaStorage, Shape)> {
        let dims = layout.dims();
        let (rows, plane) = (dims.iter().take(2).product(), dims.iter().skip(2).product());
        let noise = self.noise.as_ref().map(Tensor::storage_and_layout);
        let maps = noise.as_ref().map_or(1, |(_, layout)| layout.dims()[0]);
        let noise = noise.as_ref().map(|(storage, layout)| device::view_kept(OP, storage, layout)).transpose()?;
        let view = |(storage, layout)| device::view(OP, storage, layout);
        let x = view((storage, layout))?;
        let (bias, strength) = (bias.map(view).transpose()?, strength.map(view).transpose()?);
        let channels = dims.get(1).copied().unwrap_or(1);
        let end = Epilogue::new(self.device_map(), self.bias_gain, channels, maps)?;
        let inputs = [Some(&x), None, noise.as_ref(), strength.as_ref(), bias.as_ref()];
        let launch = bias_act::bias_act(rows, plane, end)?;
        Ok((device::one(storage.device(), &launch, &inputs, rows * plane)?, layout.shape().clone()))
    }

    /// `g` times the slopes that the results `y` tell.
    pub(super) fn cuda_gradient(
        &self,
        (g, layout): (&CudaStorage, &Layout),
        (y, y_layout): (&CudaStorage, &Layout),
    ) -> Result<(CudaStorage, Shape)> {
        let (gs, ys) = (device::view(OP, g, layout)?, device::view(OP, y, y_layout)?);
        let len = layout.shape().elem_count();
        let launch = bias_act::bias_act_gradient(len, self.device_map())?;
        Ok((device::one(g.device(), &launch, &[Some(&gs), Some(&ys)], len)?, layout.shape().clone()))
    }

    fn device_map(&self) -> Map {
        Map::new(self.slope, self.gain, self.clamp)
    }
}
