//! Affine resampling on the CPU: plane by plane, in memory that stays in the cache.

mod samples;

use super::{AffineMap, AffineResample};
use crate::augment::reflect::reflect;
use crate::augment::rows::{add_rows, interleave, part, sum_rows};
use crate::cpu::Scratch;
use crate::elementwise::{Real, written, zeroed};
use candle_core::CpuStorage;
use samples::{Places, Samples};
use std::mem::MaybeUninit;

/// The low-pass filter of the wavelet sym6 (Daubechies 1992), of sum √2.
const SYM6: [f64; 12] = [
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
const BORDER: usize = 1;
/// Samples on either side of the 2 h (or 2 w) that the downsampling filter reaches.
const OUTSIDE: usize = 5;

impl AffineResample {
    /// The result for images of dimensions `[n, c, h, w]`.
    pub(super) fn cpu<T: Real>(&self, x: &[T], (n, c, h, w): (usize, usize, usize, usize)) -> CpuStorage {
        let plans: Vec<Option<Plan<T>>> =
            self.maps.iter().map(|map| (!map.is_identity()).then(|| Plan::new(map, h, w))).collect();
        let len = h * w;
        let write = |y: &mut [MaybeUninit<T>]| {
            crate::threads::for_each_chunk(y, len, |plane, y| {
                let x = &x[plane * len..][..len];
                let y = zeroed(y);
                match &plans[plane / c] {
                    None => y.copy_from_slice(x),
                    Some(plan) if self.adjoint => plan.adjoint(x, y),
                    Some(plan) => plan.forward(x, y),
                }
            })
        };
        // SAFETY: every plane is zeroed, then written.
        unsafe { written(n * c * len, write) }
    }
}

/// One image's resampling, for any of its planes.
struct Plan<T> {
    h: usize,
    w: usize,
    left: usize,
    top: usize,
    /// Width and height with margins.
    wide: usize,
    tall: usize,
    /// Where the first sample lies in the upsampled image with its border, and the way to the next
    /// ones to the right and below.
    start: [f64; 2],
    right: [f64; 2],
    down: [f64; 2],
    /// Taps that upsample (their sum is 2), and that downsample (1).
    rise: [T; 12],
    fall: [T; 12],
}

impl<T: Real> Plan<T> {
    fn new(map: &AffineMap, h: usize, w: usize) -> Self {
        let ([row_x, row_y], [left, right, top, bottom]) = (map.inverse(), map.margins());
        // With sample t at pixel (t - w - 4) / 2 of the result, and pixel b of the image at sample
        // 2 b + 2 left + w - 1 of the upsampled one; both from the centres.
        let (x, y) = (-(w as f64) - 4., -(h as f64) - 4.);
        let place = |[a, b, c]: [f64; 3], len: usize, margin: usize| {
            a * x + b * y + 2. * c + (2 * margin + len + BORDER) as f64 - 1.
        };
        let sum: f64 = SYM6.iter().sum();
        Self {
            h,
            w,
            left,
            top,
            wide: left + w + right,
            tall: top + h + bottom,
            start: [place(row_x, w, left), place(row_y, h, top)],
            right: [row_x[0], row_y[0]],
            down: [row_x[1], row_y[1]],
            rise: SYM6.map(|tap| T::from_f64(2. * tap / sum)),
            fall: SYM6.map(|tap| T::from_f64(tap / sum)),
        }
    }

    /// Elements from one row of the upsampled image with its border to the next.
    fn stride(&self) -> usize {
        2 * self.wide + 2 * BORDER + 1
    }

    /// The upsampled image with its border, of zeros.
    fn upsampled(&self) -> Scratch<T> {
        let mut image = Scratch::take(self.stride() * (2 * self.tall + 2 * BORDER + 1));
        image.fill(T::zero());
        image
    }

    /// The samples of row `t`: those of even place, then those of odd.
    fn samples(&self, t: usize) -> [Samples; 2] {
        let limit = [(2 * self.wide + BORDER) as f64, (2 * self.tall + BORDER) as f64];
        [0., 1.].map(|first| {
            let at = |axis: usize| self.start[axis] + self.right[axis] * first + self.down[axis] * t as f64;
            Samples { start: [at(0), at(1)], step: self.right.map(|step| 2. * step), limit, stride: self.stride() }
        })
    }

    /// The rows of the image with margins that reach row `m` of the upsampled one, and their taps.
    fn sources(&self, m: usize) -> impl Iterator<Item = (usize, T)> {
        let (last, parity) = ((m + OUTSIDE) / 2, (m + OUTSIDE) % 2);
        let reached = (0..6).filter_map(move |j| Some((last.checked_sub(j)?, self.rise[parity + 2 * j])));
        reached.filter(|&(row, _)| row < self.tall)
    }

    /// The row of the image that is seen in row `row` of the one with margins.
    fn seen(&self, row: usize) -> std::ops::Range<usize> {
        let row = reflect(row as i64 - self.top as i64, self.h);
        row * self.w..(row + 1) * self.w
    }

    /// The columns of the margins: left, then right.
    fn margins(&self) -> impl Iterator<Item = (usize, usize)> {
        let outside = (0..self.left).chain(self.left + self.w..self.wide);
        outside.map(|column| (column, reflect(column as i64 - self.left as i64, self.w)))
    }

    fn forward(&self, x: &[T], y: &mut [T]) {
        let (h, w, wide, stride) = (self.h, self.w, self.wide, self.stride());
        let mut image = self.upsampled();
        let mut row = Scratch::take(w);
        let mut extended = Scratch::take(wide + 6);
        extended.fill(T::zero());
        let (mut even, mut odd) = (Scratch::take(wide), Scratch::take(wide));
        let (rise, fall) = (&self.rise, &self.fall);
        for m in 0..2 * self.tall {
            row.fill(T::zero());
            add_sources(self.sources(m), |row| &x[self.seen(row)], &mut row);
            extended[3 + self.left..][..w].copy_from_slice(&row);
            self.margins().for_each(|(column, seen)| extended[3 + column] = row[seen]);
            let shifted = |tap: usize, first: usize| {
                std::array::from_fn::<_, 6, _>(|j| (rise[tap - 2 * j], &extended[first + j..]))
            };
            sum_rows(&shifted(11, 0), &mut even);
            sum_rows(&shifted(10, 1), &mut odd);
            interleave(&even, &odd, &mut image[(m + BORDER) * stride + BORDER..][..2 * wide]);
        }
        let across = w + OUTSIDE;
        let mut places = Places::new(across);
        let (mut even, mut odd) = (Scratch::take(across), Scratch::take(across));
        let mut rows = Scratch::take((2 * h + 2 * OUTSIDE) * w);
        for (t, row) in rows.chunks_mut(w).enumerate() {
            let [at_even, at_odd] = self.samples(t);
            places.find(&at_even).gather(&image, &mut even);
            places.find(&at_odd).gather(&image, &mut odd);
            row.fill(T::zero());
            add_rows(&std::array::from_fn::<_, 6, _>(|l| (fall[2 * l], &even[l..])), row);
            add_rows(&std::array::from_fn::<_, 6, _>(|l| (fall[2 * l + 1], &odd[l..])), row);
        }
        for (j, y) in y.chunks_mut(w).enumerate() {
            add_rows(&std::array::from_fn::<_, 12, _>(|k| (fall[k], &rows[(2 * j + k) * w..])), y);
        }
    }

    fn adjoint(&self, g: &[T], x: &mut [T]) {
        let (h, w, wide, stride) = (self.h, self.w, self.wide, self.stride());
        let (rise, fall) = (&self.rise, &self.fall);
        let mut image = self.upsampled();
        let across = w + OUTSIDE;
        let mut places = Places::new(across);
        let mut extended = Scratch::take(w + 2 * OUTSIDE);
        extended.fill(T::zero());
        let (mut even, mut odd) = (Scratch::take(across), Scratch::take(across));
        for t in 0..2 * h + 2 * OUTSIDE {
            let row = &mut extended[OUTSIDE..][..w];
            row.fill(T::zero());
            let reached = (0..6).filter_map(|l| Some(((t / 2).checked_sub(l)?, fall[t % 2 + 2 * l])));
            add_sources(reached.filter(|&(j, _)| j < h), |j| &g[j * w..][..w], row);
            let shifted =
                |tap: usize| std::array::from_fn::<_, 6, _>(|l| (fall[tap + 2 * l], &extended[OUTSIDE - l..]));
            sum_rows(&shifted(0), &mut even);
            sum_rows(&shifted(1), &mut odd);
            let [at_even, at_odd] = self.samples(t);
            places.find(&at_even).scatter(&even, &mut image);
            places.find(&at_odd).scatter(&odd, &mut image);
        }
        let (mut even, mut odd) = (Scratch::take(wide + 6), Scratch::take(wide + 6));
        even.fill(T::zero());
        odd.fill(T::zero());
        let mut extended = Scratch::take(wide);
        let mut row = Scratch::take(w);
        for m in 0..2 * self.tall {
            let image = &image[(m + BORDER) * stride + BORDER..][..2 * wide];
            part(image, &mut even[3..], &mut odd[3..]);
            extended.fill(T::zero());
            add_rows(&std::array::from_fn::<_, 6, _>(|j| (rise[11 - 2 * j], &even[6 - j..])), &mut extended);
            add_rows(&std::array::from_fn::<_, 6, _>(|j| (rise[10 - 2 * j], &odd[5 - j..])), &mut extended);
            row.copy_from_slice(&extended[self.left..][..w]);
            self.margins().for_each(|(column, seen)| row[seen] += extended[column]);
            for (source, tap) in self.sources(m) {
                add_rows(&[(tap, &row)], &mut x[self.seen(source)]);
            }
        }
    }
}

/// `out += sum of tap * row`, of the rows with these numbers.
fn add_sources<'a, T: Real>(sources: impl Iterator<Item = (usize, T)>, row: impl Fn(usize) -> &'a [T], out: &mut [T]) {
    let mut terms = [(T::zero(), &[][..]); 6];
    let mut count = 0;
    for (term, (source, tap)) in terms.iter_mut().zip(sources) {
        *term = (tap, row(source));
        count += 1;
    }
    add_rows(&terms[..count], out);
}
