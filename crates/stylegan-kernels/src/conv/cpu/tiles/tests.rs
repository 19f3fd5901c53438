//! Convolutions of tiles against the definition in f64, and the processor's tiles against their twin.
#![allow(clippy::unwrap_used)]

use super::{PackedWeight, convolve, in_parts};
use crate::bias_act::{Activation, BiasAct, Epilogue};
use crate::conv::cpu::ConvCall;
use crate::conv::cpu::direct::direct;
use crate::conv::shape::{Kind, Shape};
use crate::cpu::{levels, with_level};
use crate::tiles::Engine;
use candle_core::{Device, Tensor};
use std::io::Write;

/// Numbers in [-1, 1) from a small generator, with as many bits as said.
fn numbers(len: usize, seed: u64, bits: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> (64 - bits)) as f32 / (1u64 << (bits - 1)) as f32 - 1.
    };
    (0..len).map(|_| next()).collect()
}

/// A member of the family, its sizes and numbers.
struct Case {
    kind: Kind,
    shape: Shape,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Case {
    fn new(
        kind: Kind,
        n: usize,
        [inputs, outputs]: [usize; 2],
        [h, w]: [usize; 2],
        taps: usize,
        stride: usize,
        padding: usize,
        bits: u32,
    ) -> Self {
        let shape = match kind {
            Kind::Forward | Kind::Weight => {
                let side = |pixels: usize| (pixels + 2 * padding - taps) / stride + 1;
                let (oh, ow) = (side(h), side(w));
                Shape { n, c: inputs, h, w, k: outputs, r: taps, s: taps, oh, ow, stride, padding }
            }
            Kind::Input => {
                let side = |pixels: usize| (pixels - 1) * stride + taps - 2 * padding;
                let (oh, ow) = (h, w);
                let (h, w) = (side(h), side(w));
                Shape { n, c: outputs, h, w, k: inputs, r: taps, s: taps, oh, ow, stride, padding }
            }
        };
        let of_b = match kind {
            Kind::Weight => shape.result(Kind::Forward),
            _ => shape.result(Kind::Weight),
        };
        let (a, b) = (numbers(n * inputs * h * w, 1, bits), numbers(of_b.iter().product(), 2, bits));
        Self { kind, shape, a, b }
    }

    fn call(&self) -> ConvCall<'_, f32> {
        ConvCall::new(self.kind, &self.a, &self.b, self.shape, 0.75)
    }

    fn run(&self, parts: usize, engine: Engine) -> Vec<f32> {
        in_parts(&self.call(), parts, engine)
    }

    /// The largest error relative to the largest result.
    fn error(&self, found: &[f32]) -> f64 {
        let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let expected = direct(self.kind, &wide(&self.a), &wide(&self.b), &self.shape, 0.75);
        assert_eq!(found.len(), expected.len());
        let largest = expected.iter().fold(0f64, |m, v| m.max(v.abs()));
        let error = |(f, e): (&f32, &f64)| if f.is_finite() { (f64::from(*f) - e).abs() } else { f64::INFINITY };
        found.iter().zip(&expected).map(error).fold(0., f64::max) / largest
    }
}

/// Every shape that networks ask for, and broken ones: of numbers with `bits` bits.
fn cases(bits: u32) -> Vec<Case> {
    let of = |kind, n, channels, size, taps, stride, padding| {
        Case::new(kind, n, channels, size, taps, stride, padding, bits)
    };
    vec![
        of(Kind::Forward, 2, [32, 32], [4, 4], 3, 1, 1),
        of(Kind::Forward, 1, [16, 48], [8, 20], 3, 1, 1),
        of(Kind::Forward, 1, [40, 17], [35, 33], 3, 1, 1),
        of(Kind::Forward, 3, [33, 16], [5, 16], 1, 1, 0),
        of(Kind::Forward, 1, [16, 16], [9, 70], 5, 1, 0),
        of(Kind::Forward, 2, [32, 64], [17, 19], 3, 2, 0),
        of(Kind::Forward, 1, [20, 40], [16, 40], 4, 2, 1),
        of(Kind::Input, 2, [32, 32], [4, 4], 3, 2, 0),
        of(Kind::Input, 1, [48, 16], [9, 20], 4, 2, 1),
        of(Kind::Input, 1, [17, 33], [5, 40], 3, 2, 1),
        of(Kind::Input, 1, [16, 16], [6, 6], 1, 2, 0),
        of(Kind::Input, 1, [16, 40], [7, 33], 3, 1, 1),
        of(Kind::Weight, 2, [32, 32], [4, 4], 3, 1, 1),
        of(Kind::Weight, 1, [16, 48], [8, 20], 3, 1, 1),
        // Two bands of rows, two tiles across a row.
        of(Kind::Weight, 1, [40, 17], [60, 37], 3, 1, 1),
        of(Kind::Weight, 3, [33, 16], [5, 16], 1, 1, 0),
        of(Kind::Weight, 1, [16, 65], [9, 70], 5, 1, 0),
        of(Kind::Weight, 1, [16, 16], [6, 5], 3, 1, 2),
        of(Kind::Weight, 2, [32, 64], [17, 19], 3, 2, 0),
        of(Kind::Weight, 1, [20, 40], [16, 72], 4, 2, 1),
        of(Kind::Weight, 1, [16, 16], [6, 7], 1, 2, 0),
    ]
}

