//! Every path on every instruction set of this machine against the definition in f64.
#![allow(clippy::unwrap_used)]

use super::ConvCall;
use super::direct::direct;
use crate::conv::shape::{Kind, Shape};
use crate::cpu::{levels, with_level};

/// Numbers in [-1, 1) from a small generator.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.
    };
    (0..len).map(|_| next()).collect()
}

fn shape(n: usize, [c, k]: [usize; 2], [h, w]: [usize; 2], [r, s]: [usize; 2], stride: usize, padding: usize) -> Shape {
    let side = |i: usize, f: usize| (i + 2 * padding - f) / stride + 1;
    Shape { n, c, h, w, k, r, s, oh: side(h, r), ow: side(w, s), stride, padding }
}

/// Compares all three kinds on all instruction sets with the definition.
fn check(s: Shape, tolerance: f64) {
    let x = numbers(s.n * s.c * s.h * s.w, 1);
    let w = numbers(s.k * s.c * s.r * s.s, 2);
    let y = numbers(s.n * s.k * s.oh * s.ow, 3);
    let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    for kind in [Kind::Forward, Kind::Input, Kind::Weight] {
        let (a, b) = match kind {
            Kind::Forward => (&x, &w),
            Kind::Input => (&y, &w),
            Kind::Weight => (&x, &y),
        };
        let expected = direct(kind, &wide(a), &wide(b), &s, 0.75);
        let largest = expected.iter().fold(1e-3, |m: f64, v| m.max(v.abs()));
        for level in levels() {
            let found = with_level(level, || super::f32(&ConvCall::new(kind, a, b, s, 0.75)));
            assert_eq!(found.len(), expected.len(), "{kind:?} {level:?} {s:?}");
            let error = found.iter().zip(&expected).map(|(f, e)| (f64::from(*f) - e).abs()).fold(0., f64::max);
            let finite = found.iter().all(|v| v.is_finite());
            assert!(
                finite && error <= tolerance * largest,
                "{kind:?} {level:?} {s:?}: error {error:e}, largest {largest}"
            );
        }
    }
}

/// F(4x4, 3x3) errs about 2e-6 of the largest value at hundreds of terms; the bound leaves a factor
/// of three for unlucky small sums.
const WINOGRAD: f64 = 6e-6;

#[test]
fn winograd_agrees_with_the_definition() {
    for (n, c, h, w, padding) in [
        (1, [8, 8], [1, 1], 1),
        (2, [8, 9], [4, 4], 1),
        (5, [16, 8], [4, 4], 1),
        (3, [17, 33], [8, 8], 1),
        (1, [9, 70], [13, 7], 0),
        (1, [70, 12], [5, 66], 1),
        (2, [12, 12], [3, 3], 2),
        (1, [64, 64], [33, 31], 1),
        (1, [8, 8], [2, 150], 2),
        (4, [32, 48], [16, 16], 1),
    ]
    .map(|(n, ck, [h, w], p)| (n, ck, h, w, p))
    {
        check(shape(n, c, [h, w], [3, 3], 1, padding), WINOGRAD);
    }
}

#[test]
fn winograd_of_larger_kernels_agrees_with_the_definition() {
    for (n, ck, size, side, padding) in [
        (2, [128, 40], [9, 9], 4, 2),
        (3, [17, 33], [5, 5], 4, 2),
        (1, [8, 9], [31, 70], 4, 1),
        (5, [20, 16], [12, 7], 4, 0),
        (1, [12, 8], [6, 40], 4, 3),
        (2, [64, 48], [15, 15], 5, 2),
        (1, [9, 70], [13, 27], 5, 0),
        (3, [16, 8], [8, 8], 5, 4),
        (1, [8, 24], [66, 5], 5, 1),
    ] {
        check(shape(n, ck, size, [side; 2], 1, padding), WINOGRAD);
    }
}

#[test]
fn winograd_of_stride_2_agrees_with_the_definition() {
    for (n, ck, size, side, padding) in [
        (1, [16, 16], [8, 8], 3, 1),
        (2, [16, 9], [9, 9], 3, 0),
        (1, [32, 40], [17, 15], 3, 1),
        (3, [16, 33], [16, 18], 3, 2),
        (1, [48, 17], [33, 31], 3, 0),
        (2, [19, 16], [32, 34], 3, 1),
        (5, [16, 70], [40, 41], 3, 1),
        (1, [16, 16], [16, 16], 4, 1),
        (2, [32, 20], [30, 33], 4, 1),
        (1, [16, 40], [31, 17], 4, 0),
        (4, [16, 16], [44, 42], 4, 2),
        (1, [512, 32], [16, 16], 3, 1),
        (2, [16, 20], [17, 33], 3, 0),
        (3, [24, 16], [33, 20], 3, 0),
        (1, [16, 16], [64, 32], 4, 1),
    ] {
        check(shape(n, ck, size, [side; 2], 2, padding), WINOGRAD);
    }
}

