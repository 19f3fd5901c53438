//! Vectors in plain Rust: for machines without a kernel of their own, for `f64`, and as the twin
//! that tests run everywhere.

use super::gemm::tile;
use super::simd::{Task, Tile, Vector};
use candle_core::WithDType;

/// Eight numbers. The compiler turns the loops into what vectors it has.
#[derive(Clone, Copy)]
pub(crate) struct Plain<T>([T; 8]);

impl<T: WithDType> Vector for Plain<T> {
    type Elem = T;
    const LANES: usize = 8;
    const ROWS: usize = 4;
    const LOW: usize = 2;
    const WIDTH: usize = 1;

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: good for 8 elements, says the caller.
        Self(unsafe { from.cast::<[T; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: as above.
        unsafe { to.cast::<[T; 8]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Self([value; 8])
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * other.0[i]))
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] > other.0[i] { self.0[i] } else { other.0[i] }))
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] < other.0[i] { self.0[i] } else { other.0[i] }))
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + term.0[i]))
    }

    #[inline(always)]
    unsafe fn transpose(from: *const T, from_stride: usize, to: *mut T, to_stride: usize) {
        for i in 0..8 {
            for j in 0..8 {
                // SAFETY: the caller's blocks of 8 by 8.
                unsafe { *to.add(j * to_stride + i) = *from.add(i * from_stride + j) }
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<const SLICED: bool>(t: Tile<T>) {
        // SAFETY: the caller's tile has ROWS by COLS elements.
        unsafe { tile::<Self, 4, 1, SLICED>(t) }
    }

    #[inline(always)]
    unsafe fn low_tile<const SLICED: bool>(t: Tile<T>) {
        // SAFETY: the caller's tile has LOW by COLS elements.
        unsafe { tile::<Self, 2, 1, SLICED>(t) }
    }

    unsafe fn enter(task: impl Task<Self>) {
        // SAFETY: plain Rust needs no instruction set.
        unsafe { task.run() }
    }
}
