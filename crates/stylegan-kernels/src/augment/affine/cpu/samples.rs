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
}

/// The upper left of the four pixels that each sample lies between, and how far it is from there.
pub(super) struct Places<T> {
    first: Vec<u32>,
    x: Vec<T>,
    y: Vec<T>,
    stride: usize,
}

vectorize! {
    fn find<T>(samples: &Samples, first: &mut [u32], x: &mut [T], y: &mut [T]) {
        let Samples { start, step, limit, stride } = *samples;
        for (i, ((first, x), y)) in first.iter_mut().zip(x).zip(y).enumerate() {
            let i = f64::from(i as u32);
            let at_x = (start[0] + step[0] * i).max(0.).min(limit[0]);
            let at_y = (start[1] + step[1] * i).max(0.).min(limit[1]);
            // SAFETY: between 0 and the sides of an image in memory; `max` has replaced what is no number.
            let (column, row): (i32, i32) = unsafe { (at_x.to_int_unchecked(), at_y.to_int_unchecked()) };
            *first = (row * stride as i32 + column) as u32;
            *x = T::from_f64(at_x - f64::from(column));
            *y = T::from_f64(at_y - f64::from(row));
        }
    }

    fn gather<T>(image: &[T], first: &[u32], x: &[T], y: &[T], stride: usize, out: &mut [T]) {
        let one = T::one();
        for (((out, &first), &x), &y) in out.iter_mut().zip(first).zip(x).zip(y) {
            let pixels = &image[first as usize..][..stride + 2];
            let above = pixels[0] * (one - x) + pixels[1] * x;
            let below = pixels[stride] * (one - x) + pixels[stride + 1] * x;
            *out = above * (one - y) + below * y;
        }
    }

    fn scatter<T>(values: &[T], first: &[u32], x: &[T], y: &[T], stride: usize, image: &mut [T]) {
        let one = T::one();
        for (((&value, &first), &x), &y) in values.iter().zip(first).zip(x).zip(y) {
            let pixels = &mut image[first as usize..][..stride + 2];
            let (above, below) = (value * (one - y), value * y);
            pixels[0] += above * (one - x);
            pixels[1] += above * x;
            pixels[stride] += below * (one - x);
            pixels[stride + 1] += below * x;
        }
    }
}

impl<T: Real> Places<T> {
    /// Room for a number of samples.
    pub(super) fn new(samples: usize) -> Self {
        Self { first: vec![0; samples], x: vec![T::zero(); samples], y: vec![T::zero(); samples], stride: 0 }
    }

    /// Finds as many samples as there is room for.
    pub(super) fn find(&mut self, samples: &Samples) -> &Self {
        self.stride = samples.stride;
        find(samples, &mut self.first, &mut self.x, &mut self.y);
        self
    }

    /// The image at the places.
    pub(super) fn gather(&self, image: &[T], out: &mut [T]) {
        gather(image, &self.first, &self.x, &self.y, self.stride, out);
    }

    /// Adds to the image what gives the samples `values` their weight in it.
    pub(super) fn scatter(&self, values: &[T], image: &mut [T]) {
        scatter(values, &self.first, &self.x, &self.y, self.stride, image);
    }
}
