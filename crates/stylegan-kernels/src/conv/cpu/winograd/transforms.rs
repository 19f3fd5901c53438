//! The one-dimensional transforms of Winograd's F(4, 3), F(3, 4), F(2, 5) and F(4, 2).
//!
//! For an input `d`, a filter `g` of `r` and an output of `m` numbers, F(`m`, `r`) is (Lavin and Gray 2016, "Fast
//! Algorithms for Convolutional Neural Networks", section 4): `y = Aᵀ [(G g) ⊙ (Bᵀ d)]`. The first three have
//! the points 0, ±1/√2, ±√2 and ∞, which err four to five times less than the usual 0, ±1, ±2, ∞, and share `Bᵀ`;
//! F(4, 2) has ±0.45, ±1.2 and ∞, the best of a search.

use crate::cpu::Vector;
use candle_core::WithDType;
use std::f64::consts::{FRAC_1_SQRT_2 as A, SQRT_2 as B};

/// A linear map from `I` to `O` numbers, done for a vector of each.
trait Transform<V, const I: usize, const O: usize> {
    /// `#[inline(always)]`, called inside `V::enter`.
    unsafe fn apply(from: [V; I]) -> [V; O];
}

/// Where the rows and columns of a patch of vectors lie, in elements.
#[derive(Clone, Copy)]
pub(in crate::conv) struct Steps {
    pub(in crate::conv) row: usize,
    pub(in crate::conv) col: usize,
}

/// An algorithm by its five transforms, each of the columns, then the rows of a patch. The products
/// of the last row and of the last column of points count as zero where not `last`.
pub(in crate::conv) trait Scheme: Send + Sync + 'static {
    /// Taps of a filter, points and pixels of a tile of the output, along an axis.
    const TAPS: usize;
    const SIDE: usize;
    const OUT: usize = Self::SIDE + 1 - Self::TAPS;
    /// The stride.
    const STEP: usize;

    /// `SIDE` x `SIDE` pixels to points.
    ///
    /// # Safety
    /// Inside `V::enter`; there are vectors at `from` and room at `to`. So for all of these.
    unsafe fn input<V: Vector>(from: *const V::Elem, steps: Steps, to: *mut V::Elem, points: Steps);
    /// Points to `OUT` x `OUT` pixels.
    unsafe fn output<V: Vector>(from: *const V::Elem, points: Steps, to: *mut V::Elem, steps: Steps, last: [bool; 2]);
    /// `TAPS` x `TAPS` filters to points.
    unsafe fn filter<V: Vector>(from: *const V::Elem, steps: Steps, to: *mut V::Elem, points: Steps);
    /// The transpose of `output`.
    unsafe fn output_transposed<V: Vector>(from: *const V::Elem, steps: Steps, to: *mut V::Elem, points: Steps);
    /// The transpose of `filter`.
    unsafe fn filter_transposed<V: Vector>(
        from: *const V::Elem,
        points: Steps,
        to: *mut V::Elem,
        steps: Steps,
        last: [bool; 2],
    );
}

/// F(4x4, 3x3), for stride 1.
pub(in crate::conv) struct F4x3;

/// F(3x3, 4x4), for stride 1.
pub(in crate::conv) struct F3x4;

/// F(2x2, 5x5), for stride 1.
pub(in crate::conv) struct F2x5;

/// F(4x4, 2x2), for stride 2: rows and columns of the larger image, and taps, are split by parity
/// into four convolutions of stride 1.
pub(in crate::conv) struct F4x2;