/// Strips whose tiles begin a pixel before the image and fill a whole workspace: the last vectors
/// of the last row reach behind the strip. A sanitizer sees it, the values do not tell.
#[test]
fn winograd_strips_that_begin_before_the_image() {
    for (ck, size, side, padding) in [
        ([16, 8], [61, 61], 3, 0),
        ([8, 16], [62, 121], 3, 0),
        ([20, 16], [9, 241], 3, 0),
        ([16, 8], [60, 59], 3, 2),
        ([16, 8], [60, 60], 4, 1),
        ([9, 16], [10, 122], 4, 1),
    ] {
        check(shape(1, ck, size, [side; 2], 2, padding), WINOGRAD);
    }
}

/// Sums of up to 70 * 121 terms in another order than the definition's.
const PRODUCTS: f64 = 2e-6;

/// Few channels out, in both directions, in one block of pixels and in many, and pixels that no tap reaches.
#[test]
fn products_per_tap_agree_with_the_definition() {
    for (n, ck, size, kernel, stride, padding) in [
        (2, [256, 1], [10, 10], [4, 4], 1, 2),
        (1, [16, 3], [64, 64], [3, 3], 1, 1),
        (9, [8, 4], [5, 6], [3, 5], 1, 0),
        (1, [2, 1], [7, 300], [2, 3], 1, 1),
        (2, [3, 64], [30, 31], [11, 11], 1, 2),
        (1, [3, 20], [23, 23], [11, 11], 4, 2),
        (1, [2, 9], [9, 10], [2, 2], 3, 0),
        (1, [1, 8], [40, 6], [3, 3], 2, 3),
    ] {
        check(shape(n, ck, size, kernel, stride, padding), PRODUCTS);
    }
}

#[test]
fn implicit_products_agree_with_the_definition() {
    for (n, ck, size, kernel, stride, padding) in [
        (1, [1, 1], [1, 1], [1, 1], 1, 0),
        (2, [3, 40], [9, 7], [1, 1], 1, 0),
        (3, [4, 4], [1, 1], [1, 1], 1, 0),
        (1, [1, 2], [50, 50], [1, 1], 1, 0),
        (2, [70, 2], [33, 33], [1, 1], 1, 0),
        (5, [40, 3], [4, 4], [1, 1], 1, 0),
        (3, [70, 33], [17, 19], [1, 1], 1, 0),
        (2, [3, 5], [8, 6], [3, 3], 1, 1),
        (2, [7, 13], [9, 8], [3, 3], 2, 1),
        (1, [33, 20], [16, 16], [3, 3], 2, 1),
        (3, [20, 33], [8, 7], [4, 4], 2, 1),
        (1, [12, 14], [7, 40], [7, 7], 1, 3),
        (1, [5, 70], [14, 15], [11, 11], 1, 5),
        (1, [3, 20], [23, 23], [11, 11], 4, 2),
        (2, [9, 10], [6, 11], [1, 1], 2, 0),
        (1, [4, 6], [10, 10], [2, 3], 3, 1),
        (4, [16, 60], [36, 37], [3, 3], 2, 0),
        (1, [10, 10], [6, 6], [3, 3], 1, 3),
    ] {
        check(shape(n, ck, size, kernel, stride, padding), PRODUCTS);
    }
}

/// Every algorithm in sizes that an interpreter of memory accesses (Miri) can do.
#[test]
fn every_path_in_small() {
    for (n, ck, size, kernel, stride, padding) in [
        (1, [8, 9], [5, 3], [3, 3], 1, 1),
        (1, [8, 8], [9, 9], [3, 3], 2, 0),
        (1, [8, 8], [8, 5], [4, 4], 2, 1),
        (1, [3, 9], [5, 7], [1, 1], 1, 0),
        (2, [2, 3], [4, 5], [3, 2], 2, 1),
        (1, [8, 8], [9, 8], [4, 4], 1, 2),
        (1, [8, 8], [7, 8], [5, 5], 1, 2),
        (1, [2, 4], [6, 5], [3, 3], 1, 1),
        (1, [4, 2], [6, 5], [3, 3], 1, 1),
    ] {
        check(shape(n, ck, size, kernel, stride, padding), WINOGRAD);
    }
}

