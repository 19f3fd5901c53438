//! NEON, the 128-bit vectors every aarch64 machine has.

use super::gemm::tile;
use super::simd::{Task, Tile, Vector};
use std::arch::aarch64::*;

/// Four `f32`.
#[derive(Clone, Copy)]
pub(crate) struct F32x4(float32x4_t);

impl Vector for F32x4 {
    type Elem = f32;
    const LANES: usize = 4;
    const ROWS: usize = 6;
    const LOW: usize = 2;
    const WIDTH: usize = 4;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: good for 4 elements, says the caller (this holds for every block below).
        Self(unsafe { vld1q_f32(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as for `load`.
        unsafe { vst1q_f32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { vdupq_n_f32(value) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { vaddq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { vsubq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { vmulq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { vmaxq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { vminq_f32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { vfmaq_f32(term.0, self.0, factor.0) })
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller's blocks of 4 by 4.
        unsafe {
            let row = |i: usize| vld1q_f32(from.add(i * from_stride));
            let (ab, cd) = (vtrnq_f32(row(0), row(1)), vtrnq_f32(row(2), row(3)));
            let join = |a, b| {
                (vcombine_f32(vget_low_f32(a), vget_low_f32(b)), vcombine_f32(vget_high_f32(a), vget_high_f32(b)))
            };
            let ((r0, r2), (r1, r3)) = (join(ab.0, cd.0), join(ab.1, cd.1));
            for (j, row) in [r0, r1, r2, r3].into_iter().enumerate() {
                vst1q_f32(to.add(j * to_stride), row);
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<const SLICED: bool>(t: Tile<f32>) {
        // SAFETY: the caller's tile has ROWS by COLS elements.
        unsafe { tile::<Self, 6, 4, SLICED>(t) }
    }

    #[inline(always)]
    unsafe fn low_tile<const SLICED: bool>(t: Tile<f32>) {
        // SAFETY: the caller's tile has LOW by COLS elements.
        unsafe { tile::<Self, 2, 4, SLICED>(t) }
    }

    unsafe fn enter(task: impl Task<Self>) {
        // SAFETY: aarch64 always has NEON.
        unsafe { task.run() }
    }
}
