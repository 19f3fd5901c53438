//! Piecewise linear activations on the CPU.

use super::PiecewiseLinear;
use crate::elementwise::{Real, TASK, rows_per_task, vectorize, written};
use crate::threads::for_each_chunk;
use candle_core::{CpuStorage, Result, Shape};
use std::mem::MaybeUninit;

/// The function of a piecewise linear activation with gain and clamp.
#[derive(Clone, Copy)]
pub(crate) struct Map<T> {
    /// Slopes above and below zero.
    pub(crate) positive: T,
    pub(crate) negative: T,
    pub(crate) clamp: T,
}

impl<T: Real> Map<T> {
    pub(in crate::bias_act) fn new(slope: f64, gain: f64, clamp: f64) -> Self {
        let [positive, negative, clamp] = [gain, gain * slope, clamp].map(T::from_f64);
        Self { positive, negative, clamp }
    }

    #[inline(always)]
    pub(in crate::bias_act) fn value(self, u: T) -> T {
        let y = if u > T::zero() { u * self.positive } else { u * self.negative };
        // Comparisons in this order let NaN through.
        let y = if y > self.clamp { self.clamp } else { y };
        if y < T::zero() - self.clamp { T::zero() - self.clamp } else { y }
    }

    #[inline(always)]
    fn slope(self, y: T) -> T {
        let slope = if y > T::zero() { self.positive } else { self.negative };
        if y.abs() >= self.clamp { T::zero() } else { slope }
    }
}

vectorize! {
    fn plain<T>(x: &[T], bias: T, map: Map<T>, y: &mut [MaybeUninit<T>]) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write(map.value(x + bias));
        }
    }

    fn update<T>(y: &mut [T], bias: T, map: Map<T>) {
        for y in y {
            *y = map.value(*y + bias);
        }
    }

    fn noisy<T>(x: &[T], noise: &[T], strength: T, bias: T, map: Map<T>, y: &mut [MaybeUninit<T>]) {
        for ((y, &x), &noise) in y.iter_mut().zip(x).zip(noise) {
            y.write(map.value((x + noise * strength) + bias));
        }
    }

    /// One bias per element, for `[n, c]`.
    fn rows<T>(x: &[T], bias: &[T], bias_gain: T, map: Map<T>, y: &mut [MaybeUninit<T>]) {
        for (y, x) in y.chunks_mut(bias.len()).zip(x.chunks(bias.len())) {
            for ((y, &x), &bias) in y.iter_mut().zip(x).zip(bias) {
                y.write(map.value(x + bias * bias_gain));
            }
        }
    }

    fn gradient<T>(g: &[T], y: &[T], map: Map<T>, out: &mut [MaybeUninit<T>]) {
        for ((out, &g), &y) in out.iter_mut().zip(g).zip(y) {
            out.write(g * map.slope(y));
        }
    }
}

impl PiecewiseLinear {
    fn map<T: Real>(&self) -> Map<T> {
        Map::new(self.slope, self.gain, self.clamp)
    }

    /// The result for `x` of these dimensions.
    pub(super) fn cpu<T: Real>(
        &self,
        x: &[T],
        dims: &[usize],
        bias: Option<&[T]>,
        strength: Option<&[T]>,
        noise: Option<&[T]>,
    ) -> CpuStorage {
        let c = dims.get(1).copied().unwrap_or(1);
        let plane: usize = dims.iter().skip(2).product();
        let (map, bias_gain) = (self.map::<T>(), T::from_f64(self.bias_gain));
        let write = |y: &mut [MaybeUninit<T>]| {
            if plane == 1 && noise.is_none() && c > 0 {
                let len = rows_per_task(c) * c;
                return for_each_chunk(y, len, |task, y| {
                    let x = &x[task * len..][..y.len()];
                    match bias {
                        Some(bias) => rows(x, bias, bias_gain, map, y),
                        None => plain(x, T::zero(), map, y),
                    }
                });
            }
            let per_task = rows_per_task(plane);
            for_each_chunk(y, per_task * plane, |task, y| {
                for (j, y) in y.chunks_mut(plane.max(1)).enumerate() {
                    let row = task * per_task + j;
                    let x = &x[row * plane..][..plane];
                    let bias = bias.map_or(T::zero(), |bias| bias[row % c] * bias_gain);
                    match (noise, strength) {
                        (Some(noise), Some(strength)) => {
                            let noise = &noise[row / c * plane % noise.len()..][..plane];
                            noisy(x, noise, strength[row % c], bias, map, y);
                        }
                        _ => plain(x, bias, map, y),
                    }
                }
            });
        };
        // SAFETY: rows or planes of the result are written from as many elements of `x` (and noise).
        unsafe { written(x.len(), write) }
    }

    /// Bias and activation of `y` `[n, c, h, w]` where it lies.
    pub(in crate::bias_act) fn in_place<T: Real>(&self, y: &mut CpuStorage, shape: &Shape, bias: &[T]) -> Result<()> {
        let (_, c, h, w) = shape.dims4()?;
        let plane = (h * w).max(1);
        let map = self.map::<T>();
        let rows = rows_per_task(plane);
        let y = T::elements_mut(y).unwrap_or_default();
        for_each_chunk(y, rows * plane, |task, y| {
            for (j, y) in y.chunks_mut(plane).enumerate() {
                update(y, bias[(task * rows + j) % c], map);
            }
        });
        Ok(())
    }

    /// `g` times the slopes that the results `y` tell.
    pub(super) fn gradient<T: Real>(&self, g: &[T], y: &[T]) -> CpuStorage {
        let map = self.map::<T>();
        let write = |out: &mut [MaybeUninit<T>]| {
            for_each_chunk(out, TASK, |task, out| {
                let at = task * TASK;
                gradient(&g[at..][..out.len()], &y[at..][..out.len()], map, out);
            })
        };
        // SAFETY: as many results as gradients and values.
        unsafe { written(g.len(), write) }
    }
}
