//! Filtering: the bands of frequencies of an image, amplified (appendix B).

use super::{AugmentConfig, Numbers};
use std::sync::LazyLock;

/// Taps of the filters of all bands.
const TAPS: usize = 43;
/// The low-pass filter of the wavelet sym2 (Daubechies 1992), of sum √2.
const SYM2: [f64; 4] = [-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025];
/// The power that natural images have in each band (1/f), by which gains are normalised.
const POWER: [f64; 4] = [10. / 13., 1. / 13., 1. / 13., 1. / 13.];

/// The filters of the four bands, the lowest first; they sum to the identity.
static BANDS: LazyLock<[[f64; TAPS]; 4]> = LazyLock::new(bands);

fn convolve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut result = vec![0.; a.len() + b.len() - 1];
    for (i, a) in a.iter().enumerate() {
        b.iter().enumerate().for_each(|(j, b)| result[i + j] += a * b);
    }
    result
}

fn bands() -> [[f64; TAPS]; 4] {
    let pass = |taps: [f64; 4]| -> Vec<f64> {
        let turned: Vec<f64> = taps.iter().rev().copied().collect();
        convolve(&taps, &turned).into_iter().map(|tap| tap / 2.).collect()
    };
    let low = pass(SYM2);
    let high = pass(std::array::from_fn(|n| if n % 2 == 0 { SYM2[n] } else { -SYM2[n] }));
    let mut bands = vec![vec![1.], vec![0.], vec![0.], vec![0.]];
    for level in 1..4 {
        for band in &mut bands {
            let mut sparse = vec![0.; 2 * band.len() - 1];
            band.iter().enumerate().for_each(|(i, &tap)| sparse[2 * i] = tap);
            *band = convolve(&sparse, &low);
        }
        let first = (bands[level].len() - high.len()) / 2;
        high.iter().enumerate().for_each(|(i, tap)| bands[level][first + i] += tap);
    }
    std::array::from_fn(|band| std::array::from_fn(|i| bands[band][i]))
}

/// The taps of one image's filter, or `None` where it changes nothing. `config` must be in force.
pub(super) fn taps(numbers: &Numbers, config: &AugmentConfig, p: f64) -> Option<Vec<f64>> {
    let open = |band: usize| numbers.imgfilter[band].gate < config.imgfilter * config.imgfilter_bands[band] * p;
    if !(0..4).any(open) {
        return None;
    }
    let mut gains = [1.; 4];
    for band in (0..4).filter(|&band| open(band)) {
        let gain = (numbers.imgfilter[band].value * config.imgfilter_std).exp2();
        let power = |of: usize| POWER[of] * if of == band { gain * gain } else { 1. };
        let norm = (0..4).map(power).sum::<f64>().sqrt();
        for (of, total) in gains.iter_mut().enumerate() {
            *total *= if of == band { gain / norm } else { norm.recip() };
        }
    }
    Some((0..TAPS).map(|i| (0..4).map(|band| gains[band] * BANDS[band][i]).sum()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_sum_to_the_identity_and_the_lowest_passes_what_is_constant() {
        for i in 0..TAPS {
            let sum: f64 = BANDS.iter().map(|band| band[i]).sum();
            // Seventeen digits of sym2, through three levels.
            assert!((sum - f64::from(i == TAPS / 2)).abs() < 1e-11, "{i}: {sum}");
        }
        let total = |band: usize| BANDS[band].iter().sum::<f64>();
        assert!((total(0) - 1.).abs() < 1e-11 && (1..4).all(|band| total(band).abs() < 1e-11));
    }
}