/// Some work is cut into as many parts for each thread: where, no element may know.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let pools = [1, 3, 8].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    for (s, kernel) in [(1, [3, 3]), (2, [3, 3]), (1, [1, 1]), (1, [4, 4]), (1, [5, 5]), (1, [7, 7])] {
        let ours = shape(3, [48, 40], [21, 18], kernel, s, kernel[0] / 2);
        let thin = shape(3, [40, 3], [64, 33], [1, 1], 1, 0);
        let few = shape(3, [3, 24], [64, 33], kernel, s, kernel[0] / 2);
        let small = shape(3, [64, 64], [4, 4], [3, 3], 1, 1);
        let large = shape(2, [16, 24], [46, 50], kernel, s, kernel[0] / 2);
        for s in [ours, thin, few, small, large] {
            let (x, w) = (numbers(s.n * s.c * s.h * s.w, 1), numbers(s.k * s.c * s.r * s.s, 2));
            let y = numbers(s.n * s.k * s.oh * s.ow, 3);
            for (kind, a, b) in [(Kind::Forward, &x, &w), (Kind::Input, &y, &w), (Kind::Weight, &x, &y)] {
                let run = || super::f32(&ConvCall::new(kind, a, b, s, 1.));
                let [one, others @ ..] = pools.each_ref().map(|pool| pool.install(run));
                assert!(others.iter().all(|found| *found == one), "{kind:?} {s:?}");
            }
        }
    }
}

#[test]
fn values_that_are_not_finite_reach_all_that_depends_on_them() {
    for (ck, kernel, stride) in [
        ([16, 24], [3, 3], 1),
        ([16, 24], [3, 3], 2),
        ([9, 24], [3, 3], 2),
        ([16, 24], [1, 1], 1),
        ([3, 24], [1, 1], 1),
        ([16, 24], [4, 4], 1),
        ([16, 24], [5, 5], 1),
        ([3, 24], [3, 3], 1),
        ([24, 3], [3, 3], 1),
    ] {
        let s = shape(2, ck, [10, 9], kernel, stride, kernel[0] / 2);
        let (x, w) = (numbers(s.n * s.c * s.h * s.w, 1), numbers(s.k * s.c * s.r * s.s, 2));
        let y = numbers(s.n * s.k * s.oh * s.ow, 3);
        for bad in [f32::NAN, f32::INFINITY] {
            for (kind, a, b) in [(Kind::Forward, &x, &w), (Kind::Input, &y, &w), (Kind::Weight, &x, &y)] {
                for second in [false, true] {
                    let (mut a, mut b) = (a.clone(), b.clone());
                    let spoiled = if second { &mut b } else { &mut a };
                    let middle = spoiled.len() / 2;
                    spoiled[middle] = bad;
                    let expected = direct(kind, &a, &b, &s, 1.);
                    for level in levels() {
                        let found = with_level(level, || super::f32(&ConvCall::new(kind, &a, &b, s, 1.)));
                        let kept = found.iter().zip(&expected).all(|(f, e)| e.is_finite() || !f.is_finite());
                        assert!(kept, "{kind:?} {level:?} {s:?}: a value that is not finite was lost");
                    }
                }
            }
        }
    }
}

#[test]
fn double_precision_agrees_with_the_definition() {
    for (stride, padding, kernel) in [(1, 1, [3, 3]), (2, 1, [4, 3]), (1, 0, [1, 1])] {
        let s = shape(2, [9, 11], [8, 9], kernel, stride, padding);
        let wide = |len: usize, seed| numbers(len, seed).into_iter().map(f64::from).collect::<Vec<_>>();
        let (x, w) = (wide(s.n * s.c * s.h * s.w, 1), wide(s.k * s.c * s.r * s.s, 2));
        let y = wide(s.n * s.k * s.oh * s.ow, 3);
        for (kind, a, b) in [(Kind::Forward, &x, &w), (Kind::Input, &y, &w), (Kind::Weight, &x, &y)] {
            let (found, expected) = (super::f64(&ConvCall::new(kind, a, b, s, 0.75)), direct(kind, a, b, &s, 0.75));
            assert!(found.iter().zip(&expected).all(|(f, e)| (f - e).abs() < 1e-13 * 200.), "{kind:?} {s:?}");
        }
    }
}
