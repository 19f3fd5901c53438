//! Cutout on the CPU: plane by plane.

use super::Cutout;
use crate::elementwise::{Real, written};
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

impl Cutout {
    /// The result for images of dimensions `[n, c, h, w]`.
    pub(super) fn cpu<T: Real>(&self, x: &[T], (n, c, h, w): (usize, usize, usize, usize)) -> CpuStorage {
        let plane = h * w;
        let write = |out: &mut [MaybeUninit<T>]| {
            crate::threads::for_each_chunk(out, plane, |i, out| {
                let hole = &self.rectangles[i / c];
                let (left, right) = (hole.x.start.min(w), hole.x.end.min(w));
                let rows = out.chunks_mut(w).zip(x[i * plane..][..plane].chunks(w)).enumerate();
                for (row, (out, x)) in rows {
                    for (out, &x) in out.iter_mut().zip(x) {
                        out.write(x);
                    }
                    if hole.y.contains(&row) && left < right {
                        out[left..right].fill(MaybeUninit::new(T::zero()));
                    }
                }
            })
        };
        // SAFETY: every row is written.
        unsafe { written(n * c * plane, write) }
    }
}
