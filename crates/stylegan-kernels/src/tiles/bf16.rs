//! Rounding to bf16, as the processor's own conversion does it.

use super::SIDE;

/// 16 pairs of bf16 numbers, the even one of each in the low half: 32 inputs of a pixel, or of two adjacent
/// inputs their weights for 16 outputs. A line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Pairs(pub(crate) [u32; SIDE]);

impl Pairs {
    pub(crate) const ZERO: Self = Self([0; SIDE]);
}

/// The nearest bf16 number, ties to even, in the low half. Denormal numbers become zero of their sign, NaN stays NaN.
#[inline(always)]
fn round(value: f32) -> u32 {
    let bits = value.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    let nearest = if magnitude < 0x0080_0000 { bits >> 16 & 0x8000 } else { nearest };
    if magnitude > 0x7f80_0000 { bits >> 16 | 0x40 } else { nearest }
}

/// The number in the low half of a pair.
#[inline(always)]
pub(super) fn even(pair: u32) -> f32 {
    f32::from_bits(pair << 16)
}

/// The number in the high half of a pair.
#[inline(always)]
pub(super) fn odd(pair: u32) -> f32 {
    f32::from_bits(pair & 0xffff_0000)
}

/// The products, of a part of the left factor and one of the right, that stand for the product of factors of `parts` parts:
/// high times high and, of two parts, low times high and high times low.
pub(crate) fn products(parts: usize) -> &'static [[usize; 2]] {
    const ALL: &[[usize; 2]] = &[[0, 0], [1, 0], [0, 1]];
    if parts == 1 { &ALL[..1] } else { ALL }
}

/// Pairs of `evens` and `odds`, rounded, and pairs of what the rounding left, rounded too. The sum of both is the number
/// to 16 bits.
#[inline(always)]
pub(crate) fn split_pairs(evens: &[f32; SIDE], odds: &[f32; SIDE]) -> [Pairs; 2] {
    let mut pairs = [Pairs::ZERO; 2];
    for i in 0..SIDE {
        let (a, b) = (evens[i], odds[i]);
        let high = [round(a), round(b)];
        let rest = [a - even(high[0]), b - even(high[1])];
        pairs[0].0[i] = high[0] | high[1] << 16;
        pairs[1].0[i] = round(rest[0]) | round(rest[1]) << 16;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_the_nearest_and_ties_to_even() {
        let cases: [(f32, u32); 12] = [
            (1., 0x3f80),
            (-2., 0xc000),
            // A tie goes to the even neighbour, down and up; just above it goes up.
            (f32::from_bits(0x3f80_8000), 0x3f80),
            (f32::from_bits(0x3f81_8000), 0x3f82),
            (f32::from_bits(0x3f80_8001), 0x3f81),
            (f32::from_bits(0x3fff_ffff), 0x4000),
            (f32::MAX, 0x7f80),
            (f32::NEG_INFINITY, 0xff80),
            (-0., 0x8000),
            (f32::MIN_POSITIVE, 0x0080),
            // The largest denormal number would round up to a normal one.
            (f32::from_bits(0x007f_ffff), 0),
            (f32::from_bits(0x8000_0001), 0x8000),
        ];
        for (value, expected) in cases {
            assert_eq!(round(value), expected, "{value:e}");
        }
        // All bits of a NaN may lie in the half that is cut off.
        assert!(even(round(f32::from_bits(0x7f80_0001))).is_nan());
    }

    #[test]
    fn two_parts_hold_sixteen_bits() {
        for i in 1..2000 {
            let value = (i as f32).sqrt() * if i % 2 == 0 { 1. } else { -1e-3 };
            let [high, low] = split_pairs(&[value; SIDE], &[-value; SIDE]);
            assert!((even(high.0[0]) + even(low.0[0]) - value).abs() <= value.abs() / 65536.);
            assert_eq!([odd(high.0[3]), odd(low.0[3])], [-even(high.0[3]), -even(low.0[3])]);
        }
    }
}
