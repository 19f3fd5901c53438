//! Spatially adaptive normalisation on the CPU: plane by plane, its gradient by what shares
//! statistics.

use super::SpadeNorm;
use crate::cpu::SharedMut;
use crate::elementwise::{Real, rows_per_task, vectorize, written};
use crate::threads::for_each_chunk;
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

const LANES: usize = 16;

vectorize! {
    fn modulate<T>(x: &[T], gamma: &[T], beta: &[T], mean: T, factor: T, slope: T, y: &mut [MaybeUninit<T>]) {
        for (((y, &x), &gamma), &beta) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
            let value = (x - mean) * factor * (T::one() + gamma) + beta;
            y.write(if value > T::zero() { value } else { value * slope });
        }
    }

    /// The sums of `g (1 + gamma)` and of `g (1 + gamma) (x - mean)`.
    fn sums<T>(g: &[T], gamma: &[T], x: &[T], mean: T) -> (f64, f64) {
        let (mut total, mut along) = (0., 0.);
        // Fixed lanes within blocks, blocks added in f64.
        for ((g, gamma), x) in g.chunks(64 * LANES).zip(gamma.chunks(64 * LANES)).zip(x.chunks(64 * LANES)) {
            let (mut levels, mut slopes) = ([T::zero(); LANES], [T::zero(); LANES]);
            for ((g, gamma), x) in g.chunks(LANES).zip(gamma.chunks(LANES)).zip(x.chunks(LANES)) {
                for (i, ((&g, &gamma), &x)) in g.iter().zip(gamma).zip(x).enumerate() {
                    let h = g * (T::one() + gamma);
                    levels[i] += h;
                    slopes[i] += h * (x - mean);
                }
            }
            total += levels.iter().map(|v| v.to_f64()).sum::<f64>();
            along += slopes.iter().map(|v| v.to_f64()).sum::<f64>();
        }
        (total, along)
    }

    fn gradient<T>(
        g: &[T],
        gamma: &[T],
        x: &[T],
        mean: T,
        factor: T,
        slope: T,
        level: T,
        gx: &mut [MaybeUninit<T>],
        ggamma: &mut [MaybeUninit<T>],
    ) {
        let inputs = g.iter().zip(gamma).zip(x);
        for ((gx, ggamma), ((&g, &gamma), &x)) in gx.iter_mut().zip(ggamma).zip(inputs) {
            let centred = x - mean;
            gx.write(g * (T::one() + gamma) * factor - centred * slope - level);
            ggamma.write(g * (centred * factor));
        }
    }
}

impl SpadeNorm {
    pub(super) fn cpu<T: Real>(&self, x: &[T], gamma: &[T], beta: &[T], dims: &[usize]) -> CpuStorage {
        let (c, plane) = (dims[1], (dims[2] * dims[3]).max(1));
        let rows = rows_per_task(plane);
        let slope = T::from_f64(self.slope);
        let write = |y: &mut [MaybeUninit<T>]| {
            for_each_chunk(y, rows * plane, |task, y| {
                for (i, y) in y.chunks_mut(plane).enumerate() {
                    let i = task * rows + i;
                    let (mean, rstd) = self.statistics.of_plane(i, c, self.eps);
                    let part = i * plane..(i + 1) * plane;
                    let (x, gamma, beta) = (&x[part.clone()], &gamma[part.clone()], &beta[part]);
                    modulate(x, gamma, beta, T::from_f64(mean), T::from_f64(rstd), slope, y);
                }
            })
        };
        // SAFETY: planes are written from planes.
        unsafe { written(x.len(), write) }
    }

    pub(super) fn cpu_grad<T: Real>(&self, g: &[T], x: &[T], gamma: &[T], dims: &[usize]) -> CpuStorage {
        let plane = dims[2] * dims[3];
        let part = |i: usize| i * plane..(i + 1) * plane;
        let write = |out: &mut [MaybeUninit<T>]| {
            let (gx, ggamma) = out.split_at_mut(x.len());
            let (gx, ggamma) = (SharedMut::new(gx), SharedMut::new(ggamma));
            let sums = |i: usize, mean: T| sums(&g[part(i)], &gamma[part(i)], &x[part(i)], mean);
            self.statistics.for_each_gradient(dims, self.eps, sums, |i, mean, [factor, slope, level]| {
                // SAFETY: plane i of each result, which is written once.
                let (gx, ggamma) = unsafe {
                    let plane_of = |all: SharedMut<_>| std::slice::from_raw_parts_mut(all.at(i * plane), plane);
                    (plane_of(gx), plane_of(ggamma))
                };
                gradient(&g[part(i)], &gamma[part(i)], &x[part(i)], mean, factor, slope, level, gx, ggamma);
            });
        };
        // SAFETY: every plane belongs to one group.
        unsafe { written(2 * x.len(), write) }
    }
}
