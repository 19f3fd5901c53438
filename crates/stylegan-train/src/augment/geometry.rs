//! Blitting and geometry: one affine map for an image (appendix B, figure 20).

use super::{AugmentConfig, Numbers};
use std::f64::consts::PI;
use stylegan_kernels::augment::AffineMap;

/// An affine map of the plane, without the row (0, 0, 1).
type Matrix = [[f64; 3]; 2];

/// `a · b`.
fn product(a: Matrix, b: Matrix) -> Matrix {
    a.map(|[x, y, z]| {
        let column = |j: usize| x * b[0][j] + y * b[1][j];
        [column(0), column(1), column(2) + z]
    })
}

fn scaling(x: f64, y: f64) -> Matrix {
    [[x, 0., 0.], [0., y, 0.]]
}

fn translation(x: f64, y: f64) -> Matrix {
    [[1., 0., x], [0., 1., y]]
}

fn rotation((sin, cos): (f64, f64)) -> Matrix {
    [[cos, -sin, 0.], [sin, cos, 0.]]
}

/// The map of one image of `size` `[h, w]`. `config` must be in force.
pub(super) fn affine_map(numbers: &Numbers, config: &AugmentConfig, p: f64, size: [usize; 2]) -> AffineMap {
    let [h, w] = size.map(|side| side as f64);
    let mut inverse = AffineMap::IDENTITY.inverse();
    let mut undo = |step: Matrix| inverse = product(inverse, step);
    if numbers.xflip.gate < config.xflip * p && numbers.xflip.value >= 0.5 {
        undo(scaling(-1., 1.));
    }
    if numbers.rotate90.gate < config.rotate90 * p {
        match (numbers.rotate90.value * 4.) as u32 {
            1 => undo(rotation((1., 0.))),
            2 => undo(rotation((0., -1.))),
            3 => undo(rotation((-1., 0.))),
            _ => {}
        }
    }
    if numbers.xint.gate < config.xint * p {
        let [x, y] = numbers.xint.value.map(|u| (2. * u - 1.) * config.xint_max);
        undo(translation(-(x * w).round_ties_even(), -(y * h).round_ties_even()));
    }
    if numbers.scale.gate < config.scale * p {
        let shrink = (-numbers.scale.value * config.scale_std).exp2();
        undo(scaling(shrink, shrink));
    }
    // So that an image is turned at least once with probability p.
    let once = 1. - (1. - config.rotate * p).max(0.).sqrt();
    let turn = |u: f64| rotation(((2. * u - 1.) * PI * config.rotate_max).sin_cos());
    if numbers.rotate_before.gate < once {
        undo(turn(numbers.rotate_before.value));
    }
    if numbers.aniso.gate < config.aniso * p {
        let shrink = (-numbers.aniso.value * config.aniso_std).exp2();
        undo(scaling(shrink, shrink.recip()));
    }
    if numbers.rotate_after.gate < once {
        undo(turn(numbers.rotate_after.value));
    }
    if numbers.xfrac.gate < config.xfrac * p {
        let [x, y] = numbers.xfrac.value.map(|normal| normal * config.xfrac_std);
        undo(translation(-x * w, -y * h));
    }
    AffineMap::new(inverse, size)
}
