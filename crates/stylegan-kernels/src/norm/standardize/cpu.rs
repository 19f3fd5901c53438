//! Normalisation on the CPU: plane by plane, its gradient by what shares statistics.

use super::Standardize;
use crate::cpu::SharedMut;
use crate::elementwise::{Real, centred_dot, centred_gradient, rows_per_task, sum, vectorize, written};
use crate::threads::for_each_chunk;
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

vectorize! {
    fn shift_scale<T>(x: &[T], mean: T, factor: T, y: &mut [MaybeUninit<T>]) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write((x - mean) * factor);
        }
    }
}

impl Standardize {
    pub(super) fn cpu<T: Real>(&self, x: &[T], dims: &[usize]) -> CpuStorage {
        let (c, plane) = (dims[1], (dims[2] * dims[3]).max(1));
        let rows = rows_per_task(plane);
        let write = |y: &mut [MaybeUninit<T>]| {
            for_each_chunk(y, rows * plane, |task, y| {
                for (i, y) in y.chunks_mut(plane).enumerate() {
                    let i = task * rows + i;
                    let (mean, rstd) = self.statistics.of_plane(i, c, self.eps);
                    shift_scale(&x[i * plane..][..plane], T::from_f64(mean), T::from_f64(rstd), y);
                }
            })
        };
        // SAFETY: planes are written from planes.
        unsafe { written(x.len(), write) }
    }

    pub(super) fn cpu_grad<T: Real>(&self, g: &[T], x: &[T], dims: &[usize]) -> CpuStorage {
        let plane = dims[2] * dims[3];
        let part = |i: usize| i * plane..(i + 1) * plane;
        let write = |out: &mut [MaybeUninit<T>]| {
            let out = SharedMut::new(out);
            let sums = |i: usize, mean: T| (sum(&g[part(i)]), centred_dot(&g[part(i)], &x[part(i)], mean));
            self.statistics.for_each_gradient(dims, self.eps, sums, |i, mean, [factor, slope, level]| {
                // SAFETY: plane i of the result, which is written once.
                let out = unsafe { std::slice::from_raw_parts_mut(out.at(i * plane), plane) };
                centred_gradient(&g[part(i)], &x[part(i)], mean, factor, slope, level, out);
            });
        };
        // SAFETY: every plane belongs to one group.
        unsafe { written(x.len(), write) }
    }
}
