//! Convolutions in reduced precision, as direct products of tiles of bf16 numbers.
//!
//! The left tiles are 16 pixels of a row, which lie in the [`Lines`] a stride apart whatever the tap: nothing is
//! gathered. The right tiles are those of a [`PackedWeight`]. A sum runs over blocks of 32 inputs, within a block over taps,
//! within a tap over the [`products`] of parts. The gradient of a weight, which is summed over pixels, has tiles of its own.

mod axis;
mod buffer;
mod lines;
#[cfg(test)]
mod tests;
mod weight;
mod weight_gradient;

pub(in crate::conv) use weight::PackedWeight;

use super::ConvCall;
use crate::bias_act::EpilogueData;
use crate::conv::shape::Kind;
use crate::cpu::{Level, Plain, SharedMut, Task, Vector, filled, level};
use crate::tiles::{Blocks, Engine, Operands, SIDE, Steps, products};
use axis::{Axis, Phase};
use lines::Lines;

/// Pixels of a result per task, in whole rows: their inputs and the sums stay in the second-level cache.
const BAND: usize = 1024;

/// Computes a member of the family with factors split into `parts` bf16 numbers; a weight is packed for this call alone.
pub(in crate::conv) fn in_parts(call: &ConvCall<f32>, parts: usize, engine: Engine) -> Vec<f32> {
    let s = call.shape;
    let packed = |channels, inputs_first| PackedWeight::new(call.b, channels, s.r * s.s, inputs_first, parts);
    match call.kind {
        Kind::Forward => convolve(call, &packed([s.k, s.c], false), engine),
        Kind::Input => convolve(call, &packed([s.c, s.k], true), engine),
        Kind::Weight => weight_gradient::weight_gradient(call, parts, engine),
    }
}

/// Computes the member of the family whose weight is packed; `call.b` is not looked at.
pub(in crate::conv) fn convolve(call: &ConvCall<f32>, weight: &PackedWeight, engine: Engine) -> Vec<f32> {
    match level() {
        Level::Portable => run::<Plain<f32>>(call, weight, engine),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => run::<crate::cpu::F32x8>(call, weight, engine),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => run::<crate::cpu::F32x16>(call, weight, engine),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => run::<crate::cpu::F32x4>(call, weight, engine),
    }
}

/// What all tasks of a convolution share.
struct Work<'a> {
    call: &'a ConvCall<'a, f32>,
    weight: &'a PackedWeight,
    lines: Lines,
    sides: [Axis; 2],
    /// For each pair of phases, of rows and of columns, the products that it sums up.
    steps: Vec<Steps>,
    out: SharedMut<f32>,
    /// Outputs, rows and columns of a result.
    size: [usize; 3],
}

/// A tile's pixels: where its first line lies, where its first pixel goes in a plane, how many there are.
#[derive(Clone, Copy)]
struct Segment {
    line: usize,
    to: usize,
    pixels: usize,
}

fn run<V: Vector<Elem = f32>>(call: &ConvCall<f32>, weight: &PackedWeight, engine: Engine) -> Vec<f32> {
    let (kind, s) = (call.kind, call.shape);
    let [n, outputs, rows, columns] = s.result(kind);
    let (inputs, [h, w]) = match kind {
        Kind::Forward => (s.c, [s.h, s.w]),
        _ => (s.k, [s.oh, s.ow]),
    };
    let side = |pixels, results, taps| Axis::new(kind, [pixels, results], taps, s.stride, s.padding);
    let sides = [side(h, rows, s.r), side(w, columns, s.s)];
    let lines = Lines::new::<V>(call, inputs, &sides[0], &sides[1], weight.parts);
    let of_phases = sides[0].phases.iter().flat_map(|y| sides[1].phases.iter().map(move |x| (y, x)));
    let steps = of_phases.map(|(y, x)| steps(&lines, weight, s.s, y, x)).collect();
    let fill = |out: &mut [std::mem::MaybeUninit<f32>]| {
        let size = [outputs, rows, columns];
        let work = Work { call, weight, lines, sides, steps, out: SharedMut::uninit(out), size };
        let band = (BAND / columns).clamp(1, rows);
        let (bands, pairs) = (rows.div_ceil(band), outputs.div_ceil(2 * SIDE));
        crate::threads::for_each(n * pairs * bands, |task| {
            let (sample, pair, band_index) = (task / bands / pairs, task / bands % pairs, task % bands);
            let from = band_index * band;
            work.band::<V>(engine, sample, pair * 2 * SIDE, from, rows.min(from + band));
        });
    };
    // SAFETY: the bands of all outputs of all samples cover the result, and each writes all of its pixels: the phases
    // of a side cover its results.
    unsafe { filled(n * outputs * rows * columns, fill) }
}