macro_rules! scheme {
    ($name:ty, $taps:literal, $side:literal, $step:literal) => {
        impl Scheme for $name {
            const TAPS: usize = $taps;
            const SIDE: usize = $side;
            const STEP: usize = $step;

            #[inline(always)]
            unsafe fn input<V: Vector>(from: *const V::Elem, steps: Steps, to: *mut V::Elem, points: Steps) {
                // SAFETY: the caller's vectors (so below).
                unsafe { transform::<V, Input, $side, $side>(from, steps, to, points, [true; 2]) }
            }

            #[inline(always)]
            unsafe fn output<V: Vector>(
                from: *const V::Elem,
                points: Steps,
                to: *mut V::Elem,
                steps: Steps,
                last: [bool; 2],
            ) {
                // SAFETY: as above.
                unsafe { transform::<V, Output, $side, { Self::OUT }>(from, points, to, steps, last) }
            }

            #[inline(always)]
            unsafe fn filter<V: Vector>(from: *const V::Elem, steps: Steps, to: *mut V::Elem, points: Steps) {
                // SAFETY: as above.
                unsafe { transform::<V, Filter, $taps, $side>(from, steps, to, points, [true; 2]) }
            }

            #[inline(always)]
            unsafe fn output_transposed<V: Vector>(
                from: *const V::Elem,
                steps: Steps,
                to: *mut V::Elem,
                points: Steps,
            ) {
                // SAFETY: as above.
                unsafe { transform::<V, OutputTransposed, { Self::OUT }, $side>(from, steps, to, points, [true; 2]) }
            }

            #[inline(always)]
            unsafe fn filter_transposed<V: Vector>(
                from: *const V::Elem,
                points: Steps,
                to: *mut V::Elem,
                steps: Steps,
                last: [bool; 2],
            ) {
                // SAFETY: as above.
                unsafe { transform::<V, FilterTransposed, $side, $taps>(from, points, to, steps, last) }
            }
        }
    };
}
scheme!(F4x3, 3, 6, 1);
scheme!(F3x4, 4, 6, 1);
scheme!(F2x5, 5, 6, 1);
scheme!(F4x2, 2, 5, 2);

/// Applies a transform to the columns, then to the rows of an `I` by `I` patch of vectors, whose
/// last row and last column count as zero where not `last`.
///
/// # Safety
/// Inside `V::enter`; the vectors and the room for the results are there.
#[inline(always)]
unsafe fn transform<V: Vector, T: Transform<V, I, O>, const I: usize, const O: usize>(
    from: *const V::Elem,
    from_steps: Steps,
    to: *mut V::Elem,
    to_steps: Steps,
    last: [bool; 2],
) {
    // Loops and no closures here: these would not be compiled for the instruction set.
    // SAFETY: the caller's patches.
    unsafe {
        let zero = constant::<V>(0.);
        let mut rows = [[zero; I]; O];
        for c in 0..I {
            if c + 1 == I && !last[1] {
                continue;
            }
            let mut column = [zero; I];
            for r in 0..I {
                if r + 1 < I || last[0] {
                    column[r] = V::load(from.add(r * from_steps.row + c * from_steps.col));
                }
            }
            let column = T::apply(column);
            for r in 0..O {
                rows[r][c] = column[r];
            }
        }
        for r in 0..O {
            let row = T::apply(rows[r]);
            for c in 0..O {
                row[c].store(to.add(r * to_steps.row + c * to_steps.col));
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
struct Input;

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
struct Output;

impl<V: Vector> Transform<V, 6, 2> for Output {
    #[inline(always)]
    unsafe fn apply(m: [V; 6]) -> [V; 2] {
        let (a, b) = (constant::<V>(A), constant::<V>(B));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (even_b, odd_b) = (m[3].add(m[4]), m[3].sub(m[4]));
            [m[0].add(even_a).add(even_b), odd_a.mul_add(a, odd_b.mul_add(b, m[5]))]
        }
    }
}

impl<V: Vector> Transform<V, 6, 3> for Output {
    #[inline(always)]
    unsafe fn apply(m: [V; 6]) -> [V; 3] {
        let (a, b) = (constant::<V>(A), constant::<V>(B));
        let (half, two) = (constant::<V>(0.5), constant::<V>(2.));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (even_b, odd_b) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(even_a).add(even_b),
                odd_a.mul(a).add(odd_b.mul(b)),
                even_a.mul_add(half, even_b.mul_add(two, m[5])),
            ]
        }
    }
}

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
struct Filter;

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

impl<V: Vector> Transform<V, 4, 6> for Filter {
    #[inline(always)]
    unsafe fn apply(g: [V; 4]) -> [V; 6] {
        let (ga, gb) = (constant::<V>(-2. / 3.), constant::<V>(1. / 6.));
        let (oa, ob) = (constant::<V>(-2. / 3. * A), constant::<V>(B / 6.));
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = g[2].mul_add(constant::<V>(-1. / 3.), g[0].mul(ga));
            let odd_a = g[3].mul_add(constant::<V>(-1. / 3. * A), g[1].mul(oa));
            let even_b = g[2].mul_add(constant::<V>(1. / 3.), g[0].mul(gb));
            let odd_b = g[3].mul_add(constant::<V>(B / 3.), g[1].mul(ob));
            [g[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), g[3]]
        }
    }
}

