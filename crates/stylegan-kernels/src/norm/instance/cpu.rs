//! Instance normalisation with a style on the CPU: plane by plane.

use super::{InstanceStyle, InstanceStyleGrad};
use crate::elementwise::{
    Real, centred_dot, centred_gradient, centred_squares, rows_per_task, sum, vectorize, written, zeroed,
};
use crate::threads::{for_each_chunk, for_each_item};
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

/// Mean and reciprocal standard deviation of a plane.
fn moments<T: Real>(x: &[T], eps: f64) -> (T, f64) {
    let count = x.len() as f64;
    let mean = T::from_f64(sum(x) / count);
    (mean, 1. / (centred_squares(x, mean) / count + eps).sqrt())
}

vectorize! {
    fn standardise<T>(x: &[T], mean: T, factor: T, shift: T, y: &mut [MaybeUninit<T>]) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write((x - mean) * factor + shift);
        }
    }
}

impl InstanceStyle {
    pub(super) fn cpu<T: Real>(&self, x: &[T], scale: &[T], shift: &[T], dims: &[usize]) -> CpuStorage {
        let plane = dims[2..].iter().product::<usize>().max(1);
        let rows = rows_per_task(plane);
        let write = |y: &mut [MaybeUninit<T>]| {
            for_each_chunk(y, rows * plane, |task, y| {
                for (i, y) in y.chunks_mut(plane).enumerate() {
                    let i = task * rows + i;
                    let x = &x[i * plane..][..plane];
                    let (mean, rstd) = moments(x, self.eps);
                    standardise(x, mean, T::from_f64(rstd) * scale[i], shift[i], y);
                }
            })
        };
        // SAFETY: planes are written from planes.
        unsafe { written(x.len(), write) }
    }
}

impl InstanceStyleGrad {
    pub(super) fn cpu<T: Real>(&self, g: &[T], x: &[T], scale: &[T], dims: &[usize]) -> CpuStorage {
        let plane = dims[2..].iter().product::<usize>().max(1);
        let rows = rows_per_task(plane);
        let count = plane as f64;
        let len = x.len() + 2 * scale.len();
        let write = |out: &mut [MaybeUninit<T>]| {
            if x.is_empty() {
                zeroed(out);
                return;
            }
            let (gx, rest) = out.split_at_mut(x.len());
            let (gscale, gshift) = rest.split_at_mut(scale.len());
            let tasks = gx.chunks_mut(rows * plane).zip(gscale.chunks_mut(rows)).zip(gshift.chunks_mut(rows));
            for_each_item(tasks.enumerate(), |(task, ((gx, gscale), gshift))| {
                for (i, gx) in gx.chunks_mut(plane).enumerate() {
                    let row = task * rows + i;
                    let (g, x) = (&g[row * plane..][..plane], &x[row * plane..][..plane]);
                    let (mean, rstd) = moments(x, self.eps);
                    let total = sum(g);
                    let along = rstd * centred_dot(g, x, mean);
                    let factor = rstd * scale[row].to_f64();
                    let (slope, level) = (factor * rstd * along / count, factor * total / count);
                    centred_gradient(g, x, mean, T::from_f64(factor), T::from_f64(slope), T::from_f64(level), gx);
                    gscale[i].write(T::from_f64(along));
                    gshift[i].write(T::from_f64(total));
                }
            })
        };
        // SAFETY: a task writes its planes and the two numbers of each; there is a plane for each scale.
        unsafe { written(len, write) }
    }
}
