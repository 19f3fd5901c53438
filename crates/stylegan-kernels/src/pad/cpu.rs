//! Padding by reflection on the CPU: plane by plane.

use super::Reflect;
use crate::elementwise::{Real, written, zeroed};
use crate::threads::for_each_chunk;
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

impl Reflect {
    /// The result for this many planes.
    pub(super) fn cpu<T: Real>(&self, x: &[T], planes: usize) -> CpuStorage {
        let ([h, w], padded) = (self.size, self.rows.len() * self.columns.len());
        let (from, to) = if self.adjoint { (padded, h * w) } else { (h * w, padded) };
        let write = |y: &mut [MaybeUninit<T>]| {
            for_each_chunk(y, to, |plane, y| {
                let x = &x[plane * from..][..from];
                let wide = self.columns.len();
                if self.adjoint {
                    let y = zeroed(y);
                    for (x, row) in x.chunks_exact(wide).zip(&self.rows) {
                        let y = &mut y[row * w..][..w];
                        x.iter().zip(&self.columns).for_each(|(&x, &column)| y[column] += x);
                    }
                    return;
                }
                for (y, row) in y.chunks_exact_mut(wide).zip(&self.rows) {
                    let x = &x[row * w..][..w];
                    for (y, &column) in y.iter_mut().zip(&self.columns) {
                        y.write(x[column]);
                    }
                }
            })
        };
        // SAFETY: planes are written from planes: zeroed first, or every row and column in turn.
        unsafe { written(planes * to, write) }
    }
}
