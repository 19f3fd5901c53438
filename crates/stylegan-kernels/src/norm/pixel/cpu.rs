//! Pixelwise feature normalisation on the CPU: strips of pixels, channel by channel.

use super::PixelNorm;
use crate::elementwise::{Real, TASK, dot, vectorize, written};
use crate::threads::for_each_item;
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

/// Pixels handled together: their running sums stay in the nearest cache.
const STRIP: usize = 512;

vectorize! {
    /// `total += a * b`
    fn accumulate<T>(a: &[T], b: &[T], total: &mut [T]) {
        for ((t, &a), &b) in total.iter_mut().zip(a).zip(b) {
            *t += a * b;
        }
    }

    fn product<T>(a: &[T], b: &[T], out: &mut [MaybeUninit<T>]) {
        for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
            out.write(a * b);
        }
    }

    /// `out = g * r - x * along`
    fn project<T>(g: &[T], x: &[T], r: &[T], along: &[T], out: &mut [MaybeUninit<T>]) {
        for ((((out, &g), &x), &r), &along) in out.iter_mut().zip(g).zip(x).zip(r).zip(along) {
            out.write(g * r - x * along);
        }
    }

    /// `sums -> 1 / sqrt(sums / c + eps)`
    fn roots<T>(sums: &mut [T], c: T, eps: T) {
        for s in sums {
            *s = T::one() / (*s / c + eps).sqrt();
        }
    }

    /// `along -> along r³ / c`
    fn slopes<T>(along: &mut [T], r: &[T], c: T) {
        for (a, &r) in along.iter_mut().zip(r) {
            *a = *a * (r * r * r) / c;
        }
    }
}

impl PixelNorm {
    /// The result for `x` of these dimensions, or with `g` the gradient.
    pub(super) fn cpu<T: Real>(&self, x: &[T], g: Option<&[T]>, dims: &[usize]) -> CpuStorage {
        let (c, plane) = (dims[1], dims[2..].iter().product::<usize>());
        let write = |y: &mut [MaybeUninit<T>]| {
            let per_task = (TASK / (c * plane).max(1)).max(1);
            let sample = (c * plane).max(1);
            let tasks = y.chunks_mut(sample * per_task).enumerate();
            for_each_item(tasks, |(task, y)| {
                for (i, y) in y.chunks_mut(sample).enumerate() {
                    let at = (task * per_task + i) * sample;
                    self.sample(&x[at..][..sample], g.map(|g| &g[at..][..sample]), c, y);
                }
            });
        };
        // SAFETY: samples are written from samples.
        unsafe { written(x.len(), write) }
    }

    fn sample<T: Real>(&self, x: &[T], g: Option<&[T]>, c: usize, y: &mut [MaybeUninit<T>]) {
        let plane = x.len() / c;
        let (count, eps) = (T::from_f64(c as f64), T::from_f64(self.eps));
        if plane == 1 {
            let r = 1. / (dot(x, x) / c as f64 + self.eps).sqrt();
            let along = g.map_or(0., |g| dot(g, x) * r * r * r / c as f64);
            let (r, along) = (T::from_f64(r), T::from_f64(along));
            match g {
                None => {
                    for (y, &x) in y.iter_mut().zip(x) {
                        y.write(x * r);
                    }
                }
                Some(g) => {
                    for ((y, &g), &x) in y.iter_mut().zip(g).zip(x) {
                        y.write(g * r - x * along);
                    }
                }
            }
            return;
        }
        let (mut r, mut along) = ([T::zero(); STRIP], [T::zero(); STRIP]);
        for start in (0..plane).step_by(STRIP) {
            let len = STRIP.min(plane - start);
            let (r, along) = (&mut r[..len], &mut along[..len]);
            let at = |channel: usize| channel * plane + start;
            r.fill(T::zero());
            (0..c).for_each(|i| accumulate(&x[at(i)..][..len], &x[at(i)..][..len], r));
            roots(r, count, eps);
            let Some(g) = g else {
                (0..c).for_each(|i| product(&x[at(i)..][..len], r, &mut y[at(i)..][..len]));
                continue;
            };
            along.fill(T::zero());
            (0..c).for_each(|i| accumulate(&g[at(i)..][..len], &x[at(i)..][..len], along));
            slopes(along, r, count);
            (0..c).for_each(|i| project(&g[at(i)..][..len], &x[at(i)..][..len], r, along, &mut y[at(i)..][..len]));
        }
    }
}
