//! Resizing as Pillow does it, which the original code of SPADE and pixel2style2pixel reads its data by.

/// The value of each pixel of `to` (`[h, w]`) in an image of `from`: that at the centre of the pixel.
///
/// Both have pixels; `values` are those of `from`, row by row.
pub(super) fn nearest<T: Copy>(values: &[T], from: [usize; 2], to: [usize; 2]) -> Vec<T> {
    if from == to {
        return values.to_vec();
    }
    let places = |from: usize, to: usize| (0..to).map(move |i| (2 * i + 1) * from / (2 * to)).collect::<Vec<_>>();
    let (rows, columns) = (places(from[0], to[0]), places(from[1], to[1]));
    let row = |y: usize| {
        let row = &values[y * from[1]..][..from[1]];
        columns.iter().map(move |&x| row[x])
    };
    rows.into_iter().flat_map(row).collect()
}

/// Bits behind the point of a coefficient.
const PRECISION: u32 = 22;

/// What the pixels around a place weigh.
#[derive(Clone, Copy)]
struct Kernel {
    /// Pixels on each side of its centre that it reaches at its own size.
    reach: f64,
    weight: fn(f64) -> f64,
}

const CUBIC: Kernel = Kernel { reach: 2., weight: cubic };
const TRIANGLE: Kernel = Kernel { reach: 1., weight: |x| (1. - x.abs()).max(0.) };

/// Pixels of `from` (`[h, w]`) with interleaved channels of 8 bits at the size `to`, bit by bit as Pillow 13 makes them: by
/// the cubic convolution of Keys (1981) with parameter -1/2, which is widened where the picture becomes smaller. Columns
/// first, then rows, each rounded to 8 bits; rows first where they become fewer and columns more. Both sizes have pixels.
pub fn bicubic(pixels: &[u8], channels: usize, from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    separable(pixels, channels, from, to, CUBIC)
}

/// The same as [`bicubic`] by linear interpolation.
pub fn bilinear(pixels: &[u8], channels: usize, from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    separable(pixels, channels, from, to, TRIANGLE)
}

fn separable(pixels: &[u8], channels: usize, from: [usize; 2], to: [usize; 2], kernel: Kernel) -> Vec<u8> {
    if channels == 4 {
        // What cannot be seen has no say in colours.
        return straight(each_channel(&premultiplied(pixels), channels, from, to, kernel));
    }
    each_channel(pixels, channels, from, to, kernel)
}

/// Colours times alpha, of RGB with alpha.
fn premultiplied(pixels: &[u8]) -> Vec<u8> {
    let times = |value: u8, alpha: u8| {
        let product = u32::from(value) * u32::from(alpha) + 128;
        (((product >> 8) + product) >> 8) as u8
    };
    let of = |&[r, g, b, alpha]: &[u8; 4]| [r, g, b].map(|value| times(value, alpha)).into_iter().chain([alpha]);
    pixels.as_chunks::<4>().0.iter().flat_map(of).collect()
}

/// The reverse of [`premultiplied`].
fn straight(mut pixels: Vec<u8>) -> Vec<u8> {
    for [r, g, b, alpha] in pixels.as_chunks_mut::<4>().0 {
        for value in [r, g, b] {
            *value =
                (255 * u32::from(*value)).checked_div((*alpha).into()).map_or(*value, |value| value.min(255) as u8);
        }
    }
    pixels
}

fn each_channel(pixels: &[u8], channels: usize, from: [usize; 2], to: [usize; 2], kernel: Kernel) -> Vec<u8> {
    let [h, w] = to;
    if h < from[0] && w > from[1] {
        let low = rows(pixels, from[1] * channels, from[0], h, kernel);
        return columns(&low, channels, from[1], w, kernel);
    }
    rows(&columns(pixels, channels, from[1], w, kernel), w * channels, from[0], h, kernel)
}

/// Each row of pixels at another width.
fn columns(pixels: &[u8], channels: usize, from: usize, to: usize, kernel: Kernel) -> Vec<u8> {
    if from == to {
        return pixels.to_vec();
    }
    let taps = taps(from, to, kernel);
    let mut out = Vec::new();
    for row in pixels.chunks_exact((from * channels).max(1)) {
        for (first, weights) in &taps {
            out.extend((0..channels).map(|c| {
                let values = row[first * channels + c..].iter().step_by(channels);
                weighted(values.copied(), weights)
            }));
        }
    }
    out
}

/// Each column of values, `stride` of them in a row, at another height.
fn rows(values: &[u8], stride: usize, from: usize, to: usize, kernel: Kernel) -> Vec<u8> {
    if from == to {
        return values.to_vec();
    }
    let mut out = Vec::with_capacity(to * stride);
    for (first, weights) in taps(from, to, kernel) {
        for column in 0..stride {
            let values = values[first * stride + column..].iter().step_by(stride);
            out.push(weighted(values.copied(), &weights));
        }
    }
    out
}

/// The first source pixel of each of `to` pixels, and the weights of it and those behind it, in fixed point.
fn taps(from: usize, to: usize, kernel: Kernel) -> Vec<(usize, Vec<i32>)> {
    let scale = from as f64 / to as f64;
    let widened = scale.max(1.);
    let support = kernel.reach * widened;
    let of = |pixel: usize| {
        let centre = (pixel as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let weights: Vec<f64> = (first..end).map(|i| (kernel.weight)((i as f64 - centre + 0.5) / widened)).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: f64| {
            let weight = weight / sum * f64::from(1 << PRECISION);
            (weight + 0.5_f64.copysign(weight)) as i32
        };
        (first, weights.into_iter().map(fixed).collect())
    };
    (0..to).map(of).collect()
}

/// The cubic of Keys (1981) with parameter -1/2 at a distance of `x` pixels.
pub(crate) fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1. {
        ((A + 2.) * x - (A + 3.)) * x * x + 1.
    } else if x < 2. {
        (((x - 5.) * x + 8.) * x - 4.) * A
    } else {
        0.
    }
}

fn weighted(values: impl Iterator<Item = u8>, weights: &[i32]) -> u8 {
    let sum = values.zip(weights).fold(1 << (PRECISION - 1), |sum, (value, weight)| sum + i32::from(value) * weight);
    (sum >> PRECISION).clamp(0, 255) as u8
}
