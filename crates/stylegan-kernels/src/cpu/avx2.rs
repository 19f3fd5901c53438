//! AVX2 with fused multiply-add.

use super::gemm::tile;
use super::simd::{Task, Tile, Vector};
use std::arch::x86_64::*;

/// Eight `f32`.
#[derive(Clone, Copy)]
pub(crate) struct F32x8(__m256);

impl Vector for F32x8 {
    type Elem = f32;
    const LANES: usize = 8;
    const ROWS: usize = 6;
    const LOW: usize = 2;
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
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as for `load`.
        Self(unsafe { _mm256_min_ps(self.0, other.0) })
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
            // Whole rows are loaded once: planes a power of two apart share a cache set, which
            // would lose them before a second look.
            // (Loops and no closures: these would not be compiled for the instruction set.)
            let mut rows = [_mm256_setzero_ps(); 8];
            for i in 0..8 {
                rows[i] = _mm256_loadu_ps(from.add(i * from_stride));
            }
            // columns[g][j]: half q holds column 4 q + j of rows 4 g to 4 g + 3.
            let mut columns = [[_mm256_setzero_ps(); 4]; 2];
            for g in 0..2 {
                let [a, b, c, d] = [rows[4 * g], rows[4 * g + 1], rows[4 * g + 2], rows[4 * g + 3]];
                let (ab0, ab1) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (cd0, cd1) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                columns[g] = [
                    _mm256_shuffle_ps(ab0, cd0, 0b01_00_01_00),
                    _mm256_shuffle_ps(ab0, cd0, 0b11_10_11_10),
                    _mm256_shuffle_ps(ab1, cd1, 0b01_00_01_00),
                    _mm256_shuffle_ps(ab1, cd1, 0b11_10_11_10),
                ];
            }
            for j in 0..4 {
                let (a, b) = (columns[0][j], columns[1][j]);
                _mm256_storeu_ps(to.add(j * to_stride), _mm256_permute2f128_ps(a, b, 0x20));
                _mm256_storeu_ps(to.add((j + 4) * to_stride), _mm256_permute2f128_ps(a, b, 0x31));
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<const SLICED: bool>(t: Tile<f32>) {
        // SAFETY: the caller's tile has ROWS by COLS elements.
        unsafe { apart::<6, SLICED>(t) }
    }

    #[inline(always)]
    unsafe fn low_tile<const SLICED: bool>(t: Tile<f32>) {
        // SAFETY: the caller's tile has LOW by COLS elements.
        unsafe { apart::<2, SLICED>(t) }
    }

    unsafe fn enter(task: impl Task<Self>) {
        // SAFETY: the caller checked the instruction set.
        unsafe { run(task) }
    }
}

/// [`tile`] in a function of its own: in the middle of a task the compiler finds no registers for all sums. (It does not heed
/// `inline(never)` where there is a `target_feature`.)
#[inline(never)]
unsafe fn apart<const R: usize, const SLICED: bool>(t: Tile<f32>) {
    #[target_feature(enable = "avx2,fma")]
    unsafe fn compute<const R: usize, const SLICED: bool>(t: Tile<f32>) {
        // SAFETY: the caller's tile.
        unsafe { tile::<F32x8, R, 2, SLICED>(t) }
    }
    // SAFETY: as for `Vector::tile`.
    unsafe { compute::<R, SLICED>(t) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn run(task: impl Task<F32x8>) {
    // SAFETY: this function is what the task needs.
    unsafe { task.run() }
}
