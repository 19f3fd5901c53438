//! Affine resampling on the CPU: plane by plane, in memory that stays in the cache.

mod samples;

use super::lattice::{BORDER, Lattice, OUTSIDE, SYM6};
use super::{AffineMap, AffineResample};
use crate::augment::rows::{add_rows, interleave, part, sum_rows};
use crate::cpu::Scratch;
use crate::elementwise::{Real, written, zeroed};
use crate::pad::reflect;
use candle_core::CpuStorage;
use samples::{Places, Samples};
use std::mem::MaybeUninit;

/// Channels that are held side by side, so that a sample of all of them is one of vectors; not in images
/// of more pixels than `PACKED`, which upsampled would take too much memory at once.
const LANES: usize = 4;
const PACKED: usize = 1 << 18;

impl AffineResample {
    /// The result for images of dimensions `[n, c, h, w]`.
    pub(super) fn cpu<T: Real>(&self, x: &[T], (n, c, h, w): (usize, usize, usize, usize)) -> CpuStorage {
        let plane = h * w;
        let lanes = if c > 1 && plane <= PACKED { LANES } else { 1 };
        let plan = |map: &AffineMap| (!map.is_identity()).then(|| Plan::new(map, [h, w], lanes));
        let plans: Vec<Option<Plan<T>>> = self.maps.iter().map(plan).collect();
        // A task is an image, or a plane of it where planes are large.
        let task = if lanes > 1 { c * plane } else { plane };
        let write = |y: &mut [MaybeUninit<T>]| {
            crate::threads::for_each_chunk(y, task, |i, y| {
                let x = &x[i * task..][..task];
                let y = zeroed(y);
                let Some(plan) = &plans[i * task / (c * plane)] else { return y.copy_from_slice(x) };
                for (x, y) in x.chunks(lanes * plane).zip(y.chunks_mut(lanes * plane)) {
                    if self.adjoint { plan.adjoint(x, y) } else { plan.forward(x, y) }
                }
            })
        };
        // SAFETY: every task's part is zeroed.
        unsafe { written(n * c * plane, write) }
    }
}

/// Copies planes to rows that hold the channels of a pixel side by side, the rest zeros.
fn pack<T: Real>(planes: &[T], plane: usize, lanes: usize) -> Scratch<T> {
    let mut packed = Scratch::take(plane * lanes);
    packed.fill(T::zero());
    for (lane, x) in planes.chunks(plane).enumerate() {
        packed.iter_mut().skip(lane).step_by(lanes).zip(x).for_each(|(packed, &x)| *packed = x);
    }
    packed
}

fn unpack<T: Real>(packed: &[T], planes: &mut [T], plane: usize, lanes: usize) {
    for (lane, x) in planes.chunks_mut(plane).enumerate() {
        x.iter_mut().zip(packed.iter().skip(lane).step_by(lanes)).for_each(|(x, &packed)| *x = packed);
    }
}

/// One image's resampling, of one channel or of up to [`LANES`].
struct Plan<T> {
    lanes: usize,
    h: usize,
    w: usize,
    left: usize,
    /// Where the rows of the image with margins begin in the image.
    rows: Vec<usize>,
    /// Where the pixels of the margins lie in a row, left and right, and the pixels seen there.
    margins: Vec<(usize, usize)>,
    /// Width and height with margins.
    wide: usize,
    tall: usize,
    lattice: Lattice,
    /// Taps that upsample (their sum is 2), and that downsample (1).
    rise: [T; 12],
    fall: [T; 12],
}

impl<T: Real> Plan<T> {
    fn new(map: &AffineMap, [h, w]: [usize; 2], lanes: usize) -> Self {
        let [left, right, top, bottom] = map.margins();
        let column = |at: usize| (at * lanes, reflect(at as i64 - left as i64, w) * lanes);
        let sum: f64 = SYM6.iter().sum();
        Self {
            lanes,
            h,
            w,
            left,
            rows: (0..top + h + bottom).map(|row| reflect(row as i64 - top as i64, h) * w * lanes).collect(),
            margins: (0..left).chain(left + w..left + w + right).map(column).collect(),
            wide: left + w + right,
            tall: top + h + bottom,
            lattice: Lattice::new(map, [h, w]),
            rise: SYM6.map(|tap| T::from_f64(2. * tap / sum)),
            fall: SYM6.map(|tap| T::from_f64(tap / sum)),
        }
    }

