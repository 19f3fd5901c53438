//! The product of tiles in plain Rust, bit for bit what `tdpbf16ps` computes.
//!
//! Intel's manual (Software Developer's Manual, volume 2, TDPBF16PS) says: the products of even inputs and those of odd
//! inputs are summed apart, each by fused multiply-adds from zero on, the two sums are added, and their sum is added to
//! the result; all of it rounded to nearest, with denormal numbers taken and given as zero.

use super::SIDE;
use super::bf16::{Pairs, even, odd};
use super::block::Tile;
use crate::cpu::{Level, Plain, Task, Vector, level};

/// Adds `left` times `right` to `sums`, row by row, as many rows as `left` has.
pub(super) struct AddProduct<'a, L> {
    pub(super) left: L,
    pub(super) right: &'a [Pairs; SIDE],
    pub(super) sums: &'a mut Tile,
}

impl<'a, L: Iterator<Item = &'a Pairs>> AddProduct<'a, L> {
    /// Does it with the vectors of this machine.
    pub(super) fn run(self) {
        // SAFETY: the level names an instruction set of this machine.
        unsafe {
            match level() {
                Level::Portable => Plain::<f32>::enter(self),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => crate::cpu::F32x8::enter(self),
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => crate::cpu::F32x16::enter(self),
                #[cfg(target_arch = "aarch64")]
                Level::Neon => crate::cpu::F32x4::enter(self),
            }
        }
    }
}

impl<'a, L: Iterator<Item = &'a Pairs>, V> Task<V> for AddProduct<'a, L> {
    #[inline(always)]
    unsafe fn run(self) {
        for (left, sums) in self.left.zip(self.sums) {
            add_row(left, self.right, sums);
        }
    }
}

/// One row. Compiled for the vectors of the function that it is part of: loops, no closures.
#[inline(always)]
fn add_row(left: &Pairs, right: &[Pairs; SIDE], sums: &mut [f32; SIDE]) {
    let (mut evens, mut odds) = ([0f32; SIDE], [0f32; SIDE]);
    for k in 0..SIDE {
        let (a, b) = (even(left.0[k]), odd(left.0[k]));
        for n in 0..SIDE {
            evens[n] = flushed(even(right[k].0[n]).mul_add(a, evens[n]));
            odds[n] = flushed(odd(right[k].0[n]).mul_add(b, odds[n]));
        }
    }
    for n in 0..SIDE {
        sums[n] = flushed(sums[n] + flushed(evens[n] + odds[n]));
    }
}

/// The number, or zero of its sign where it is denormal.
#[inline(always)]
fn flushed(value: f32) -> f32 {
    if value.abs() < f32::MIN_POSITIVE { f32::from_bits(value.to_bits() & 0x8000_0000) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::{levels, with_level};

    /// One sum, of products of `factors`: `[even a, even b, odd a, odd b]` for each pair.
    fn sum(start: f32, factors: &[[f32; 4]]) -> f32 {
        let high = |v: f32| v.to_bits() >> 16;
        let (mut left, mut right) = (Pairs::ZERO, [Pairs::ZERO; SIDE]);
        for (k, [a, b, c, d]) in factors.iter().enumerate() {
            left.0[k] = high(*a) | high(*c) << 16;
            right[k].0[5] = high(*b) | high(*d) << 16;
        }
        let results = levels().into_iter().map(|level| {
            let mut sums = [[start; SIDE]; SIDE];
            let left = [Pairs::ZERO, left];
            with_level(level, || AddProduct { left: left.iter(), right: &right, sums: &mut sums }.run());
            assert_eq!((sums[0][5], sums[2][5], sums[1][4]), (start, start, start));
            sums[1][5]
        });
        let results: Vec<f32> = results.collect();
        assert!(results.iter().all(|r| r.to_bits() == results[0].to_bits()));
        results[0]
    }

    #[test]
    fn sums_of_even_and_odd_inputs_are_apart() {
        let large = 2f32.powi(24);
        // 1 is lost beside 2^24: the odd ones add up to 4 before they meet it.
        let factors = [[large, 1., 1., 1.], [0., 0., 1., 1.], [0., 0., 1., 1.], [0., 0., 1., 1.]];
        assert_eq!(sum(0., &factors), large + 4.);
        // Among the even ones each is lost, and the result so far comes last.
        let factors = [[large, 1., 0., 0.], [1., 1., 0., 0.], [-large, 1., 0., 0.]];
        assert_eq!(sum(0.5, &factors), 0.5);
        assert_eq!(sum(1., &[[large, 1., -large, 1.]]), 1.);
    }

    #[test]
    fn products_are_not_rounded_and_denormal_results_are_zero() {
        // (1 + 2^-7)^2 - 1 - 2^-6 is 2^-14.
        let near = 1. + 2f32.powi(-7);
        assert_eq!(sum(0., &[[near, near, 0., 0.], [-1., 1. + 2f32.powi(-6), 0., 0.]]), 2f32.powi(-14));
        let tiny = 2f32.powi(-64);
        assert_eq!(sum(0., &[[tiny, tiny, 0., 0.]]).to_bits(), 0);
        assert_eq!(sum(1., &[[tiny, tiny, tiny, -tiny]]), 1.);
        // Each product flushed by itself: their sum would be a normal number.
        let product = 2f32.powi(-127);
        let factors = [[2f32.powi(-63), 2f32.powi(-64), 2f32.powi(-63), 2f32.powi(-64)]; 4];
        assert!(product * 8. >= f32::MIN_POSITIVE);
        assert_eq!(sum(0., &factors), 0.);
        assert_eq!(sum(0., &[[2f32.powi(-63), 2f32.powi(-63), 0., 0.]]), f32::MIN_POSITIVE);
    }
}
