//! What follows a convolution or a filter in a synthesis layer, applied to its result piece by piece
//! while that is in the cache. For passes that record no gradients; others take the operations one
//! by one.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

pub(crate) use cpu::EpilogueData;

use super::piecewise_linear::Map;
use super::{BiasAct, bias_act, noise_bias_act};
use crate::elementwise::Real;
use candle_core::{Result, Tensor};

/// The end of a layer: `clamp(gain * act(y + noise * strength + bias))`, as in [`noise_bias_act`].
#[derive(Debug, Clone, Copy)]
pub struct Epilogue<'a> {
    /// The noise `[n or 1, 1, h, w]` and its strength, `[c]` or `[]`.
    pub noise: Option<(&'a Tensor, &'a Tensor)>,
    /// `[c]`
    pub bias: &'a Tensor,
    /// Activation, gain and clamp.
    pub act: BiasAct,
}

impl Epilogue<'_> {
    /// Applies it to `y` `[n, c, h, w]` by operations of their own.
    ///
    /// # Errors
    /// As [`noise_bias_act`].
    pub fn apply(&self, y: &Tensor) -> Result<Tensor> {
        match self.noise {
            Some((map, strength)) => noise_bias_act(y, map, strength, self.bias, self.act),
            None => bias_act(y, Some(self.bias), self.act),
        }
    }

    /// Whether it can be applied piece by piece to a result `[n, channels, h, w]` of `size` `[h, w]`
    /// (none: there is no such result) of an operation with these `arguments`: nothing is tracked,
    /// all is well formed and on one device. The operations refuse what is not well formed.
    pub(crate) fn fuses(&self, n: usize, channels: usize, size: Option<[usize; 2]>, arguments: &[&Tensor]) -> bool {
        let Some([h, w]) = size else { return false };
        let noise_fits = self.noise.is_none_or(|(map, strength)| {
            [1, n].iter().any(|&maps| map.dims() == [maps, 1, h, w]) && [1, channels].contains(&strength.elem_count())
        });
        let act_fits =
            self.act.gain > 0. && self.act.act.negative_slope().is_some_and(|slope| slope > 0. && slope <= 1.);
        let own = self.noise.into_iter().flat_map(|(map, strength)| [map, strength]).chain([self.bias]);
        let plain = |t: &Tensor| {
            let alike = t.dtype() == self.bias.dtype() && t.device().same_device(self.bias.device());
            !t.track_op() && alike && t.elem_count() > 0
        };
        let bias_fits = self.bias.dims() == [channels];
        noise_fits && act_fits && bias_fits && own.chain(arguments.iter().copied()).all(plain)
    }

    /// The numbers of an epilogue that [fuses](Self::fuses), after factors `scale` `[n, c]` of the
    /// result's planes (what demodulation gives).
    pub(crate) fn data<T: Real>(&self, scale: Option<&Tensor>) -> Result<EpilogueData<T>> {
        let list = |t: &Tensor| t.flatten_all()?.to_vec1::<T>();
        let bias = list(self.bias)?;
        let (noise, strength) = match self.noise {
            Some((map, strength)) if strength.elem_count() == 1 => (list(map)?, vec![list(strength)?[0]; bias.len()]),
            Some((map, strength)) => (list(map)?, list(strength)?),
            None => (vec![], vec![]),
        };
        let slope = self.act.act.negative_slope().unwrap_or(1.);
        let map = Map::new(slope, self.act.gain, self.act.bound()?);
        Ok(EpilogueData { scale: scale.map(list).transpose()?.unwrap_or_default(), noise, strength, bias, map })
    }
}
