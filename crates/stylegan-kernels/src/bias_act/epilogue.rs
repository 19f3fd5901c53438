//! What follows a convolution in a synthesis layer, applied to its result piece by piece while that
//! is in the cache. For passes that record no gradients; others take the operations one by one.

use super::piecewise_linear::Map;
use crate::elementwise::{Real, vectorize};
use candle_core::{Result, Tensor};

/// `clamp(gain * act(x * scale + noise * strength + bias))`, as tensors.
#[derive(Clone)]
pub(crate) struct After {
    /// `[n, c]`, what demodulation gives.
    pub scale: Option<Tensor>,
    /// `[n or 1, 1, h, w]` and its strength `[c]` or `[]`.
    pub noise: Option<(Tensor, Tensor)>,
    /// `[c]`
    pub bias: Tensor,
    /// Slope below zero, above 0 and at most 1.
    pub slope: f64,
    /// Above 0.
    pub gain: f64,
    /// Bound of the magnitude, infinite for none.
    pub clamp: f64,
}

/// The same as numbers.
pub(crate) struct Epilogue<T> {
    /// `[n, c]` or none.
    pub scale: Vec<T>,
    /// Maps of the size of a plane, one for all samples or one for each, or none.
    pub noise: Vec<T>,
    /// `[c]` each.
    pub strength: Vec<T>,
    pub bias: Vec<T>,
    pub map: Map<T>,
}

impl After {
    pub(crate) fn numbers<T: Real>(&self) -> Result<Epilogue<T>> {
        let list = |t: &Tensor| t.flatten_all()?.to_vec1::<T>();
        let bias = list(&self.bias)?;
        let (noise, strength) = match &self.noise {
            Some((map, strength)) if strength.elem_count() == 1 => (list(map)?, vec![list(strength)?[0]; bias.len()]),
            Some((map, strength)) => (list(map)?, list(strength)?),
            None => (vec![], vec![]),
        };
        Ok(Epilogue {
            scale: self.scale.as_ref().map(list).transpose()?.unwrap_or_default(),
            noise,
            strength,
            bias,
            map: Map {
                positive: T::from_f64(self.gain),
                negative: T::from_f64(self.gain * self.slope),
                clamp: T::from_f64(self.clamp),
            },
        })
    }
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

impl<T: Real> Epilogue<T> {
    /// Finishes elements of plane `index` (sample times channels plus channel), from element `start`
    /// of its `plane` elements on.
    pub(crate) fn finish(&self, y: &mut [T], index: usize, start: usize, plane: usize) {
        let channel = index % self.bias.len();
        let scale = self.scale.get(index).copied().unwrap_or(T::one());
        if self.noise.is_empty() {
            return quiet(y, scale, self.bias[channel], self.map);
        }
        let noise = &self.noise[(index / self.bias.len() * plane + start) % self.noise.len()..][..y.len()];
        noisy(y, noise, scale, self.strength[channel], self.bias[channel], self.map);
    }

    /// Finishes whole planes.
    pub(crate) fn finish_all(&self, y: &mut [T], plane: usize) {
        let rows = crate::elementwise::rows_per_task(plane);
        crate::threads::for_each_chunk(y, rows * plane, |task, y| {
            for (i, y) in y.chunks_mut(plane.max(1)).enumerate() {
                self.finish(y, task * rows + i, 0, plane);
            }
        });
    }
}
