//! Noise and cutout (appendix B).

use super::{AugmentConfig, Numbers};
use stylegan_kernels::augment::Rectangle;

/// The standard deviation of the noise on one image. `config` must be in force.
pub(super) fn noise_strength(numbers: &Numbers, config: &AugmentConfig, p: f64) -> f64 {
    if numbers.noise.gate < config.noise * p { numbers.noise.value.abs() * config.noise_std } else { 0. }
}

/// What is cut out of one image of `size` `[h, w]`: all pixels whose centre is nearer than half the
/// size to that of the square. `config` must be in force.
pub(super) fn hole(numbers: &Numbers, config: &AugmentConfig, p: f64, [h, w]: [usize; 2]) -> Rectangle {
    if numbers.cutout.gate >= config.cutout * p {
        return Rectangle::default();
    }
    let [x, y] = numbers.cutout.value;
    let side = |centre: f64, len: usize| {
        let inside = |i: &usize| ((*i as f64 + 0.5) / len as f64 - centre).abs() < config.cutout_size / 2.;
        let first = (0..len).find(inside).unwrap_or(len);
        first..first + (first..len).take_while(inside).count()
    };
    Rectangle { x: side(x, w), y: side(y, h) }
}
