//! Piecewise linear activations on a GPU.

use super::PiecewiseLinear;
use crate::cuda::end::End;
use crate::cuda::{Epilogue, Map, bias_act, device};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape, Tensor};

const OP: &str = "bias_act";

/// Pixels from which on all gradients are taken in one launch, which has a block for each plane: of fewer, most of its
/// threads would have nothing to do.
const PLANE: usize = 256;

impl PiecewiseLinear {
    /// The result for x, with bias and strength of the noise, if any.
    pub(super) fn cuda(
        &self,
        (storage, layout): (&CudaStorage, &Layout),
        bias: Option<(&CudaStorage, &Layout)>,
        strength: Option<(&CudaStorage, &Layout)>,
    ) -> Result<(CudaStorage, Shape)> {
        let dims = layout.dims();
        let size = [dims.iter().take(2).product(), dims.iter().skip(2).product()];
        let (x, channels) = (device::view(OP, storage, layout)?, dims.get(1).copied().unwrap_or(1));
        let y = self.cuda_end(channels, bias, strength, |end| end.apply(storage.device(), &x, size))?;
        Ok((y, layout.shape().clone()))
    }

    /// Hands it to `with` as the end of a layer with `channels` channels.
    pub(in crate::bias_act) fn cuda_end<R>(
        &self,
        channels: usize,
        bias: Option<(&CudaStorage, &Layout)>,
        strength: Option<(&CudaStorage, &Layout)>,
        with: impl FnOnce(&End) -> Result<R>,
    ) -> Result<R> {
        let noise = self.noise.as_ref().map(Tensor::storage_and_layout);
        let maps = noise.as_ref().map_or(1, |(_, layout)| layout.dims()[0]);
        let noise = device::view_if(OP, &noise)?;
        let view = |(storage, layout)| device::view(OP, storage, layout);
        let plan = Epilogue::new(self.device_map(), self.bias_gain, channels, maps)?;
        with(&End { plan, arrays: [None, noise, strength.map(view).transpose()?, bias.map(view).transpose()?] })
    }

    /// The gradient before the activation of `y` `[n, c, …]`, and what sums to those of bias and strength over samples and
    /// slices, `[3, n, c, slices]`, in one launch. None where its planes are too small for that.
    pub(super) fn cuda_gradients(&self, g: &Tensor, y: &Tensor, noisy: bool) -> Result<Option<[Tensor; 2]>> {
        let (n, c, plane) = match y.dims() {
            [n, c, pixels @ ..] if y.device().is_cuda() => (*n, *c, pixels.iter().product::<usize>()),
            _ => return Ok(None),
        };
        if plane < PLANE || n * c == 0 {
            return Ok(None);
        }
        let (g, y) = (g.contiguous()?, y.contiguous()?);
        let noise = self.noise.as_ref().filter(|_| noisy);
        let plan = Epilogue::new(self.device_map(), 1., c, noise.map_or(1, |noise| noise.dims()[0]))?;
        let (launch, slices) = bias_act::epilogue_gradient(n * c, plane, plan)?;
        let kept = [Some(&g), Some(&y), noise].map(|tensor| tensor.map(Tensor::storage_and_layout));
        let [gs, ys, noises] = kept.each_ref().map(|kept| device::view_if(OP, kept));
        let (gs, ys, noises) = (gs?, ys?, noises?);
        let device = y.device().as_cuda_device()?;
        let (mut gx, mut sums) = (device::memory(device, n * c * plane)?, device::memory(device, 3 * n * c * slices)?);
        let inputs = [gs.as_ref(), ys.as_ref(), None, None, noises.as_ref()];
        device::run(device, &launch, &inputs, &mut [gx.as_view_mut(), sums.as_view_mut()])?;
        let [gx, sums] = [gx, sums].map(|numbers| device::storage(numbers, device));
        Ok(Some([device::tensor(gx, y.shape()), device::tensor(sums, (3, n, c, slices))]))
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
