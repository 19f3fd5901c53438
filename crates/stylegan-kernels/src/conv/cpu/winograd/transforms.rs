//! Winograd's schemes: which transforms of what sizes each is made of, and how these are applied to patches.
//!
//! For an input `d`, a filter `g` of `r` and an output of `m` numbers, F(`m`, `r`) is (Lavin and Gray 2016, "Fast
//! Algorithms for Convolutional Neural Networks", section 4): `y = Aᵀ [(G g) ⊙ (Bᵀ d)]`.

use crate::cpu::Vector;
use candle_core::WithDType;

/// A linear map from `I` to `O` numbers, done for a vector of each.
pub(super) trait Transform<V, const I: usize, const O: usize> {
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
pub(super) fn constant<V: Vector>(value: f64) -> V {
    // SAFETY: called inside `V::enter` like all of this module.
    unsafe { V::splat(V::Elem::from_f64(value)) }
}

/// `Bᵀ d`.
pub(super) struct Input;

/// `Aᵀ m`.
pub(super) struct Output;

/// `G g`.
pub(super) struct Filter;

/// `A e`: the transpose of [`Output`], for the gradient of a filter.
pub(super) struct OutputTransposed;

/// `Gᵀ u`: the transpose of [`Filter`].
pub(super) struct FilterTransposed;
