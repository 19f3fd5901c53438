//! Matrix products on the CPU.

use super::{Kind, Product};
use crate::cpu::SharedMut;
use crate::elementwise::{Real, written};
use candle_core::{CpuStorage, Shape};
use std::mem::MaybeUninit;

/// Results per task: a task multiplies a block of this many columns.
const BLOCK: usize = 64;

impl Product {
    /// The product of `a` `[a0, a1]` and `b` `[b0, b1]`.
    pub(super) fn cpu<T: Real>(
        &self,
        (a, [a0, a1]): (&[T], [usize; 2]),
        (b, [b0, b1]): (&[T], [usize; 2]),
    ) -> (CpuStorage, Shape) {
        // out [m, p] = sum over k of a(m, k) b(k, p); strides are (outer, inner) in elements.
        let (m, k, p, a_strides, b_strides) = match self.kind {
            Kind::Forward => (a0, a1, b0, (a1, 1), (1, b1)),
            Kind::Input => (a0, a1, b1, (a1, 1), (b1, 1)),
            Kind::Weight => (a1, a0, b1, (1, a1), (b1, 1)),
        };
        let gain = T::from_f64(self.gain);
        let write = |out: &mut [MaybeUninit<T>]| {
            let base = SharedMut::uninit(out);
            // Tall results are cut into rows, wide ones into columns; by shape alone.
            let (rows, columns) = if m > p { (BLOCK, p) } else { (m, BLOCK) };
            let across = p.div_ceil(columns.max(1)).max(1);
            let tasks = if m * k * p <= 1 << 15 { 1 } else { m.div_ceil(rows) * across };
            let (rows, columns) = if tasks == 1 { (m, p) } else { (rows, columns) };
            let across = if tasks == 1 { 1 } else { across };
            crate::threads::for_each(tasks, |task| {
                let (row, column) = (task / across * rows, task % across * columns);
                let (rows, columns) = (rows.min(m - row), columns.min(p - column));
                // SAFETY: pointers and strides describe the blocks [row.., 0..k] of a,
                // [0..k, column..] of b and [row.., column..] of out, all within their slices;
                // blocks of out do not overlap between tasks, and out is written, never read.
                unsafe {
                    gemm::gemm(
                        rows,
                        columns,
                        k,
                        base.at(row * p + column),
                        1,
                        p as isize,
                        false,
                        a.as_ptr().add(row * a_strides.0),
                        a_strides.1 as isize,
                        a_strides.0 as isize,
                        b.as_ptr().add(column * b_strides.1),
                        b_strides.1 as isize,
                        b_strides.0 as isize,
                        T::zero(),
                        gain,
                        false,
                        false,
                        false,
                        gemm::Parallelism::None,
                    );
                }
            });
        };
        // SAFETY: the tasks cover the result; sums of no terms are written as zeros.
        (unsafe { written(m * p, write) }, (m, p).into())
    }
}
