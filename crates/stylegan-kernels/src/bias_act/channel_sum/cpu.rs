//! Sums over everything but the channels, and their adjoints, on the CPU.

use super::ChannelSum;
use crate::elementwise::{Real, dot, rows_per_task, sum, vectorize, written, zeroed};
use crate::threads::for_each_chunk;
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

vectorize! {
    fn fill_scaled<T>(y: &mut [MaybeUninit<T>], noise: Option<&[T]>, value: T) {
        match noise {
            None => y.fill(MaybeUninit::new(value)),
            Some(noise) => {
                for (y, &noise) in y.iter_mut().zip(noise) {
                    y.write(noise * value);
                }
            }
        }
    }

    /// Adds the columns of `x` `[rows, y.len()]` up in `y`.
    fn column_sums<T>(x: &[T], y: &mut [MaybeUninit<T>], gain: T) {
        let y = zeroed(y);
        for row in x.chunks_exact(y.len().max(1)) {
            for (y, &x) in y.iter_mut().zip(row) {
                *y += x;
            }
        }
        for y in y.iter_mut() {
            *y *= gain;
        }
    }
}

/// The noise of sample `i`, whether samples share it or not.
fn noise_of<T>(noise: &[T], i: usize, plane: usize) -> &[T] {
    &noise[i * plane % noise.len().max(1)..][..plane]
}

impl ChannelSum {
    /// The sums of `x` `[n, c, …]`.
    pub(super) fn sums<T: Real>(&self, x: &[T], noise: Option<&[T]>) -> CpuStorage {
        let (n, c) = (self.dims[0], self.dims[1]);
        let plane: usize = self.dims[2..].iter().product();
        let per_task = rows_per_task(n * plane);
        let write = |y: &mut [MaybeUninit<T>]| {
            if plane == 1 && noise.is_none() {
                return column_sums(x, y, T::from_f64(self.gain));
            }
            for_each_chunk(y, per_task, |task, y| {
                for (j, y) in y.iter_mut().enumerate() {
                    let channel = task * per_task + j;
                    let total: f64 = (0..n)
                        .map(|i| {
                            let x = &x[(i * c + channel) * plane..][..plane];
                            noise.map_or_else(|| sum(x), |noise| dot(x, noise_of(noise, i, plane)))
                        })
                        .sum();
                    y.write(T::from_f64(total * self.gain));
                }
            })
        };
        // SAFETY: a task writes the sums of its channels.
        unsafe { written(c, write) }
    }

    /// The numbers of `x` `[c]` spread over the larger side.
    pub(super) fn spread<T: Real>(&self, x: &[T], noise: Option<&[T]>) -> CpuStorage {
        let (n, c) = (self.dims[0], self.dims[1]);
        let plane: usize = self.dims[2..].iter().product();
        let (rows, gain) = (rows_per_task(plane), T::from_f64(self.gain));
        let write = |y: &mut [MaybeUninit<T>]| {
            for_each_chunk(y, rows * plane, |task, y| {
                for (j, y) in y.chunks_mut(plane.max(1)).enumerate() {
                    let row = task * rows + j;
                    let noise = noise.map(|noise| noise_of(noise, row / c, plane));
                    fill_scaled(y, noise, x[row % c] * gain);
                }
            })
        };
        // SAFETY: planes are filled, with noise of as many elements.
        unsafe { written(n * c * plane, write) }
    }
}
