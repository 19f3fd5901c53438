//! Colour: one matrix for an image (appendix B, figure 20).

use super::{AugmentConfig, Numbers};
use std::f64::consts::PI;
use stylegan_kernels::augment::ColorMatrix;

const IDENTITY: ColorMatrix = [[1., 0., 0., 0.], [0., 1., 0., 0.], [0., 0., 1., 0.]];

/// `a · b`, both with a last row (0, 0, 0, 1).
fn product(a: ColorMatrix, b: ColorMatrix) -> ColorMatrix {
    a.map(|[x, y, z, shift]| {
        let column = |j: usize| x * b[0][j] + y * b[1][j] + z * b[2][j];
        [column(0), column(1), column(2), column(3) + shift]
    })
}

/// Luma, the part along the grey diagonal (1, 1, 1)/√3, times `along`, and what is across it times `across`.
fn about_grey(along: f64, across: f64) -> ColorMatrix {
    let mean = (along - across) / 3.;
    std::array::from_fn(|i| std::array::from_fn(|j| mean * f64::from(j < 3) + if i == j { across } else { 0. }))
}

/// The rotation by `angle` about the grey diagonal (Rodrigues' formula).
fn hue(angle: f64) -> ColorMatrix {
    let (sin, cos) = angle.sin_cos();
    let (mean, turn) = ((1. - cos) / 3., sin / 3f64.sqrt());
    let (next, previous) = (mean - turn, mean + turn);
    [[cos + mean, next, previous, 0.], [previous, cos + mean, next, 0.], [next, previous, cos + mean, 0.]]
}

/// The matrix of one image with a number of channels. `config` must be in force.
pub(super) fn color_matrix(numbers: &Numbers, config: &AugmentConfig, p: f64, channels: usize) -> ColorMatrix {
    let mut matrix = IDENTITY;
    let mut apply = |step: ColorMatrix| matrix = product(step, matrix);
    if numbers.brightness.gate < config.brightness * p {
        let mut step = IDENTITY;
        step.iter_mut().for_each(|row| row[3] = numbers.brightness.value * config.brightness_std);
        apply(step);
    }
    if numbers.contrast.gate < config.contrast * p {
        let contrast = (numbers.contrast.value * config.contrast_std).exp2();
        apply(about_grey(contrast, contrast));
    }
    if numbers.lumaflip.gate < config.lumaflip * p && numbers.lumaflip.value >= 0.5 {
        apply(about_grey(-1., 1.));
    }
    // Grey has no hue and no saturation.
    if channels >= 3 {
        if numbers.hue.gate < config.hue * p {
            apply(hue((2. * numbers.hue.value - 1.) * PI * config.hue_max));
        }
        if numbers.saturation.gate < config.saturation * p {
            apply(about_grey(1., (numbers.saturation.value * config.saturation_std).exp2()));
        }
    }
    matrix
}
