//! Epilogues on the CPU: piece by piece of a result.

use crate::bias_act::piecewise_linear::Map;
use crate::elementwise::{Real, rows_per_task, vectorize};
use crate::threads::for_each_chunk;

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
        let rows = rows_per_task(plane);
        for_each_chunk(y, rows * plane, |task, y| {
            for (i, y) in y.chunks_mut(plane.max(1)).enumerate() {
                self.apply(y, task * rows + i, 0, plane);
            }
        });
    }
}
