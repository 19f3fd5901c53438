//! Convolutions to few channels, such as to RGB or to the gradient of a picture.
//!
//! There gathering what an output meets costs more than its few products. Instead the taps of all outputs are
//! multiplied with the input as it lies, and each product is added to the output that it belongs to (Vasudevan,
//! Anderson and Gregg 2017, "Parallel Multi Channel Convolution using General Matrix Multiplication").
//!
//! ```text
//!   [outs r s, ins] · [ins, pixels] ── each row shifted by its tap ── Σ over the taps ── [outs, pixels]
//! ```

use super::PARTS;
use super::call::ConvCall;
use crate::conv::shape::{Kind, Shape};
use crate::cpu::{Product, Scratch, SharedMut, Task, Vector, filled, product};
use candle_core::WithDType;
use std::ops::Range;

/// The most channels of the result.
const FEW: usize = 4;
/// Input pixels of a block: its products stay in a second-level cache for 400 taps of all outputs.
const PIXELS: usize = 256;

/// Whether this module is for a convolution.
pub(super) fn fits(kind: Kind, s: &Shape) -> bool {
    let (ins, outs, strides) = match kind {
        Kind::Forward => (s.c, s.k, s.stride == 1),
        Kind::Input => (s.k, s.c, true),
        Kind::Weight => return false,
    };
    strides && s.r * s.s > 1 && outs <= FEW && ins >= 2 * outs
}

/// Computes a convolution, or the gradient of its input.
pub(super) fn convolve<V: Vector>(call: &ConvCall<V::Elem>) -> Vec<V::Elem> {
    let problem = Problem::new(call);
    let (outs, size) = (problem.outs, problem.size);
    let weights = problem.weights::<V>(call);
    let bands = PARTS.div_ceil(problem.n.max(1)).min(size[0].div_ceil(4 * call.shape.r)).max(1);
    let band = size[0].div_ceil(bands);
    // SAFETY: the bands cover the result.
    unsafe {
        filled(problem.n * outs * size[0] * size[1], |y| {
            let y = SharedMut::uninit(y);
            crate::threads::for_each(problem.n * bands, |task| {
                let (image, first) = (task / bands, task % bands * band);
                let rows = first.min(size[0])..(first + band).min(size[0]);
                // The operation chose `V` for this machine; each task writes its rows.
                V::enter(Band::<V> { p: &problem, from: call.a, weights: &weights, image, rows, y });
            });
        })
    }
}

/// A convolution of which input pixel `(i, j)` adds to output pixel `(i step + dy, j step + dx)` for each tap.
struct Problem {
    n: usize,
    ins: usize,
    outs: usize,
    /// Height and width in and out.
    from: [usize; 2],
    size: [usize; 2],
    step: usize,
    /// `[dy, dx]` of the taps in the order of the weights.
    taps: Vec<[isize; 2]>,
    /// Distances between the filters of neighbouring output and input channels.
    out_step: usize,
    in_step: usize,
}

impl Problem {
    fn new<T>(call: &ConvCall<T>) -> Self {
        let (s, pad) = (&call.shape, call.shape.padding as isize);
        let [out_step, in_step] = call.weight_steps();
        let taps = (0..s.r * s.s).map(|t| [(t / s.s) as isize - pad, (t % s.s) as isize - pad]);
        if call.kind == Kind::Forward {
            return Self {
                n: s.n,
                ins: s.c,
                outs: s.k,
                from: [s.h, s.w],
                size: [s.oh, s.ow],
                step: 1,
                taps: taps.map(|tap| tap.map(|distance| -distance)).collect(),
                out_step,
                in_step,
            };
        }
        Self {
            n: s.n,
            ins: s.k,
            outs: s.c,
            from: [s.oh, s.ow],
            size: [s.h, s.w],
            step: s.stride,
            taps: taps.collect(),
            out_step,
            in_step,
        }
    }

    /// The weights times the gain as left operand: `[rows / ROWS][ins / LANES][ROWS][LANES]`, a row for each output and tap.
    fn weights<V: Vector>(&self, call: &ConvCall<V::Elem>) -> Scratch<V::Elem> {
        let (l, gain) = (V::LANES, V::Elem::from_f64(call.gain));
        let (rows, depth) = (self.outs * self.taps.len(), self.ins.next_multiple_of(l));
        let mut packed = Scratch::<V::Elem>::take(rows.next_multiple_of(V::ROWS) * depth);
        for row in 0..rows {
            let from = &call.b[row / self.taps.len() * self.out_step + row % self.taps.len()..];
            let to = row / V::ROWS * V::ROWS * depth + row % V::ROWS * l;
            for i in 0..self.ins {
                packed[to + i / l * V::ROWS * l + i % l] = from[i * self.in_step] * gain;
            }
        }
        packed
    }

