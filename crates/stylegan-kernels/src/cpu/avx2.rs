//! AVX2 with fused multiply-add.

use super::gemm::{Tile, tile};
use super::simd::{Task, Vector};
use std::arch::x86_64::*;

/// Eight `f32`.
#[derive(Clone, Copy)]
pub(crate) struct F32x8(__m256);

impl Vector for F32x8 {
    type Elem = f32;
    const LANES: usize = 8;
    const ROWS: usize = 6;
    const WIDTH: usize = 2;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: good for 8 elements, says the caller, who also checked the instruction set (this
        // holds for every block below).
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as for `load`.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, term.0) })
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller's blocks of 8 by 8.
        unsafe {
            // Row i of the upper half beside row i + 4: then four 4x4 transposes at once.
            let pair = |i: usize, j: usize| {
                let low = _mm256_castps128_ps256(_mm_loadu_ps(from.add(i * from_stride + j)));
                _mm256_insertf128_ps(low, _mm_loadu_ps(from.add((i + 4) * from_stride + j)), 1)
            };
            for half in [0, 4] {
                let (a, b, c, d) = (pair(0, half), pair(1, half), pair(2, half), pair(3, half));
                let (ab0, ab1) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (cd0, cd1) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                _mm256_storeu_ps(to.add(half * to_stride), _mm256_shuffle_ps(ab0, cd0, 0b01_00_01_00));
                _mm256_storeu_ps(to.add((half + 1) * to_stride), _mm256_shuffle_ps(ab0, cd0, 0b11_10_11_10));
                _mm256_storeu_ps(to.add((half + 2) * to_stride), _mm256_shuffle_ps(ab1, cd1, 0b01_00_01_00));
                _mm256_storeu_ps(to.add((half + 3) * to_stride), _mm256_shuffle_ps(ab1, cd1, 0b11_10_11_10));
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<const SLICED: bool>(t: Tile<f32>) {
        // SAFETY: the caller's tile has ROWS by COLS elements.
        unsafe { tile::<Self, 6, 2, SLICED>(t) }
    }

    unsafe fn enter(task: impl Task<Self>) {
        // SAFETY: the caller checked the instruction set.
        unsafe { run(task) }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn run(task: impl Task<F32x8>) {
    // SAFETY: this function is what the task needs.
    unsafe { task.run() }
}

/// Calls `f` compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn call<R>(f: impl FnOnce() -> R) -> R {
    f()
}
