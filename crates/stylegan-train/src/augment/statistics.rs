//! 10,000 draws against the distributions that the paper states.

use super::color::color_matrix;
use super::geometry::affine_map;
use super::{AugmentConfig, Numbers, Pipe, corruption, filter};
use stylegan_core::latent::StreamKey;

const DRAWS: u64 = 10_000;
const P: f64 = 0.6;
const STILL: [[f64; 3]; 2] = [[1., 0., 0.], [0., 1., 0.]];

/// Nothing but what `change` turns on.
fn only(change: impl Fn(&mut AugmentConfig)) -> AugmentConfig {
    let mut config = AugmentConfig { pipe: Pipe::Noise, ..Default::default() }.in_force();
    config.noise = 0.;
    change(&mut config);
    config
}

fn draws() -> impl Iterator<Item = Numbers> {
    let key = StreamKey::new(3, "test augment", 5);
    (0..DRAWS).map(move |index| Numbers::draw(&mut key.stream(index, 0)))
}

/// What each draw makes of an image of 100 x 200 pixels.
fn maps(change: impl Fn(&mut AugmentConfig)) -> Vec<[[f64; 3]; 2]> {
    let config = only(change);
    draws().map(|numbers| affine_map(&numbers, &config, P, [100, 200]).inverse()).collect()
}

/// Asserts that a share of draws is `expected` within five standard deviations.
#[track_caller]
fn share<T>(draws: &[T], expected: f64, holds: impl Fn(&T) -> bool) {
    let found = draws.iter().filter(|draw| holds(draw)).count() as f64 / draws.len() as f64;
    let deviation = (expected * (1. - expected) / draws.len() as f64).sqrt();
    assert!((found - expected).abs() <= 5. * deviation, "a share of {found}, expected {expected}");
}

/// Asserts that numbers are normal with mean 0 and this deviation: their mean, variance and tails.
#[track_caller]
fn normal(numbers: &[f64], deviation: f64) {
    let n = numbers.len() as f64;
    let scaled: Vec<f64> = numbers.iter().map(|x| x / deviation).collect();
    let moment = |power: i32| scaled.iter().map(|x| x.powi(power)).sum::<f64>() / n;
    assert!(moment(1).abs() < 5. / n.sqrt(), "mean {}", moment(1));
    assert!((moment(2) - 1.).abs() < 5. * (2. / n).sqrt(), "variance {}", moment(2));
    share(&scaled, 0.3173, |x| x.abs() > 1.);
    share(&scaled, 0.0455, |x| x.abs() > 2.);
}

