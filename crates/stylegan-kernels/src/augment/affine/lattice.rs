//! Where the samples of a resampled image lie, and the filter before and after them.

use super::AffineMap;

/// The low-pass filter of the wavelet sym6 (Daubechies 1992), of sum √2.
pub(crate) const SYM6: [f64; 12] = [
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
];
/// Zeros before the upsampled image, and one more after it: what bilinear samples at -1 or at the
/// size reach.
pub(crate) const BORDER: usize = 1;
/// Samples on either side of the 2 h (or 2 w) that the downsampling filter reaches.
pub(crate) const OUTSIDE: usize = 5;

/// The samples of an image, at equal distances: rows of them, 2 h + 10 of 2 w + 10.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lattice {
    /// Where the first lies in the upsampled image with its border, `[x, y]` in its pixels.
    pub(crate) start: [f64; 2],
    /// The way to the next in its row.
    pub(crate) right: [f64; 2],
    /// The way to the next row.
    pub(crate) down: [f64; 2],
}

impl Lattice {
    /// Those of a map, for images of `size` `[h, w]`.
    pub(crate) fn new(map: &AffineMap, [h, w]: [usize; 2]) -> Self {
        let ([row_x, row_y], [left, _, top, _]) = (map.inverse(), map.margins());
        // With sample t at pixel (t - w - 4) / 2 of the result, and pixel b of the image at sample
        // 2 b + 2 left + w - 1 of the upsampled one; both from the centres.
        let (x, y) = (-(w as f64) - 4., -(h as f64) - 4.);
        let place = |[a, b, c]: [f64; 3], len: usize, margin: usize| {
            a * x + b * y + 2. * c + (2 * margin + len + BORDER) as f64 - 1.
        };
        Self {
            start: [place(row_x, w, left), place(row_y, h, top)],
            right: [row_x[0], row_y[0]],
            down: [row_x[1], row_y[1]],
        }
    }
}
