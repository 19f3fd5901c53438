//! Upsampling, filtering and downsampling on a GPU.

use super::UpFirDn;
use crate::cuda::end::{End, parts};
use crate::cuda::{device, upfirdn2d};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Shape};

impl UpFirDn {
    /// The result, then `end`.
    pub(super) fn cuda(
        &self,
        (storage, layout): (&CudaStorage, &Layout),
        end: Option<&End>,
    ) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let (oh, ow) = self.out_size(h, w)?;
        let (up, down, pad) = (self.up, self.down, [self.padding[0], self.padding[2]]);
        let op = upfirdn2d::UpFirDn { filter: &self.filter, up, down, pad, flip: self.flip, gain: self.gain };
        let (end, [scale, noise, strength, bias]) = parts(end);
        let (launch, taps) = upfirdn2d::upfirdn2d(n * c, [h, w], [oh, ow], op, end)?;
        let device = storage.device();
        let taps = device.clone_htod(&taps)?;
        let (x, taps) = (device::view("upfirdn2d", storage, layout)?, taps.as_view());
        let inputs = [Some(&x), Some(&taps), scale, noise, strength, bias];
        Ok((device::one(device, &launch, &inputs, n * c * oh * ow)?, (n, c, oh, ow).into()))
    }
}