/// Numbers of 8 bits are bf16 numbers: only the f32 sums of up to 2200 terms err, by less than 1e-6. Of others, each of two
/// factors loses up to 2^-9 of itself in one part, which averages out over the terms, and 2^-17 in two.
#[test]
fn agrees_with_the_definition() {
    for (bits, parts, tolerance) in [(8, 1, 1e-6), (8, 2, 1e-6), (24, 1, 6e-3), (24, 2, 2e-5)] {
        for case in cases(bits) {
            let error = case.error(&case.run(parts, Engine::Twin));
            assert!(error < tolerance, "{parts} parts, {:?} {:?}: {error:e}", case.kind, case.shape);
        }
    }
}

#[test]
fn any_instruction_set_and_any_threads_give_the_same_bits() {
    for case in cases(24) {
        let bits = |y: Vec<f32>| y.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let expected = bits(crate::threads::with_limit(1, || case.run(2, Engine::Twin)));
        assert_eq!(bits(crate::threads::with_limit(64, || case.run(2, Engine::Twin))), expected);
        for level in levels() {
            assert!(bits(with_level(level, || case.run(2, Engine::Twin))) == expected, "{level:?} {:?}", case.shape);
        }
    }
}

/// Tiny numbers too, whose products are denormal.
#[test]
fn the_processors_tiles_equal_their_twin() {
    if Engine::best() == Engine::Twin {
        // `eprintln!` is kept back of tests that pass.
        let why = "as this processor has none, or the system does not grant them";
        let _ = writeln!(std::io::stderr(), "NOT RUN: AMX tiles against their twin, {why}");
        return;
    }
    for mut case in cases(24) {
        for tiny in [1., 2f32.powi(-70)] {
            case.a.iter_mut().step_by(3).for_each(|value| *value *= tiny);
            case.b.iter_mut().step_by(2).for_each(|value| *value *= tiny);
            for parts in [1, 2] {
                let [tiles, twin] = [Engine::best(), Engine::Twin].map(|engine| case.run(parts, engine));
                let differ = tiles.iter().zip(&twin).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
                assert_eq!(differ, 0, "{parts} parts, {:?} {:?}, times {tiny:e}", case.kind, case.shape);
            }
        }
    }
}

/// Scales and an epilogue with noise, against the f32 path, which is checked elsewhere.
#[test]
fn scales_and_epilogue_are_those_of_single_precision() {
    let case = Case::new(Kind::Forward, 2, [24, 40], [9, 21], 3, 1, 1, 24);
    let tensor = |shape: &[usize], seed| {
        Tensor::from_vec(numbers(shape.iter().product(), seed, 24), shape, &Device::Cpu).unwrap()
    };
    let (bias, map, strength) = (tensor(&[40], 3), tensor(&[2, 1, 9, 21], 4), tensor(&[40], 5));
    let act = BiasAct { act: Activation::Lrelu, gain: 1.25, clamp: Some(3.) };
    let epilogue = Epilogue { noise: Some((&map, &strength)), bias: &bias, act };
    let data = epilogue.data(Some(&tensor(&[2, 40], 6))).unwrap();
    let scale = numbers(2 * 24, 7, 24);
    let call = ConvCall { scale: &scale, epilogue: Some(&data), ..case.call() };
    let expected = crate::conv::cpu::f32(&call);
    let weight = PackedWeight::new(&case.b, [40, 24], 9, false, 2);
    let found = convolve(&call, &weight, Engine::Twin);
    // Each of 216 products, with its scale 1/8 on average, loses up to 2^-16 of itself: 4e-4 after gains if all lost it
    // one way.
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 3e-4), "far from single precision");
    assert!(expected.iter().any(|v| v.abs() == 3.) && expected.iter().any(|v| *v < 0.));
}