impl<V: Vector> Transform<V, 5, 6> for Filter {
    #[inline(always)]
    unsafe fn apply(g: [V; 5]) -> [V; 6] {
        let (ga, gb) = (constant::<V>(-2. / 3.), constant::<V>(1. / 6.));
        let (oa, ob) = (constant::<V>(-2. / 3. * A), constant::<V>(B / 6.));
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = g[4].mul_add(constant::<V>(-1. / 6.), g[2].mul_add(constant::<V>(-1. / 3.), g[0].mul(ga)));
            let odd_a = g[3].mul_add(constant::<V>(-1. / 3. * A), g[1].mul(oa));
            let even_b = g[4].mul_add(constant::<V>(2. / 3.), g[2].mul_add(constant::<V>(1. / 3.), g[0].mul(gb)));
            let odd_b = g[3].mul_add(constant::<V>(B / 3.), g[1].mul(ob));
            [g[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), g[4]]
        }
    }
}

/// `A e`: the transpose of [`Output`], for the gradient of a filter.
struct OutputTransposed;

impl<V: Vector> Transform<V, 2, 6> for OutputTransposed {
    #[inline(always)]
    unsafe fn apply(e: [V; 2]) -> [V; 6] {
        // SAFETY: arithmetic only.
        unsafe {
            let (odd_a, odd_b) = (e[1].mul(constant::<V>(A)), e[1].mul(constant::<V>(B)));
            [e[0], e[0].add(odd_a), e[0].sub(odd_a), e[0].add(odd_b), e[0].sub(odd_b), e[1]]
        }
    }
}

impl<V: Vector> Transform<V, 3, 6> for OutputTransposed {
    #[inline(always)]
    unsafe fn apply(e: [V; 3]) -> [V; 6] {
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = e[2].mul_add(constant::<V>(0.5), e[0]);
            let even_b = e[2].mul_add(constant::<V>(2.), e[0]);
            let (odd_a, odd_b) = (e[1].mul(constant::<V>(A)), e[1].mul(constant::<V>(B)));
            [e[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), e[2]]
        }
    }
}

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
struct FilterTransposed;

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

