//! What follows a convolution or a filter in a synthesis layer, applied to its result piece by piece
//! while that is in the cache. For passes that record no gradients; others take the operations one
//! by one.

use super::piecewise_linear::Map;
use super::{BiasAct, bias_act, noise_bias_act};
use crate::elementwise::{Real, vectorize};
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
    /// all is well formed and on the CPU. The operations refuse what is not well formed.
    pub(crate) fn fuses(&self, n: usize, channels: usize, size: Option<[usize; 2]>, arguments: &[&Tensor]) -> bool {
        let Some([h, w]) = size else { return false };
        let noise_fits = self.noise.is_none_or(|(map, strength)| {
            [1, n].iter().any(|&maps| map.dims() == [maps, 1, h, w]) && [1, channels].contains(&strength.elem_count())
        });
        let act_fits =
            self.act.gain > 0. && self.act.act.negative_slope().is_some_and(|slope| slope > 0. && slope <= 1.);
        let own = self.noise.into_iter().flat_map(|(map, strength)| [map, strength]).chain([self.bias]);
        let plain =
            |t: &Tensor| !t.track_op() && t.dtype() == self.bias.dtype() && t.device().is_cpu() && t.elem_count() > 0;
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

/// An epilogue as numbers: `clamp(gain * act(y * scale + noise * strength + bias))`.
pub(crate) struct EpilogueData<T> {
    /// `[n, c]` or none.
    pub scale: Vec<T>,
    /// Maps of the size of a plane, one for all samples or one for each, or none.
    pub noise: Vec<T>,
    /// `[c]` each.
    pub strength: Vec<T>,
    pub bias: Vec<T>,
    pub map: Map<T>,
}

vectorize! {
    fn quiet<T>(y: &mut [T], scale: T, bias: T, map: Map<T>) {
        for y in y {
            *y = map.value(*y * scale + bias);
        }
    }

    fn noisy<T>(y: &mut [T], noise: &[T], scale: T, strength: T, bias: T, map: Map<T>) {
        for (y, &noise) in y.iter_mut().zip(noise) {
            *y = map.value((*y * scale + noise * strength) + bias);
        }
    }
}

impl<T: Real> EpilogueData<T> {
    /// Applies it to elements of plane `index` (sample times channels plus channel), from element `start`
    /// of its `plane` elements on.
    pub(crate) fn apply(&self, y: &mut [T], index: usize, start: usize, plane: usize) {
        let channel = index % self.bias.len();
        let scale = self.scale.get(index).copied().unwrap_or(T::one());
        if self.noise.is_empty() {
            return quiet(y, scale, self.bias[channel], self.map);
        }
        let noise = &self.noise[(index / self.bias.len() * plane + start) % self.noise.len()..][..y.len()];
        noisy(y, noise, scale, self.strength[channel], self.bias[channel], self.map);
    }

    /// Applies it to whole planes.
    pub(crate) fn apply_all(&self, y: &mut [T], plane: usize) {
        let rows = crate::elementwise::rows_per_task(plane);
        crate::threads::for_each_chunk(y, rows * plane, |task, y| {
            for (i, y) in y.chunks_mut(plane.max(1)).enumerate() {
                self.apply(y, task * rows + i, 0, plane);
            }
        });
    }
}
