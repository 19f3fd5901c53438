//! AVX-512.

use super::gemm::{Tile, tile};
use super::simd::{Task, Vector};
use std::arch::x86_64::*;

/// Sixteen `f32`.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(__m512);

impl Vector for F32x16 {
    type Elem = f32;
    const LANES: usize = 16;
    const ROWS: usize = 12;
    const WIDTH: usize = 2;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: good for 16 elements, says the caller, who also checked the instruction set (this
        // holds for every block below).
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as for `load`.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, term.0) })
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller's blocks of 16 by 16.
        unsafe {
            // Each register collects 4 columns of rows i, i + 4, i + 8, i + 12; then four 4x4
            // transposes happen at once in its quarters.
            let four = |i: usize, j: usize| {
                let at = |row: usize| _mm_loadu_ps(from.add(row * from_stride + j));
                let r = _mm512_castps128_ps512(at(i));
                let r = _mm512_insertf32x4(r, at(i + 4), 1);
                let r = _mm512_insertf32x4(r, at(i + 8), 2);
                _mm512_insertf32x4(r, at(i + 12), 3)
            };
            for j in [0, 4, 8, 12] {
                let (a, b, c, d) = (four(0, j), four(1, j), four(2, j), four(3, j));
                let (ab0, ab1) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                let (cd0, cd1) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                _mm512_storeu_ps(to.add(j * to_stride), _mm512_shuffle_ps(ab0, cd0, 0b01_00_01_00));
                _mm512_storeu_ps(to.add((j + 1) * to_stride), _mm512_shuffle_ps(ab0, cd0, 0b11_10_11_10));
                _mm512_storeu_ps(to.add((j + 2) * to_stride), _mm512_shuffle_ps(ab1, cd1, 0b01_00_01_00));
                _mm512_storeu_ps(to.add((j + 3) * to_stride), _mm512_shuffle_ps(ab1, cd1, 0b11_10_11_10));
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<const SLICED: bool>(t: Tile<f32>) {
        // SAFETY: the caller's tile has ROWS by COLS elements.
        unsafe { tile::<Self, 12, 2, SLICED>(t) }
    }

    unsafe fn enter(task: impl Task<Self>) {
        // SAFETY: the caller checked the instruction set.
        unsafe { run(task) }
    }
}

#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
unsafe fn run(task: impl Task<F32x16>) {
    // SAFETY: this function is what the task needs.
    unsafe { task.run() }
}

/// Calls `f` compiled for AVX-512.
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
pub(super) unsafe fn call<R>(f: impl FnOnce() -> R) -> R {
    f()
}