    /// Elements from one row of the upsampled image with its border to the next.
    fn stride(&self) -> usize {
        (2 * self.wide + 2 * BORDER + 1) * self.lanes
    }

    /// Elements of the upsampled image with its border.
    fn upsampled(&self) -> usize {
        self.stride() * (2 * self.tall + 2 * BORDER + 1)
    }

    /// The samples of row `t`: those of even place, then those of odd.
    fn samples(&self, t: usize) -> [Samples; 2] {
        let limit = [(2 * self.wide + BORDER) as f64, (2 * self.tall + BORDER) as f64];
        let Lattice { start, right, down } = self.lattice;
        [0., 1.].map(|first| {
            let at = |axis: usize| start[axis] + right[axis] * first + down[axis] * t as f64;
            Samples {
                start: [at(0), at(1)],
                step: right.map(|step| 2. * step),
                limit,
                stride: self.stride(),
                lanes: self.lanes,
            }
        })
    }

    /// The rows of the image with margins that reach row `m` of the upsampled one, and their taps.
    fn sources(&self, m: usize) -> impl Iterator<Item = (usize, T)> {
        let (last, parity) = ((m + OUTSIDE) / 2, (m + OUTSIDE) % 2);
        let reached = (0..6).filter_map(move |j| Some((last.checked_sub(j)?, self.rise[parity + 2 * j])));
        reached.filter(|&(row, _)| row < self.tall)
    }

    /// Row `row` of the image with margins, in the image.
    fn seen(&self, row: usize) -> std::ops::Range<usize> {
        self.rows[row]..self.rows[row] + self.w * self.lanes
    }

    /// Writes the result for planes `x` to `y`.
    fn forward(&self, x: &[T], y: &mut [T]) {
        let (lanes, stride) = (self.lanes, self.stride());
        let (width, wide) = (self.w * lanes, self.wide * lanes);
        let (rise, fall) = (&self.rise, &self.fall);
        let pixels = pack(x, self.h * self.w, lanes);
        let mut image = Scratch::take(self.upsampled());
        image[..stride].fill(T::zero());
        image[(2 * self.tall + BORDER) * stride..].fill(T::zero());
        let mut row = Scratch::take(width);
        let mut extended = zeros(wide + 6 * lanes);
        let (mut even, mut odd) = (Scratch::take(wide), Scratch::take(wide));
        for m in 0..2 * self.tall {
            sum_sources(self.sources(m), |row| &pixels[self.seen(row)], &mut row);
            let inner = &mut extended[3 * lanes..];
            inner[self.left * lanes..][..width].copy_from_slice(&row);
            for &(at, seen) in &self.margins {
                inner[at..at + lanes].copy_from_slice(&row[seen..seen + lanes]);
            }
            let shifted = |tap: usize, first: usize| terms(|j| (rise[tap - 2 * j], &extended[(first + j) * lanes..]));
            sum_rows(&shifted(11, 0), &mut even);
            sum_rows(&shifted(10, 1), &mut odd);
            let out = &mut image[(m + BORDER) * stride..][..stride];
            out[..BORDER * lanes].fill(T::zero());
            out[BORDER * lanes + 2 * wide..].fill(T::zero());
            interleave(&even, &odd, lanes, &mut out[BORDER * lanes..][..2 * wide]);
        }
        let across = self.w + OUTSIDE;
        let mut places = Places::new(across);
        let (mut even, mut odd) = (Scratch::take(across * lanes), Scratch::take(across * lanes));
        let mut rows = Scratch::take((2 * self.h + 2 * OUTSIDE) * width);
        for (t, row) in rows.chunks_mut(width).enumerate() {
            let [at_even, at_odd] = self.samples(t);
            places.find(&at_even).gather(&image, &mut even);
            places.find(&at_odd).gather(&image, &mut odd);
            sum_rows(&terms(|l| (fall[2 * l], &even[l * lanes..])), row);
            add_rows(&terms(|l| (fall[2 * l + 1], &odd[l * lanes..])), row);
        }
        let mut pixels = pixels;
        for (j, y) in pixels.chunks_mut(width).enumerate() {
            let rows = &rows[2 * j * width..];
            sum_rows(&terms(|k| (fall[k], &rows[k * width..])), y);
            add_rows(&terms(|k| (fall[6 + k], &rows[(6 + k) * width..])), y);
        }
        unpack(&pixels, y, self.h * self.w, lanes);
    }

