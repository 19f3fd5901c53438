//! The first row and column of an input gradient of stride 2.

use super::taps::{RAW, read_taps};
use crate::conv::cpu::call::ConvCall;
use crate::conv::shape::Shape;
use crate::cpu::{Product, Scratch, SharedMut, Task, Vector, product};
use crate::elementwise::Real;
use candle_core::WithDType;
use std::ops::Range;

/// Whether the first row and the first column of an input gradient are left to direct products.
///
/// Where the first pixel stands alone in its place (the other pixel of a tile's step lies before the
/// image), `4 m` places begin to need `m + 1` tiles. The line is cheap: few taps reach it.
#[derive(Clone, Copy)]
pub(super) struct Border(pub(super) [bool; 2]);

impl Border {
    /// `alone` says whether the first pixel stands alone.
    pub(super) fn new(s: &Shape, alone: bool) -> Self {
        Self([s.h, s.w].map(|side| alone && s.padding <= 1 && side > 1 && (side / 2).is_multiple_of(4)))
    }

    /// Multiplications for a pair of channels of one image.
    pub(super) fn cost(self, s: &Shape) -> usize {
        let [row, col] = self.0.map(usize::from);
        s.r * (row * s.ow + col * s.oh)
    }

    /// Writes what is left out of the input gradient `dx` of `dy`. Only the first row (column) of `dy`
    /// reaches it, by one row (column) of taps.
    pub(super) fn fill<V: Vector>(self, call: &ConvCall<V::Elem>, dx: SharedMut<V::Elem>)
    where
        V::Elem: Real,
    {
        let (&ConvCall { b: w, shape: ref s, gain, .. }, steps) = (call, call.weight_steps());
        let [row, col] = self.0;
        let mut lines = Vec::new();
        if row {
            lines.push(Line {
                pixels: line::<V>(call, 0..s.ow),
                len: s.ow,
                taps: (0..s.s).map(|v| s.padding * s.s + v).collect(),
                to: 0..s.w,
                step: 1,
            });
        }
        if col {
            lines.push(Line {
                pixels: line::<V>(call, (0..s.oh * s.ow).step_by(s.ow)),
                len: s.oh,
                taps: (0..s.r).map(|u| u * s.s + s.padding).collect(),
                to: usize::from(row)..s.h,
                step: s.w,
            });
        }
        if lines.is_empty() {
            return;
        }
        let gain = V::Elem::from_f64(gain);
        crate::threads::for_each(s.c.div_ceil(V::ROWS), |block| {
            // SAFETY: the operation chose `V` for this machine; each task writes its channels.
            unsafe { V::enter(Block { lines: &lines, w, s, gain, steps, block, dx }) }
        });
    }
}

/// A row or column of the result.
struct Line<T> {
    /// What reaches it, of all images one after the other: `[panels][channels][COLS]`.
    pixels: Vec<T>,
    /// Its length in an image.
    len: usize,
    /// The places of the taps among those of a filter.
    taps: Vec<usize>,
    /// The places along the line that are written, and their distance in the result.
    to: Range<usize>,
    step: usize,
}

/// Some pixels of each plane of the input, scaled and packed as the right operand of a product.
fn line<V: Vector>(call: &ConvCall<V::Elem>, pixels: impl ExactSizeIterator<Item = usize>) -> Vec<V::Elem>
where
    V::Elem: Real,
{
    let s = &call.shape;
    let (len, plane) = (pixels.len(), s.oh * s.ow);
    let mut packed = vec![V::Elem::from_f64(0.); (s.n * len).div_ceil(V::COLS) * s.k * V::COLS];
    for (i, pixel) in pixels.enumerate() {
        for image in 0..s.n {
            let at = image * len + i;
            let to = &mut packed[at / V::COLS * s.k * V::COLS + at % V::COLS..];
            for channel in 0..s.k {
                let from = image * s.k + channel;
                let scale = call.scale.get(from).copied().unwrap_or(V::Elem::from_f64(1.));
                to[channel * V::COLS] = call.a[from * plane + pixel] * scale;
            }
        }
    }
    packed
}

/// The channels of a row of tiles.
struct Block<'a, T> {
    lines: &'a [Line<T>],
    w: &'a [T],
    s: &'a Shape,
    gain: T,
    /// Distances between the weights of neighbouring output and input channels.
    steps: [usize; 2],
    block: usize,
    dx: SharedMut<T>,
}

impl<V: Vector> Task<V> for Block<'_, V::Elem> {
    #[inline(always)]
    unsafe fn run(self) {
        let Self { lines, s, dx, .. } = self;
        let (first, depth) = (self.block * V::ROWS, s.k.next_multiple_of(V::LANES));
        let rows = V::ROWS.min(s.c - first);
        let mut filters = Scratch::<V::Elem>::take(s.r * s.s * V::ROWS * depth);
        // SAFETY: the sizes of the buffers; lines lie in the result.
        unsafe {
            self.pack::<V>(rows, filters.as_mut_ptr());
            for line in lines {
                let cols = s.n * line.len;
                let mut sums = Scratch::<V::Elem>::take(rows * cols);
                let place = |channel: usize, image: usize, at: usize| {
                    dx.at(((image * s.c + first + channel) * s.h * s.w) + at * line.step)
                };
                for (channel, image) in (0..rows).flat_map(|channel| (0..s.n).map(move |image| (channel, image))) {
                    for at in line.to.clone() {
                        *place(channel, image, at) = V::Elem::from_f64(0.);
                    }
                }
                for (tap, &index) in line.taps.iter().enumerate() {
                    product::<V, true>(Product {
                        rows,
                        cols,
                        depth: s.k,
                        a: filters.as_ptr().add(index * V::ROWS * depth),
                        a_block: 0,
                        b: line.pixels.as_ptr(),
                        b_panel: s.k * V::COLS,
                        c: sums.as_mut_ptr(),
                        c_stride: cols,
                        accumulate: false,
                        rows_outside: true,
                    });
                    for (channel, image) in (0..rows).flat_map(|channel| (0..s.n).map(move |image| (channel, image))) {
                        let sums = &sums[channel * cols + image * line.len..][..line.len];
                        for (i, &sum) in sums.iter().enumerate() {
                            let at = (s.stride * i + tap).wrapping_sub(s.padding);
                            if line.to.contains(&at) {
                                *place(channel, image, at) += sum;
                            }
                        }
                    }
                }
            }
        }
    }
}

impl<T: WithDType> Block<'_, T> {
    /// The filters of the block's channels as left operands, one per tap: `[taps][depth / LANES][ROWS][LANES]`.
    ///
    /// # Safety
    /// Inside `V::enter`; there is room at `to`.
    #[inline(always)]
    unsafe fn pack<V: Vector<Elem = T>>(&self, rows: usize, to: *mut T) {
        let (l, s, w) = (V::LANES, self.s, self.w);
        let (all, depth) = (s.r * s.s, s.k.next_multiple_of(l));
        let [out_step, in_step] = self.steps;
        let mut raw = [T::from_f64(0.); RAW];
        for start in (0..s.k).step_by(l) {
            let lanes = l.min(s.k - start);
            for row in 0..rows {
                let at = (self.block * V::ROWS + row) * out_step + start * in_step;
                // SAFETY: the caller's room.
                unsafe {
                    read_taps::<V>(w, at, in_step, all, lanes, &mut raw);
                    for t in 0..all {
                        let to = to.add(t * V::ROWS * depth + (start / l * V::ROWS + row) * l);
                        V::load(raw.as_ptr().add(t * l)).mul(V::splat(self.gain)).store(to);
                    }
                }
            }
        }
    }
}
