//! Products of planes with numbers and with each other on the CPU.

use crate::elementwise::{Real, dot, rows_per_task, vectorize, written};
use crate::threads::for_each_chunk;
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

/// Planes of at most this many elements are summed one after the other.
const SHORT: usize = 16;

vectorize! {
    fn scaled<T>(x: &[T], s: T, y: &mut [MaybeUninit<T>]) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write(x * s);
        }
    }

    /// The dot products of short planes, such as 3x3 filters.
    fn short_dots<T>(a: &[T], b: &[T], plane: usize, y: &mut [MaybeUninit<T>]) {
        for ((y, a), b) in y.iter_mut().zip(a.chunks_exact(plane)).zip(b.chunks_exact(plane)) {
            let mut sum = T::zero();
            for (&a, &b) in a.iter().zip(b) {
                sum += a * b;
            }
            y.write(sum);
        }
    }
}

/// Planes of `x` times the numbers of `scale`.
pub(super) fn scale<T: Real>(x: &[T], scale: &[T], plane: usize) -> CpuStorage {
    let (plane, rows) = (plane.max(1), rows_per_task(plane));
    let write = |y: &mut [MaybeUninit<T>]| {
        for_each_chunk(y, rows * plane, |task, y| {
            for (i, y) in y.chunks_mut(plane).enumerate() {
                let i = task * rows + i;
                scaled(&x[i * plane..][..plane], scale[i], y);
            }
        })
    };
    // SAFETY: planes are written from planes.
    unsafe { written(x.len(), write) }
}

/// The dot products of `count` planes of `a` and `b`.
pub(super) fn dots<T: Real>(a: &[T], b: &[T], count: usize, plane: usize) -> CpuStorage {
    let rows = rows_per_task(plane);
    let write = |y: &mut [MaybeUninit<T>]| {
        for_each_chunk(y, rows, |task, y| {
            let [a, b] = [a, b].map(|x| &x[task * rows * plane..][..y.len() * plane]);
            if (1..=SHORT).contains(&plane) {
                return short_dots(a, b, plane, y);
            }
            for (i, y) in y.iter_mut().enumerate() {
                let [a, b] = [a, b].map(|x| &x[i * plane..][..plane]);
                y.write(T::from_f64(dot(a, b)));
            }
        })
    };
    // SAFETY: a number for each of the task's planes.
    unsafe { written(count, write) }
}
