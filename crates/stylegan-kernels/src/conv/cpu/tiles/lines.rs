//! Images as lines of pixels: what the left tiles of a convolution are read from.

use super::axis::Axis;
use super::buffer::LineBuffer;
use super::weight::INPUTS;
use crate::conv::cpu::ConvCall;
use crate::cpu::{Task, Vector};
use crate::threads::for_each_chunk;
use crate::tiles::{Pairs, SIDE, split_pairs};

/// Images rounded to bf16, in one or two parts: `[n][row][inputs / 32][part][column][16 pairs of inputs]`, with the zeros
/// around them. A pixel of 32 inputs is a line of the cache, its neighbour the next one.
pub(super) struct Lines {
    buffer: LineBuffer,
    parts: usize,
    /// Columns, with the zeros.
    columns: usize,
    /// Lines of a row of all inputs.
    pub(super) row: usize,
    /// Rows of an image, with the zeros.
    pub(super) rows: usize,
}

impl Lines {
    /// The images of `call`, which have `inputs` channels, times its scales.
    pub(super) fn new<V: Vector<Elem = f32>>(
        call: &ConvCall<f32>,
        inputs: usize,
        rows: &Axis,
        columns: &Axis,
        parts: usize,
    ) -> Self {
        let row = inputs.div_ceil(INPUTS) * parts * columns.padded;
        let plane = rows.pixels * columns.pixels;
        let all = call.a.len() / (inputs * plane) * rows.padded * row;
        // The last tile of the last row reads on behind it; what it finds there is dropped.
        let slack = SIDE * columns.phases.iter().map(|phase| phase.stride).max().unwrap_or(1);
        let mut buffer = LineBuffer::take(all + slack);
        for_each_chunk(&mut buffer.numbers_mut()[..all * SIDE], row * SIDE, |index, numbers| {
            let (sample, y) = (index / rows.padded, index % rows.padded);
            if !(rows.before..rows.before + rows.pixels).contains(&y) {
                return numbers.fill(0);
            }
            let start = (y - rows.before) * columns.pixels;
            for (block, numbers) in numbers.chunks_mut(parts * columns.padded * SIDE).enumerate() {
                let channels = sample * inputs + block * INPUTS..sample * inputs + inputs.min((block + 1) * INPUTS);
                let row = Row {
                    planes: &call.a[channels.start * plane + start..],
                    plane,
                    channels: channels.len(),
                    scale: if call.scale.is_empty() { &[] } else { &call.scale[channels] },
                    pixels: columns.pixels,
                    before: columns.before,
                    columns: columns.padded,
                    lines: numbers.as_chunks_mut().0,
                };
                // SAFETY: the level that chose V names an instruction set of this machine.
                unsafe { V::enter(row) };
            }
        });
        Self { buffer, parts, columns: columns.padded, row, rows: rows.padded }
    }

    /// All lines.
    pub(super) fn lines(&self) -> &[Pairs] {
        self.buffer.lines()
    }

    /// The line of a part of a pixel in its row.
    pub(super) fn at(&self, block: usize, part: usize, column: usize) -> usize {
        (block * self.parts + part) * self.columns + column
    }
}

/// One row of up to 32 channels.
struct Row<'a> {
    /// The channels' rows, `plane` numbers apart.
    planes: &'a [f32],
    plane: usize,
    channels: usize,
    /// Factors of the channels, or none.
    scale: &'a [f32],
    pixels: usize,
    before: usize,
    columns: usize,
    /// `[part][column]`
    lines: &'a mut [[u32; SIDE]],
}

impl<V> Task<V> for Row<'_> {
    /// 16 pixels at a time: rounded along the row, then turned, so that the channels of a pixel lie side by side.
    #[inline(always)]
    unsafe fn run(self) {
        for lines in self.lines.chunks_exact_mut(self.columns) {
            lines[..self.before].fill([0; SIDE]);
            lines[self.before + self.pixels..].fill([0; SIDE]);
        }
        let mut x = 0;
        while x < self.pixels {
            let count = SIDE.min(self.pixels - x);
            for pair in 0..SIDE {
                let mut both = [[0f32; SIDE]; 2];
                for i in 0..2 {
                    let channel = 2 * pair + i;
                    if channel < self.channels {
                        both[i][..count].copy_from_slice(&self.planes[channel * self.plane + x..][..count]);
                        if !self.scale.is_empty() {
                            for value in &mut both[i] {
                                *value *= self.scale[channel];
                            }
                        }
                    }
                }
                let parts = split_pairs(&both[0], &both[1]);
                for (part, lines) in self.lines.chunks_exact_mut(self.columns).enumerate() {
                    for (line, &value) in lines[self.before + x..][..count].iter_mut().zip(&parts[part].0) {
                        line[pair] = value;
                    }
                }
            }
            x += count;
        }
    }
}
