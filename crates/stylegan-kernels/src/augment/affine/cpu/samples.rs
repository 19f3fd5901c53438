//! Bilinear samples along a line of an image, and their adjoint.

use crate::elementwise::{Real, vectorize};

/// Samples at equal distances, in elements from the first of an image with a border of zeros: one
/// before, two after it, so that all outside is 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Samples {
    pub(super) start: [f64; 2],
    pub(super) step: [f64; 2],
    /// The last column and row that a sample may begin at.
    pub(super) limit: [f64; 2],
    /// Elements per row of the image.
    pub(super) stride: usize,
    /// Elements per pixel, 1 or 4.
    pub(super) lanes: usize,
}

/// The upper left of the four pixels that each sample lies between, and how far it is from there.
pub(super) struct Places<T> {
    first: Vec<u32>,
    x: Vec<T>,
    y: Vec<T>,
    stride: usize,
    lanes: usize,
}

vectorize! {
    fn find<T>(samples: &Samples, first: &mut [u32], x: &mut [T], y: &mut [T]) {
        let Samples { start, step, limit, stride, lanes } = *samples;
        let (stride, lanes, len) = (stride as i32, lanes as i32, first.len());
        let (x, y) = (&mut x[..len], &mut y[..len]);
        for i in 0..len {
            // Comparisons with what is no number are false: it becomes 0.
            let clamp = |at: f64, limit: f64| if at > 0. { if at < limit { at } else { limit } } else { 0. };
            let n = f64::from(i as i32);
            let at_x = clamp(start[0] + step[0] * n, limit[0]);
            let at_y = clamp(start[1] + step[1] * n, limit[1]);
            // SAFETY: between 0 and `limit`, which `affine_resample` keeps below 2³⁰: no more than 2²⁸ pixels with
            // margins.
            let (column, row): (i32, i32) = unsafe { (at_x.to_int_unchecked(), at_y.to_int_unchecked()) };
            // No product is too large; the wrapping forms are those that vectors have.
            first[i] = row.wrapping_mul(stride).wrapping_add(column.wrapping_mul(lanes)) as u32;
            x[i] = T::from_f64(at_x - f64::from(column));
            y[i] = T::from_f64(at_y - f64::from(row));
        }
    }

    fn gather<T>(image: &[T], first: &[u32], x: &[T], y: &[T], stride: usize, lanes: usize, out: &mut [T]) {
        let places = first.iter().zip(x).zip(y);
        if lanes == 4 {
            for (out, ((&first, &x), &y)) in out.chunks_exact_mut(4).zip(places) {
                sample::<T, 4>(&image[first as usize..][..stride + 8], x, y, stride, out);
            }
        } else {
            for (out, ((&first, &x), &y)) in out.chunks_exact_mut(1).zip(places) {
                sample::<T, 1>(&image[first as usize..][..stride + 2], x, y, stride, out);
            }
        }
    }

    fn scatter<T>(values: &[T], first: &[u32], x: &[T], y: &[T], stride: usize, lanes: usize, image: &mut [T]) {
        let places = first.iter().zip(x).zip(y);
        if lanes == 4 {
            for (values, ((&first, &x), &y)) in values.chunks_exact(4).zip(places) {
                spread::<T, 4>(values, x, y, stride, &mut image[first as usize..][..stride + 8]);
            }
        } else {
            for (values, ((&first, &x), &y)) in values.chunks_exact(1).zip(places) {
                spread::<T, 1>(values, x, y, stride, &mut image[first as usize..][..stride + 2]);
            }
        }
    }
}

/// Writes the `L` channels between the first pixels of two rows.
#[inline(always)]
fn sample<T: Real, const L: usize>(pixels: &[T], x: T, y: T, stride: usize, out: &mut [T]) {
    let (above, below) = (&pixels[..2 * L], &pixels[stride..][..2 * L]);
    let (left, top) = (T::one() - x, T::one() - y);
    for l in 0..L {
        out[l] = (above[l] * left + above[L + l] * x) * top + (below[l] * left + below[L + l] * x) * y;
    }
}

/// Adds the `L` channels of a value to the pixels between which it lies.
#[inline(always)]
fn spread<T: Real, const L: usize>(values: &[T], x: T, y: T, stride: usize, pixels: &mut [T]) {
    let (above, below) = pixels.split_at_mut(stride);
    let (left, top) = (T::one() - x, T::one() - y);
    for (row, weight) in [(&mut above[..2 * L], top), (&mut below[..2 * L], y)] {
        for l in 0..L {
            let value = values[l] * weight;
            row[l] += value * left;
            row[L + l] += value * x;
        }
    }
}

impl<T: Real> Places<T> {
    /// Room for a number of samples.
    pub(super) fn new(samples: usize) -> Self {
        Self { first: vec![0; samples], x: vec![T::zero(); samples], y: vec![T::zero(); samples], stride: 0, lanes: 1 }
    }

    /// Finds as many samples as there is room for.
    pub(super) fn find(&mut self, samples: &Samples) -> &Self {
        (self.stride, self.lanes) = (samples.stride, samples.lanes);
        find(samples, &mut self.first, &mut self.x, &mut self.y);
        self
    }

    /// The image at the places.
    pub(super) fn gather(&self, image: &[T], out: &mut [T]) {
        gather(image, &self.first, &self.x, &self.y, self.stride, self.lanes, out);
    }

    /// Adds to the image what gives the samples `values` their weight in it.
    pub(super) fn scatter(&self, values: &[T], image: &mut [T]) {
        scatter(values, &self.first, &self.x, &self.y, self.stride, self.lanes, image);
    }
}
