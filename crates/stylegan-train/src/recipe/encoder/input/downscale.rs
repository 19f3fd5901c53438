//! Small versions of pictures, as pixel2style2pixel makes them for super-resolution.

use crate::data::resample::{bilinear, cubic};

/// A picture of three planes of `[h, w]` pixels, made smaller by `factor` and enlarged again: planes of the same size.
pub(super) fn small_and_large(planes: &[u8], size: [usize; 2], factor: usize) -> Vec<u8> {
    let [h, w] = size;
    let mut large = Vec::with_capacity(planes.len());
    for plane in planes.chunks_exact((h * w).max(1)) {
        let (low, low_size) = small(plane, size, factor);
        large.extend(bilinear(&low, 1, low_size, size));
    }
    large
}

/// A plane made smaller by `factor`: the cubic of Keys, `4 factor` pixels wide, rows before columns, cut off at 0 and 1 and
/// rounded down to 8 bits. It goes on mirrored at its outermost pixels. A factor of 1 blurs: the taps lie half a pixel off.
fn small(plane: &[u8], [h, w]: [usize; 2], factor: usize) -> (Vec<u8>, [usize; 2]) {
    let taps: Vec<f64> =
        (0..4 * factor).map(|i| cubic((i as f64 - 2. * factor as f64 + 0.5) / factor as f64)).collect();
    let sum: f64 = taps.iter().sum();
    let taps: Vec<f32> = taps.into_iter().map(|tap| (tap / sum) as f32).collect();
    let before = 3 * factor / 2;
    // The place of tap `k` of pixel `i`, mirrored into `n` pixels.
    let place = |i: usize, k: usize, n: usize| {
        let (at, last) = ((i * factor + k) as i64 - before as i64, n as i64 - 1);
        let at = at.abs();
        (if at > last { 2 * last - at } else { at }).clamp(0, last) as usize
    };
    let [low_h, low_w] = [h / factor, w / factor];
    let mut narrow = vec![0f32; low_h * w];
    for (y, row) in narrow.chunks_exact_mut(w).enumerate() {
        for (k, tap) in taps.iter().enumerate() {
            let source = &plane[place(y, k, h) * w..][..w];
            row.iter_mut().zip(source).for_each(|(sum, x)| *sum += tap * (f32::from(*x) / 255.));
        }
    }
    let mut low = Vec::with_capacity(low_h * low_w);
    for row in narrow.chunks_exact(w) {
        for x in 0..low_w {
            let value: f32 = taps.iter().enumerate().map(|(k, tap)| tap * row[place(x, k, w)]).sum();
            low.push((value.clamp(0., 1.) * 255.) as u8);
        }
    }
    (low, [low_h, low_w])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_picture_stays_and_steps_overshoot() {
        let plane = vec![200u8; 32 * 32];
        for factor in [1, 2, 4, 8, 16] {
            let (low, size) = small(&plane, [32, 32], factor);
            assert_eq!(size, [32 / factor; 2]);
            // Rounding down may take the last step.
            assert!(low.iter().all(|x| (199..=200).contains(x)), "{factor}");
        }
        let step: Vec<u8> = (0..32 * 32).map(|i| if i % 32 < 16 { 50 } else { 200 }).collect();
        let (low, _) = small(&step, [32, 32], 2);
        let row = &low[..16];
        assert!(row[7] < 50 + 15 && row[6] < 50 && row[9] > 200, "{row:?}");
        assert_eq!(small_and_large(&step.repeat(3), [32, 32], 4).len(), 3 * 32 * 32);
    }
}
