//! Bilinear interpolation on the CPU: plane by plane, columns after rows.

use super::Bilinear;
use crate::elementwise::{Real, vectorize, written, zeroed};
use candle_core::{CpuStorage, Shape};
use std::mem::MaybeUninit;

/// For each output of one axis: the first of the two inputs, and the weight of the second. Both
/// inputs are the same at the far edge.
fn axis<T: Real>(from: usize, to: usize, align_corners: bool) -> Vec<(usize, usize, T)> {
    (0..to)
        .map(|i| {
            let at = match (align_corners, to) {
                (true, 1) => 0.,
                (true, _) => i as f64 * (from - 1) as f64 / (to - 1) as f64,
                (false, _) => ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.),
            };
            let first = (at as usize).min(from - 1);
            (first, (first + 1).min(from - 1), T::from_f64(at - first as f64))
        })
        .collect()
}

vectorize! {
    fn blend<T>(a: &[T], b: &[T], weight: T, out: &mut [T]) {
        for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *out = a * (T::one() - weight) + b * weight;
        }
    }

    fn add_scaled<T>(x: &[T], weight: T, out: &mut [T]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out += x * weight;
        }
    }
}

impl Bilinear {
    /// The result for `n` images of `c` channels.
    pub(super) fn cpu<T: Real>(&self, x: &[T], n: usize, c: usize) -> (CpuStorage, Shape) {
        let ([h, w], [oh, ow]) = (self.from, self.to);
        let rows = axis::<T>(h, oh, self.align_corners);
        let columns = axis::<T>(w, ow, self.align_corners);
        let (small, large) = (h * w, oh * ow);
        let (len, shape) = if self.adjoint { (small, (n, c, h, w)) } else { (large, (n, c, oh, ow)) };
        let write = |y: &mut [MaybeUninit<T>]| {
            crate::threads::for_each_chunk(y, len, |plane, y| {
                let mut row = vec![T::zero(); w];
                if self.adjoint {
                    let g = &x[plane * large..][..large];
                    let y = zeroed(y);
                    for (g, &(top, bottom, weight)) in g.chunks(ow).zip(&rows) {
                        row.fill(T::zero());
                        for (&g, &(left, right, weight)) in g.iter().zip(&columns) {
                            row[left] += g * (T::one() - weight);
                            row[right] += g * weight;
                        }
                        add_scaled(&row, T::one() - weight, &mut y[top * w..][..w]);
                        add_scaled(&row, weight, &mut y[bottom * w..][..w]);
                    }
                    return;
                }
                let x = &x[plane * small..][..small];
                for (y, &(top, bottom, weight)) in y.chunks_mut(ow).zip(&rows) {
                    blend(&x[top * w..][..w], &x[bottom * w..][..w], weight, &mut row);
                    for (y, &(left, right, weight)) in y.iter_mut().zip(&columns) {
                        y.write(row[left] * (T::one() - weight) + row[right] * weight);
                    }
                }
            })
        };
        // SAFETY: planes are written from planes: zeroed first, or every row and column in turn.
        (unsafe { written(n * c * len, write) }, shape.into())
    }
}
