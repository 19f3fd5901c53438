//! Colour matrices on the CPU: image by image.

use super::{ColorTransform, grey};
use crate::elementwise::{Real, vectorize, written};
use crate::threads::for_each_chunk;
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

vectorize! {
    fn mix<T>(row: [T; 4], x: &[T], y: &[T], z: &[T], out: &mut [MaybeUninit<T>]) {
        let [a, b, c, d] = row;
        for (((out, &x), &y), &z) in out.iter_mut().zip(x).zip(y).zip(z) {
            out.write((a * x + b * y) + (c * z + d));
        }
    }

    fn scale<T>(factor: T, shift: T, x: &[T], out: &mut [MaybeUninit<T>]) {
        for (out, &x) in out.iter_mut().zip(x) {
            out.write(factor * x + shift);
        }
    }
}

impl ColorTransform {
    /// The result for images of dimensions `[n, c, h, w]`.
    pub(super) fn cpu<T: Real>(&self, x: &[T], (n, c, h, w): (usize, usize, usize, usize)) -> CpuStorage {
        let plane = h * w;
        // Tasks are planes of one channel: the three of an image read the same rows.
        let write = |out: &mut [MaybeUninit<T>]| {
            for_each_chunk(out, plane, |i, out| {
                let (image, channel) = (i / c, i % c);
                let matrix = &self.matrices[image];
                let of_channel = |channel: usize| &x[(image * c + channel) * plane..][..plane];
                if c >= 3 && channel < 3 {
                    mix(matrix[channel].map(T::from_f64), of_channel(0), of_channel(1), of_channel(2), out);
                } else if c < 3 && channel == 0 {
                    let [factor, shift] = grey(matrix).map(T::from_f64);
                    scale(factor, shift, of_channel(0), out);
                } else {
                    scale(T::one(), T::zero(), of_channel(channel), out);
                }
            })
        };
        // SAFETY: every plane is written from planes of the same size.
        unsafe { written(n * c * plane, write) }
    }
}