impl<V: Vector> Transform<V, 6, 4> for FilterTransposed {
    #[inline(always)]
    unsafe fn apply(u: [V; 6]) -> [V; 4] {
        let (oa, ob) = (constant::<V>(-1. / 3. * A), constant::<V>(B / 3.));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (u[1].add(u[2]), u[1].sub(u[2]));
            let (even_b, odd_b) = (u[3].add(u[4]), u[3].sub(u[4]));
            [
                even_b.mul_add(constant::<V>(1. / 6.), even_a.mul_add(constant::<V>(-2. / 3.), u[0])),
                odd_b.mul_add(constant::<V>(B / 6.), odd_a.mul(constant::<V>(-2. / 3. * A))),
                even_b.sub(even_a).mul(constant::<V>(1. / 3.)),
                odd_b.mul_add(ob, odd_a.mul_add(oa, u[5])),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 6, 5> for FilterTransposed {
    #[inline(always)]
    unsafe fn apply(u: [V; 6]) -> [V; 5] {
        let (oa, ob) = (constant::<V>(-1. / 3. * A), constant::<V>(B / 3.));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (u[1].add(u[2]), u[1].sub(u[2]));
            let (even_b, odd_b) = (u[3].add(u[4]), u[3].sub(u[4]));
            [
                even_b.mul_add(constant::<V>(1. / 6.), even_a.mul_add(constant::<V>(-2. / 3.), u[0])),
                odd_b.mul_add(constant::<V>(B / 6.), odd_a.mul(constant::<V>(-2. / 3. * A))),
                even_b.sub(even_a).mul(constant::<V>(1. / 3.)),
                odd_b.mul_add(ob, odd_a.mul(oa)),
                even_b.mul_add(constant::<V>(2. / 3.), even_a.mul_add(constant::<V>(-1. / 6.), u[5])),
            ]
        }
    }
}

/// The points of F(4, 2).
const P: f64 = 0.45;
const Q: f64 = 1.2;
/// The distance of their squares.
const D: f64 = Q * Q - P * P;

impl<V: Vector> Transform<V, 5, 5> for Input {
    #[inline(always)]
    unsafe fn apply(d: [V; 5]) -> [V; 5] {
        let (pp, qq) = (constant::<V>(-P * P), constant::<V>(-Q * Q));
        // SAFETY: arithmetic only.
        unsafe {
            let (odd_p, even_p) = (d[1].mul_add(qq, d[3]), d[0].mul_add(qq, d[2]).mul(constant::<V>(P)));
            let (odd_q, even_q) = (d[1].mul_add(pp, d[3]), d[0].mul_add(pp, d[2]).mul(constant::<V>(Q)));
            let last = d[2].mul_add(constant::<V>(-P * P - Q * Q), d[4]);
            [
                odd_p.add(even_p),
                odd_p.sub(even_p),
                odd_q.add(even_q),
                odd_q.sub(even_q),
                d[0].mul_add(constant::<V>(P * P * Q * Q), last),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 5, 4> for Output {
    #[inline(always)]
    unsafe fn apply(m: [V; 5]) -> [V; 4] {
        // SAFETY: arithmetic only.
        unsafe {
            let (even_p, odd_p) = (m[0].add(m[1]), m[0].sub(m[1]));
            let (even_q, odd_q) = (m[2].add(m[3]), m[2].sub(m[3]));
            [
                even_p.add(even_q),
                odd_p.mul_add(constant::<V>(P), odd_q.mul(constant::<V>(Q))),
                even_p.mul_add(constant::<V>(P * P), even_q.mul(constant::<V>(Q * Q))),
                odd_p.mul_add(constant::<V>(P * P * P), odd_q.mul_add(constant::<V>(Q * Q * Q), m[4])),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 2, 5> for Filter {
    #[inline(always)]
    unsafe fn apply(g: [V; 2]) -> [V; 5] {
        // SAFETY: arithmetic only.
        unsafe {
            let (even_p, odd_p) = (g[0].mul(constant::<V>(-0.5 / (P * D))), g[1].mul(constant::<V>(-0.5 / D)));
            let (even_q, odd_q) = (g[0].mul(constant::<V>(0.5 / (Q * D))), g[1].mul(constant::<V>(0.5 / D)));
            [odd_p.add(even_p), odd_p.sub(even_p), odd_q.add(even_q), odd_q.sub(even_q), g[1]]
        }
    }
}

impl<V: Vector> Transform<V, 4, 5> for OutputTransposed {
    #[inline(always)]
    unsafe fn apply(e: [V; 4]) -> [V; 5] {
        // SAFETY: arithmetic only.
        unsafe {
            let even_p = e[2].mul_add(constant::<V>(P * P), e[0]);
            let odd_p = e[3].mul_add(constant::<V>(P * P * P), e[1].mul(constant::<V>(P)));
            let even_q = e[2].mul_add(constant::<V>(Q * Q), e[0]);
            let odd_q = e[3].mul_add(constant::<V>(Q * Q * Q), e[1].mul(constant::<V>(Q)));
            [even_p.add(odd_p), even_p.sub(odd_p), even_q.add(odd_q), even_q.sub(odd_q), e[3]]
        }
    }
}

impl<V: Vector> Transform<V, 5, 2> for FilterTransposed {
    #[inline(always)]
    unsafe fn apply(u: [V; 5]) -> [V; 2] {
        // SAFETY: arithmetic only.
        unsafe {
            let (even_p, odd_p) = (u[0].sub(u[1]), u[0].add(u[1]));
            let (even_q, odd_q) = (u[2].sub(u[3]), u[2].add(u[3]));
            [
                even_p.mul_add(constant::<V>(-0.5 / (P * D)), even_q.mul(constant::<V>(0.5 / (Q * D)))),
                odd_p.mul_add(constant::<V>(-0.5 / D), odd_q.mul_add(constant::<V>(0.5 / D), u[4])),
            ]
        }
    }
}