    /// The input rows that add to some rows of the result.
    fn reach(&self, rows: &Range<usize>) -> Range<usize> {
        let distances = self.taps.iter().map(|&[dy, _]| dy);
        let (least, most) = (distances.clone().min().unwrap_or(0), distances.max().unwrap_or(0));
        let inside = |row: isize| row.clamp(0, self.from[0] as isize) as usize;
        let step = self.step as isize;
        let first = (rows.start as isize - most + step - 1).div_euclid(step);
        let last = (rows.end as isize - 1 - least).div_euclid(step);
        let first = inside(first);
        first..inside(last + 1).max(first)
    }

    /// Which of the positions `from` in a row of the input are added to columns inside the result.
    #[inline(always)]
    fn inside(&self, from: Range<usize>, dx: isize) -> Range<usize> {
        let step = self.step as isize;
        let first = if dx < 0 { (-dx + step - 1) / step } else { 0 };
        let beyond = (self.size[1] as isize - dx + step - 1) / step;
        let end = (from.end as isize).min(beyond).max(0) as usize;
        let first = from.start.max(first as usize);
        first..end.max(first)
    }
}

/// Some rows of all channels of an image of the result.
struct Band<'a, V: Vector> {
    p: &'a Problem,
    from: &'a [V::Elem],
    weights: &'a [V::Elem],
    image: usize,
    rows: Range<usize>,
    y: SharedMut<V::Elem>,
}

impl<V: Vector> Task<V> for Band<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let (p, l) = (self.p, V::LANES);
        let ([_, w], [height, width]) = (p.from, p.size);
        let (plane, taps) = (p.from[0] * w, p.taps.len());
        let depth = p.ins.next_multiple_of(l);
        let mut packed = Scratch::<V::Elem>::take(PIXELS.next_multiple_of(V::COLS) * p.ins + l);
        let mut products = Scratch::<V::Elem>::take(p.outs * taps * PIXELS + l);
        let (packed, products) = (packed.as_mut_ptr(), products.as_mut_ptr());
        let reach = p.reach(&self.rows);
        // SAFETY: all indices follow from the sizes just taken; rows of the result are this task's own.
        unsafe {
            for out in 0..p.outs {
                let band = self.y.at(((self.image * p.outs + out) * height + self.rows.start) * width);
                for i in 0..self.rows.len() * width {
                    *band.add(i) = V::Elem::from_f64(0.);
                }
            }
            // Blocks begin at the same pixels whatever the rows, and with them the order of sums.
            let pixels = reach.start * w..reach.end * w;
            for block in pixels.start / PIXELS..pixels.end.div_ceil(PIXELS) {
                let start = (block * PIXELS).max(pixels.start);
                let count = ((block + 1) * PIXELS).min(pixels.end).saturating_sub(start);
                for channel in 0..p.ins {
                    let at = (self.image * p.ins + channel) * plane + start;
                    for i in (0..count).step_by(l) {
                        let to = packed.add((i / V::COLS * p.ins + channel) * V::COLS + i % V::COLS);
                        if at + i + l <= self.from.len() {
                            V::load(self.from.as_ptr().add(at + i)).store(to);
                        } else {
                            for j in 0..l.min(count - i) {
                                *to.add(j) = self.from[at + i + j];
                            }
                        }
                    }
                }
                product::<V, true>(Product {
                    rows: p.outs * taps,
                    cols: count,
                    depth: p.ins,
                    a: self.weights.as_ptr(),
                    a_block: V::ROWS * depth,
                    b: packed.cast_const(),
                    b_panel: p.ins * V::COLS,
                    c: products,
                    c_stride: count,
                    accumulate: false,
                    rows_outside: true,
                });
                // Row by row of what the block holds.
                let mut at = start;
                while at < start + count {
                    let (row, x) = (at / w, at % w);
                    let len = (w - x).min(start + count - at);
                    for (i, &[dy, dx]) in p.taps.iter().enumerate() {
                        let y = (row * p.step) as isize + dy;
                        if y < self.rows.start as isize || y >= self.rows.end as isize {
                            continue;
                        }
                        let columns = p.inside(x..x + len, dx);
                        for out in 0..p.outs {
                            let from = products.add((out * taps + i) * count + at - start + columns.start - x);
                            let line = ((self.image * p.outs + out) * height + y as usize) * width;
                            let to = (columns.start * p.step).wrapping_add_signed(dx);
                            add::<V>(from, self.y.at(line + to), columns.len(), p.step);
                        }
                    }
                    at += len;
                }
            }
        }
    }
}

/// Adds numbers to others that lie a step apart.
///
/// # Safety
/// Inside `V::enter`; the numbers are there.
#[inline(always)]
unsafe fn add<V: Vector>(from: *const V::Elem, to: *mut V::Elem, len: usize, step: usize) {
    let whole = if step == 1 { len / V::LANES * V::LANES } else { 0 };
    // SAFETY: the caller's numbers.
    unsafe {
        for i in (0..whole).step_by(V::LANES) {
            V::load(to.add(i)).add(V::load(from.add(i))).store(to.add(i));
        }
        for i in whole..len {
            let to = to.add(i * step);
            *to += *from.add(i);
        }
    }
}