    /// Writes the gradient of the images for the results' gradient `g` to `x`.
    fn adjoint(&self, g: &[T], x: &mut [T]) {
        let (lanes, stride) = (self.lanes, self.stride());
        let (width, wide) = (self.w * lanes, self.wide * lanes);
        let (rise, fall) = (&self.rise, &self.fall);
        let mut pixels = pack(g, self.h * self.w, lanes);
        let mut image = zeros(self.upsampled());
        let across = self.w + OUTSIDE;
        let mut places = Places::new(across);
        let mut extended = zeros((self.w + 2 * OUTSIDE) * lanes);
        let (mut even, mut odd) = (Scratch::take(across * lanes), Scratch::take(across * lanes));
        for t in 0..2 * self.h + 2 * OUTSIDE {
            let row = &mut extended[OUTSIDE * lanes..][..width];
            row.fill(T::zero());
            let reached = (0..6).filter_map(|l| Some(((t / 2).checked_sub(l)?, fall[t % 2 + 2 * l])));
            sum_sources(reached.filter(|&(j, _)| j < self.h), |j| &pixels[j * width..][..width], row);
            let shifted = |tap: usize| terms(|l| (fall[tap + 2 * l], &extended[(OUTSIDE - l) * lanes..]));
            sum_rows(&shifted(0), &mut even);
            sum_rows(&shifted(1), &mut odd);
            let [at_even, at_odd] = self.samples(t);
            places.find(&at_even).scatter(&even, &mut image);
            places.find(&at_odd).scatter(&odd, &mut image);
        }
        let (mut even, mut odd) = (zeros(wide + 6 * lanes), zeros(wide + 6 * lanes));
        let mut extended = Scratch::take(wide);
        let mut row = Scratch::take(width);
        pixels.fill(T::zero());
        for m in 0..2 * self.tall {
            let image = &image[(m + BORDER) * stride + BORDER * lanes..][..2 * wide];
            part(image, lanes, &mut even[3 * lanes..], &mut odd[3 * lanes..]);
            sum_rows(&terms(|j| (rise[11 - 2 * j], &even[(6 - j) * lanes..])), &mut extended);
            add_rows(&terms(|j| (rise[10 - 2 * j], &odd[(5 - j) * lanes..])), &mut extended);
            row.copy_from_slice(&extended[self.left * lanes..][..width]);
            for &(at, seen) in &self.margins {
                row[seen..seen + lanes].iter_mut().zip(&extended[at..]).for_each(|(row, &value)| *row += value);
            }
            for (source, tap) in self.sources(m) {
                add_rows(&[(tap, &row)], &mut pixels[self.seen(source)]);
            }
        }
        unpack(&pixels, x, self.h * self.w, lanes);
    }
}

fn zeros<T: Real>(len: usize) -> Scratch<T> {
    let mut memory = Scratch::take(len);
    memory.fill(T::zero());
    memory
}

/// The terms of a sum of six rows.
fn terms<'a, T>(term: impl Fn(usize) -> (T, &'a [T])) -> [(T, &'a [T]); 6] {
    std::array::from_fn(term)
}

/// `out = sum of tap * row`, of the rows with these numbers.
fn sum_sources<'a, T: Real>(sources: impl Iterator<Item = (usize, T)>, row: impl Fn(usize) -> &'a [T], out: &mut [T]) {
    let mut terms = [(T::zero(), &[][..]); 6];
    let mut count = 0;
    for (term, (source, tap)) in terms.iter_mut().zip(sources) {
        *term = (tap, row(source));
        count += 1;
    }
    sum_rows(&terms[..count], out);
}
