//! Normalisation on the CPU: plane by plane, its gradient by what shares statistics.

use super::Standardize;
use crate::cpu::SharedMut;
use crate::elementwise::{Real, centred_dot, rows_per_task, sum, vectorize, written};
use crate::norm::statistics::Source;
use crate::threads::{for_each, for_each_chunk};
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

vectorize! {
    fn shift_scale<T>(x: &[T], mean: T, factor: T, y: &mut [MaybeUninit<T>]) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write((x - mean) * factor);
        }
    }

    fn gradient<T>(g: &[T], x: &[T], mean: T, factor: T, along: T, level: T, out: &mut [MaybeUninit<T>]) {
        for ((out, &g), &x) in out.iter_mut().zip(g).zip(x) {
            out.write(g * factor - (x - mean) * along - level);
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
        let (n, c, plane) = (dims[0], dims[1], dims[2] * dims[3]);
        let (groups, planes_of) = self.statistics.groups(n, c);
        let follows = matches!(self.statistics.source(), Source::Batch | Source::Instances);
        let write = |out: &mut [MaybeUninit<T>]| {
            let out = SharedMut::new(out);
            for_each(groups, |group| {
                let planes = planes_of(group);
                let (mean, rstd) = self.statistics.of_plane(planes[0], c, self.eps);
                let near = T::from_f64(mean);
                let part = |i: usize| i * plane..(i + 1) * plane;
                let (mut total, mut along) = (0., 0.);
                if follows {
                    for &i in &planes {
                        let (g, x) = (&g[part(i)], &x[part(i)]);
                        total += sum(g);
                        along += centred_dot(g, x, near);
                    }
                }
                let count = (planes.len() * plane) as f64;
                let (slope, level) = (rstd * rstd * rstd * along / count, rstd * total / count);
                for &i in &planes {
                    // SAFETY: plane i of the result, which no other group has.
                    let out = unsafe { std::slice::from_raw_parts_mut(out.at(i * plane), plane) };
                    let [factor, slope, level] = [rstd, slope, level].map(T::from_f64);
                    gradient(&g[part(i)], &x[part(i)], near, factor, slope, level, out);
                }
            });
        };
        // SAFETY: every plane belongs to one group.
        unsafe { written(x.len(), write) }
    }
}
