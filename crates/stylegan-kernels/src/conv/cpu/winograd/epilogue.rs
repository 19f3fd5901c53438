//! The epilogue of a convolution, applied to strips of its result.

use super::tiles::Planes;
use crate::bias_act::EpilogueData;
use crate::cpu::Vector;
use candle_core::WithDType;

/// The numbers of up to `LANES` channels as a vector.
///
/// # Safety
/// Inside `V::enter`.
#[inline(always)]
pub(super) unsafe fn lanes<V: Vector>(numbers: &[V::Elem]) -> V {
    let mut padded = [V::Elem::from_f64(0.); 16];
    padded[..numbers.len()].copy_from_slice(numbers);
    // SAFETY: 16 elements are enough for every vector.
    unsafe { V::load(padded.as_ptr()) }
}

/// Applies it to the part inside the image of a strip `[rows][cols][LANES]` whose first pixel is `[y, x]`
/// and whose first plane has this index (sample times channels plus channel).
///
/// # Safety
/// Inside `V::enter`; the strip is the caller's.
#[inline(always)]
pub(super) unsafe fn apply<V: Vector>(
    e: &EpilogueData<V::Elem>,
    strip: *mut V::Elem,
    (rows, cols): (usize, usize),
    [y, x]: [isize; 2],
    planes: Planes,
    index: usize,
) {
    let (all, channels, h, w) = (e.bias.len(), planes.channels, planes.h, planes.w);
    let channel = index % all;
    // SAFETY: the caller's strip; noise has a number for each pixel of the image.
    unsafe {
        let one = V::splat(V::Elem::from_f64(1.));
        let scale = if e.scale.is_empty() { one } else { lanes::<V>(&e.scale[index..][..channels]) };
        let bias = lanes::<V>(&e.bias[channel..][..channels]);
        let quiet = e.noise.is_empty();
        let strength = if quiet { one } else { lanes::<V>(&e.strength[channel..][..channels]) };
        let noise = if quiet { &e.noise[..] } else { &e.noise[index / all * h * w % e.noise.len()..][..h * w] };
        let (positive, negative) = (V::splat(e.map.positive), V::splat(e.map.negative));
        let (low, high) = (V::splat(V::Elem::from_f64(0.)).sub(V::splat(e.map.clamp)), V::splat(e.map.clamp));
        let (left, right) = ((-x).max(0), (w as isize - x).min(cols as isize));
        for r in (-y).max(0)..(h as isize - y).min(rows as isize) {
            for c in left..right {
                let at = strip.add((r as usize * cols + c as usize) * V::LANES);
                let mut value = V::load(at).mul(scale);
                if !quiet {
                    let noise = noise[(y + r) as usize * w + (x + c) as usize];
                    value = V::splat(noise).mul_add(strength, value);
                }
                value = value.add(bias);
                // The activation's slopes are positive, the one below zero the smaller: it is the
                // larger of two products. The order of arguments lets NaN through.
                low.max(high.min(value.mul(positive).max(value.mul(negative)))).store(at);
            }
        }
    }
}
