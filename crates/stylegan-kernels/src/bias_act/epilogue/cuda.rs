//! Epilogues on a GPU: by the kernel that writes the result.

use super::Epilogue;
use crate::cuda::end::End;
use crate::cuda::{Epilogue as Plan, Map, device};
use candle_core::{Result, Tensor};

impl Epilogue<'_> {
    /// Hands an epilogue that [fuses](Self::fuses) to `with`, after factors `scale` `[n, c]` of the result's planes (what
    /// demodulation gives).
    pub(crate) fn cuda<R>(&self, scale: Option<&Tensor>, with: impl FnOnce(&End) -> Result<R>) -> Result<R> {
        let channels = self.bias.elem_count();
        let whole = |tensor: Option<&Tensor>| tensor.map(Tensor::contiguous).transpose();
        let strength = self.noise.map(|(_, strength)| match strength.elem_count() {
            1 => strength.flatten_all()?.broadcast_as(channels),
            _ => strength.flatten_all(),
        });
        let noise = whole(self.noise.map(|(map, _)| map))?;
        let maps = noise.as_ref().map_or(1, |map| map.dims()[0]);
        let tensors = [whole(scale)?, noise, whole(strength.transpose()?.as_ref())?, whole(Some(self.bias))?];
        let kept = tensors.each_ref().map(|tensor| tensor.as_ref().map(Tensor::storage_and_layout));
        let [scale, noise, strength, bias] = kept.each_ref().map(|kept| device::view_if("bias_act", kept));
        let map = Map::new(self.act.act.negative_slope().unwrap_or(1.), self.act.gain, self.act.bound()?);
        let plan = Plan::new(map, 1., channels, maps)?;
        with(&End { plan, arrays: [scale?, noise?, strength?, bias?] })
    }
}