/// Asserts that numbers are uniform in `-limit..limit`.
#[track_caller]
fn uniform(numbers: &[f64], limit: f64) {
    assert!(numbers.iter().all(|x| x.abs() <= limit));
    for quarter in 0..4 {
        let low = limit * (f64::from(quarter) / 2. - 1.);
        share(numbers, 0.25, |x| (low..low + limit / 2.).contains(x));
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn blits() {
    let flips = maps(|config| config.xflip = 1.);
    // Half of those that are drawn are mirrored.
    share(&flips, P / 2., |map| *map == [[-1., 0., 0.], [0., 1., 0.]]);
    share(&flips, 1. - P / 2., |map| *map == STILL);
    let quarters = maps(|config| config.rotate90 = 1.);
    for turned in [[[0., -1., 0.], [1., 0., 0.]], [[-1., 0., 0.], [0., -1., 0.]], [[0., 1., 0.], [-1., 0., 0.]]] {
        share(&quarters, P / 4., |map| *map == turned);
    }
    let moved = maps(|config| config.xint = 1.);
    assert!(moved.iter().all(|map| map[0][2].fract() == 0. && map[0][2].abs() <= 25. && map[1][2].abs() <= 13.));
    // One number decides about both sides: of 50 and 25 equally likely moves one each is none.
    share(&moved, 1. - P + P / (50. * 25.), |map| *map == STILL);
    let moves: Vec<f64> = moved.iter().filter(|map| **map != STILL).map(|map| map[0][2] / 200.).collect();
    assert!(moves.len() > 5000);
    share(&moves, 0.5, |x| x.abs() > 0.0625);
}

#[test]
fn geometry() {
    let logarithms = |maps: &[[[f64; 3]; 2]]| -> Vec<f64> {
        maps.iter().filter(|map| **map != STILL).map(|map| map[0][0].log2()).collect()
    };
    let scaled = maps(|config| config.scale = 1.);
    share(&scaled, P, |map| *map != STILL);
    assert!(scaled.iter().all(|map| map[0][0] == map[1][1]));
    normal(&logarithms(&scaled), 0.2);
    let stretched = maps(|config| config.aniso = 1.);
    share(&stretched, P, |map| *map != STILL);
    assert!(stretched.iter().all(|map| close(map[0][0] * map[1][1], 1.)));
    normal(&logarithms(&stretched), 0.2);
    let moved = maps(|config| config.xfrac = 1.);
    share(&moved, P, |map| *map != STILL);
    for (axis, side) in [(0, 200.), (1, 100.)] {
        let moves: Vec<f64> = moved.iter().map(|map| map[axis][2] / side).filter(|&x| x != 0.).collect();
        normal(&moves, 0.125);
    }
    // Turned before or after stretching, or both: once at least with probability p.
    let turned = maps(|config| config.rotate = 1.);
    share(&turned, P, |map| *map != STILL);
    assert!(turned.iter().all(|map| close(map[0][0], map[1][1]) && close(map[0][0].hypot(map[1][0]), 1.)));
    let angles: Vec<f64> = turned.iter().filter(|map| **map != STILL).map(|map| map[1][0].atan2(map[0][0])).collect();
    uniform(&angles, std::f64::consts::PI);
}

#[test]
fn colors() {
    let matrices = |change: fn(&mut AugmentConfig)| -> Vec<[[f64; 4]; 3]> {
        let config = only(change);
        draws().map(|numbers| color_matrix(&numbers, &config, P, 3)).collect()
    };
    let still = |m: &[[f64; 4]; 3]| *m == [[1., 0., 0., 0.], [0., 1., 0., 0.], [0., 0., 1., 0.]];
    let changed = |matrices: &[[[f64; 4]; 3]], number: fn(&[[f64; 4]; 3]) -> f64| -> Vec<f64> {
        matrices.iter().filter(|m| !still(m)).map(number).collect()
    };
    let brightness = matrices(|config| config.brightness = 1.);
    share(&brightness, P, |m| !still(m));
    normal(&changed(&brightness, |m| m[1][3]), 0.2);
    let contrast = matrices(|config| config.contrast = 1.);
    share(&contrast, P, |m| !still(m));
    normal(&changed(&contrast, |m| m[1][1].log2()), 0.5);
    let flipped = matrices(|config| config.lumaflip = 1.);
    share(&flipped, P / 2., |m| !still(m));
    // Grey 1 becomes -1, and what has no luma stays.
    assert!(changed(&flipped, |m| m[0][0] + m[0][1] + m[0][2]).iter().all(|&x| close(x, -1.)));
    assert!(changed(&flipped, |m| m[0][0] - m[0][1]).iter().all(|&x| close(x, 1.)));
    let hue = matrices(|config| config.hue = 1.);
    share(&hue, P, |m| !still(m));
    // The trace of a rotation is 1 + 2 cos, its antisymmetric part the axis times the sine.
    let angle = |m: &[[f64; 4]; 3]| {
        let (sin, cos) = ((m[1][0] - m[0][1]) / 2. * 3f64.sqrt(), (m[0][0] + m[1][1] + m[2][2] - 1.) / 2.);
        sin.atan2(cos)
    };
    uniform(&changed(&hue, angle), std::f64::consts::PI);
    let saturation = matrices(|config| config.saturation = 1.);
    share(&saturation, P, |m| !still(m));
    assert!(saturation.iter().all(|m| close(m[2][0] + m[2][1] + m[2][2], 1.)));
    normal(&changed(&saturation, |m| (m[0][0] - m[0][1]).log2()), 1.);
}

#[test]
fn filters_noise_and_holes() {
    let config = only(|config| (config.imgfilter, config.imgfilter_bands) = (1., [0., 0., 0.5, 0.]));
    let taps: Vec<Option<Vec<f64>>> = draws().map(|numbers| filter::taps(&numbers, &config, P)).collect();
    share(&taps, P / 2., Option::is_some);
    // What is constant lies in the lowest band, which the normalisation alone changes: by
    // 1/sqrt(12/13 + gain²/13).
    let gains: Vec<f64> = taps.iter().flatten().map(|taps| taps.iter().sum::<f64>()).collect();
    normal(&gains.iter().map(|gain| (13. / (gain * gain) - 12.).log2() / 2.).collect::<Vec<_>>(), 1.);

    let config = only(|config| config.noise = 1.);
    let strengths: Vec<f64> = draws().map(|numbers| corruption::noise_strength(&numbers, &config, P)).collect();
    share(&strengths, P, |&strength| strength > 0.);
    share(&strengths, P * 0.3173, |&strength| strength > 0.1);

    let config = only(|config| config.cutout = 1.);
    let holes: Vec<_> = draws().map(|numbers| corruption::hole(&numbers, &config, P, [100, 200])).collect();
    share(&holes, P, |hole| !hole.x.is_empty());
    assert!(holes.iter().all(|hole| hole.x.len() <= 100 && hole.y.len() <= 50));
    // A quarter of all centres is so near to an edge that the hole is narrower than half the width;
    // at the left and at the right.
    share(&holes, P / 2., |hole| (1..100).contains(&hole.x.len()));
    share(&holes, P / 4., |hole| hole.x.len() == 100 && hole.x.start < 50);
}
