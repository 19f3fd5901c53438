//! Repeating pixels and summing blocks of pixels on the CPU: row by row.

use super::{Blocks, Kind};
use crate::elementwise::{Real, rows_per_task, vectorize, written, zeroed};
use candle_core::{CpuStorage, Shape};
use std::mem::MaybeUninit;

vectorize! {
    fn double_row<T>(x: &[T], y: &mut [MaybeUninit<T>], gain: T) {
        for (y, &x) in y.chunks_exact_mut(2).zip(x) {
            y[0].write(x * gain);
            y[1].write(x * gain);
        }
    }

    fn halve_rows<T>(top: &[T], bottom: &[T], y: &mut [MaybeUninit<T>], gain: T) {
        for ((y, a), b) in y.iter_mut().zip(top.chunks_exact(2)).zip(bottom.chunks_exact(2)) {
            y.write(((a[0] + b[0]) + (a[1] + b[1])) * gain);
        }
    }
}

/// One input row to `factor` equal output rows.
fn repeat<T: Real>(x: &[T], y: &mut [MaybeUninit<T>], factor: usize, gain: T) {
    let width = x.len() * factor;
    let (first, others) = y.split_at_mut(width);
    if factor == 2 {
        double_row(x, first, gain);
    } else {
        for (y, &x) in first.chunks_mut(factor).zip(x) {
            y.fill(MaybeUninit::new(x * gain));
        }
    }
    others.chunks_mut(width).for_each(|row| row.copy_from_slice(first));
}

/// `factor` input rows to one output row.
fn block_sums<T: Real>(x: &[T], y: &mut [MaybeUninit<T>], factor: usize, gain: T) {
    let width = y.len() * factor;
    if factor == 2 {
        return halve_rows(&x[..width], &x[width..], y, gain);
    }
    let y = zeroed(y);
    for row in x.chunks(width) {
        for (y, block) in y.iter_mut().zip(row.chunks(factor)) {
            block.iter().for_each(|&x| *y += x);
        }
    }
    y.iter_mut().for_each(|y| *y *= gain);
}

impl Blocks {
    pub(super) fn cpu<T: Real>(&self, x: &[T], (n, c, h, w): (usize, usize, usize, usize)) -> (CpuStorage, Shape) {
        let (f, gain) = (self.factor, T::from_f64(self.gain));
        // Rows of all planes lie one after the other: (elements of x, of y) per small row.
        let (from, to, shape) = match self.kind {
            Kind::Repeat => (w, w * f * f, (n, c, h * f, w * f)),
            Kind::Sum => (w * f, w / f, (n, c, h / f, w / f)),
        };
        let rows = rows_per_task(from.max(to));
        let len = x.len() / from.max(1) * to;
        let write = |y: &mut [MaybeUninit<T>]| {
            if len == 0 {
                return;
            }
            crate::threads::for_each_chunk(y, rows * to, |task, y| {
                let x = &x[task * rows * from..];
                for (x, y) in x.chunks_exact(from).zip(y.chunks_exact_mut(to)) {
                    match self.kind {
                        Kind::Repeat => repeat(x, y, f, gain),
                        Kind::Sum => block_sums(x, y, f, gain),
                    }
                }
            })
        };
        // SAFETY: rows are written from rows, of which there are as many.
        (unsafe { written(len, write) }, shape.into())
    }
}
