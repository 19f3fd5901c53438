//! The one-dimensional transforms of Winograd's F(4, 3) with the points 0, ±1/√2, ±√2 and ∞.
//!
//! For an input `d` of 6, a filter `g` of 3 and an output of 4 numbers (Lavin and Gray 2016, "Fast
//! Algorithms for Convolutional Neural Networks", section 4): `y = Aᵀ [(G g) ⊙ (Bᵀ d)]`. These
//! points err four to five times less than the usual 0, ±1, ±2, ∞.

use crate::cpu::Vector;
use candle_core::WithDType;
use std::f64::consts::{FRAC_1_SQRT_2 as A, SQRT_2 as B};

/// A linear map from `I` to `O` numbers, done for a vector of each.
pub(super) trait Transform<V, const I: usize, const O: usize> {
    /// `#[inline(always)]`, called inside `V::enter`.
    unsafe fn apply(from: [V; I]) -> [V; O];
}

/// Applies a transform to the columns, then to the rows of an `I` by `I` patch of vectors.
///
/// # Safety
/// Inside `V::enter`; vectors `[r][c]` lie at `from + r from_row + c from_col`, and there is room for
/// the results at `to + r to_row + c to_col`.
#[inline(always)]
pub(super) unsafe fn transform<V: Vector, T: Transform<V, I, O>, const I: usize, const O: usize>(
    from: *const V::Elem,
    (from_row, from_col): (usize, usize),
    to: *mut V::Elem,
    (to_row, to_col): (usize, usize),
) {
    // Loops and no closures here: these would not be compiled for the instruction set.
    // SAFETY: the caller's patches.
    unsafe {
        let zero = constant::<V>(0.);
        let mut rows = [[zero; I]; O];
        for c in 0..I {
            let mut column = [zero; I];
            for r in 0..I {
                column[r] = V::load(from.add(r * from_row + c * from_col));
            }
            let column = T::apply(column);
            for r in 0..O {
                rows[r][c] = column[r];
            }
        }
        for r in 0..O {
            let row = T::apply(rows[r]);
            for c in 0..O {
                row[c].store(to.add(r * to_row + c * to_col));
            }
        }
    }
}

#[inline(always)]
fn constant<V: Vector>(value: f64) -> V {
    // SAFETY: called inside `V::enter` like all of this module.
    unsafe { V::splat(V::Elem::from_f64(value)) }
}

/// `Bᵀ d`.
pub(super) struct Input;

impl<V: Vector> Transform<V, 6, 6> for Input {
    #[inline(always)]
    unsafe fn apply(d: [V; 6]) -> [V; 6] {
        let (a, b) = (constant::<V>(A), constant::<V>(B));
        let (m25, m2, mhalf) = (constant::<V>(-2.5), constant::<V>(-2.), constant::<V>(-0.5));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (d[2].mul_add(m2, d[4]), d[1].mul_add(m2, d[3]).mul(a));
            let (even_b, odd_b) = (d[2].mul_add(mhalf, d[4]), d[1].mul_add(mhalf, d[3]).mul(b));
            [
                d[2].mul_add(m25, d[0].add(d[4])),
                even_a.add(odd_a),
                even_a.sub(odd_a),
                even_b.add(odd_b),
                even_b.sub(odd_b),
                d[3].mul_add(m25, d[1].add(d[5])),
            ]
        }
    }
}

/// `Aᵀ m`.
pub(super) struct Output;

impl<V: Vector> Transform<V, 6, 4> for Output {
    #[inline(always)]
    unsafe fn apply(m: [V; 6]) -> [V; 4] {
        let (a, b) = (constant::<V>(A), constant::<V>(B));
        let (half, two, a3, b3) = (constant::<V>(0.5), constant::<V>(2.), constant::<V>(A / 2.), constant::<V>(B * 2.));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (even_b, odd_b) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(even_a).add(even_b),
                odd_a.mul(a).add(odd_b.mul(b)),
                even_a.mul_add(half, even_b.mul(two)),
                odd_a.mul_add(a3, odd_b.mul_add(b3, m[5])),
            ]
        }
    }
}

/// `G g`.
pub(super) struct Filter;

impl<V: Vector> Transform<V, 3, 6> for Filter {
    #[inline(always)]
    unsafe fn apply(g: [V; 3]) -> [V; 6] {
        let (ga, gb) = (constant::<V>(-2. / 3.), constant::<V>(1. / 6.));
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = g[2].mul_add(constant::<V>(-1. / 3.), g[0].mul(ga));
            let odd_a = g[1].mul(constant::<V>(-2. / 3. * A));
            let even_b = g[2].mul_add(constant::<V>(1. / 3.), g[0].mul(gb));
            let odd_b = g[1].mul(constant::<V>(B / 6.));
            [g[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), g[2]]
        }
    }
}

/// `A e`: the transpose of [`Output`], for the gradient of a filter.
pub(super) struct OutputTransposed;

impl<V: Vector> Transform<V, 4, 6> for OutputTransposed {
    #[inline(always)]
    unsafe fn apply(e: [V; 4]) -> [V; 6] {
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = e[2].mul_add(constant::<V>(0.5), e[0]);
            let odd_a = e[3].mul_add(constant::<V>(A / 2.), e[1].mul(constant::<V>(A)));
            let even_b = e[2].mul_add(constant::<V>(2.), e[0]);
            let odd_b = e[3].mul_add(constant::<V>(B * 2.), e[1].mul(constant::<V>(B)));
            [e[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), e[3]]
        }
    }
}

/// `Gᵀ u`: the transpose of [`Filter`].
pub(super) struct FilterTransposed;

impl<V: Vector> Transform<V, 6, 3> for FilterTransposed {
    #[inline(always)]
    unsafe fn apply(u: [V; 6]) -> [V; 3] {
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (u[1].add(u[2]), u[1].sub(u[2]));
            let (even_b, odd_b) = (u[3].add(u[4]), u[3].sub(u[4]));
            [
                even_b.mul_add(constant::<V>(1. / 6.), even_a.mul_add(constant::<V>(-2. / 3.), u[0])),
                odd_b.mul_add(constant::<V>(B / 6.), odd_a.mul(constant::<V>(-2. / 3. * A))),
                even_b.mul_add(constant::<V>(1. / 3.), even_a.mul_add(constant::<V>(-1. / 3.), u[5])),
            ]
        }
    }
}