/// The products of a phase of rows and one of columns.
fn steps(lines: &Lines, weight: &PackedWeight, kernel_columns: usize, rows: &Phase, columns: &Phase) -> Steps {
    let mut steps = Steps::default();
    for block in 0..weight.blocks {
        for &(u, y) in &rows.taps {
            for &(v, x) in &columns.taps {
                for &[left, right] in products(weight.parts) {
                    let left = y * lines.row + lines.at(block, left, x);
                    steps.push(left, weight.tile(block, u * kernel_columns + v, right));
                }
            }
        }
    }
    steps
}

impl Work<'_> {
    /// The rows `from..to` of the results of up to 32 outputs, from `first` on.
    fn band<V: Vector<Elem = f32>>(&self, engine: Engine, sample: usize, first: usize, from: usize, to: usize) {
        let [outputs, rows, columns] = self.size;
        let last = outputs.min(first + 2 * SIDE);
        let panel = self.weight.panel();
        let right = [first, if first + SIDE < last { first + SIDE } else { first }].map(|o| o / SIDE * panel);
        let mut sums = Blocks::ZERO;
        engine.with_multiplier(|multiplier| {
            let mut segments = vec![];
            let phases = self.sides[0].phases.iter().flat_map(|y| self.sides[1].phases.iter().map(move |x| (y, x)));
            for ((y, x), steps) in phases.zip(&self.steps) {
                segments.clear();
                self.segments(sample, y, x, [from, to], &mut segments);
                let operands =
                    Operands { left: self.lines.lines(), stride: x.stride, right: &self.weight.lines, steps };
                for pair in segments.chunks(2) {
                    let [a, b] = [pair[0], pair.get(1).copied().unwrap_or(Segment { pixels: 0, ..pair[0] })];
                    multiplier.sums(&operands, [a.line, b.line], right, [a.pixels, b.pixels], &mut sums);
                    for (segment, tiles) in pair.iter().zip(&sums.0) {
                        for (tile, output) in tiles.iter().zip((first..last).step_by(SIDE)) {
                            let channels = output..last.min(output + SIDE);
                            // SAFETY: a tile of 16 by 16 numbers, and pixels of this task's part of the result.
                            unsafe { self.store::<V>(tile, sample, channels, *segment, x.step) };
                        }
                    }
                }
            }
        });
        let Some(epilogue) = self.call.epilogue else { return };
        for plane in sample * outputs + first..sample * outputs + last {
            let (start, len) = (from * columns, (to - from) * columns);
            // SAFETY: rows of a plane that this task has written, and no other touches.
            let y = unsafe { std::slice::from_raw_parts_mut(self.out.at(plane * rows * columns + start), len) };
            EpilogueData::apply(epilogue, y, plane, start, rows * columns);
        }
    }

    /// The tiles of a phase whose rows lie in a band.
    fn segments(&self, sample: usize, y: &Phase, x: &Phase, [from, to]: [usize; 2], into: &mut Vec<Segment>) {
        for row in y.within(from, to) {
            let line = (sample * self.lines.rows + y.start + row * y.stride) * self.lines.row + x.start;
            let to = (y.first + row * y.step) * self.size[2] + x.first;
            into.extend((0..x.count).step_by(SIDE).map(|column| Segment {
                line: line + column * x.stride,
                to: to + column * x.step,
                pixels: SIDE.min(x.count - column),
            }));
        }
    }

    /// Writes a tile's pixels, `step` apart, to the planes of its channels.
    ///
    /// # Safety
    /// They lie in the part of the result that the caller's task writes.
    unsafe fn store<V: Vector<Elem = f32>>(
        &self,
        tile: &[[f32; SIDE]; SIDE],
        sample: usize,
        channels: std::ops::Range<usize>,
        segment: Segment,
        step: usize,
    ) {
        let mut turned = [[0f32; SIDE]; SIDE];
        // SAFETY: both are 16 by 16; the level that chose V names an instruction set of this machine.
        unsafe { V::enter(Turn { from: tile, to: &mut turned }) };
        let (gain, plane) = (self.call.gain as f32, self.size[1] * self.size[2]);
        for (channel, values) in channels.zip(&turned) {
            let at = (sample * self.size[0] + channel) * plane + segment.to;
            for (i, value) in values[..segment.pixels].iter().enumerate() {
                // SAFETY: the caller vouches for these pixels.
                unsafe { self.out.at(at + i * step).write(value * gain) };
            }
        }
    }
}

/// `[pixel][output]` to `[output][pixel]`.
struct Turn<'a> {
    from: &'a [[f32; SIDE]; SIDE],
    to: &'a mut [[f32; SIDE]; SIDE],
}

impl<V: Vector<Elem = f32>> Task<V> for Turn<'_> {
    #[inline(always)]
    unsafe fn run(self) {
        for i in (0..SIDE).step_by(V::LANES) {
            for j in (0..SIDE).step_by(V::LANES) {
                // SAFETY: blocks of LANES by LANES, which divides 16, of 16 by 16 numbers.
                unsafe {
                    let from = self.from.as_ptr().cast::<f32>().add(i * SIDE + j);
                    let to = self.to.as_mut_ptr().cast::<f32>().add(j * SIDE + i);
                    V::transpose(from, SIDE, to, SIDE);
                }
            }
        }
    }
}
