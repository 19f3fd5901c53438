//! A convolution's weight as tiles: made once, used in every pass.

use crate::elementwise::rows_per_task;
use crate::threads::for_each_chunk;
use crate::tiles::{Pairs, SIDE, split_pairs};

/// Inputs of a tile.
pub(super) const INPUTS: usize = 2 * SIDE;

/// A weight rounded to bf16, in one or two parts: lines `[outputs / 16][inputs / 32][tap][part][16 pairs of inputs][16
/// outputs]`, filled up with zeros.
#[derive(Debug)]
pub(in crate::conv) struct PackedWeight {
    pub(super) lines: Vec<Pairs>,
    /// Blocks of 32 inputs.
    pub(super) blocks: usize,
    pub(super) taps: usize,
    pub(super) parts: usize,
}

impl PackedWeight {
    /// From `weight` `[outputs, inputs, r, s]` with `taps` = r s, or `[inputs, outputs, r, s]` where `inputs_first`.
    pub(in crate::conv) fn new(
        weight: &[f32],
        [outputs, inputs]: [usize; 2],
        taps: usize,
        inputs_first: bool,
        parts: usize,
    ) -> Self {
        let blocks = inputs.div_ceil(INPUTS);
        let mut lines = vec![Pairs::ZERO; outputs.div_ceil(SIDE) * blocks * taps * parts * SIDE];
        let [of_output, of_input] = if inputs_first { [taps, outputs * taps] } else { [inputs * taps, taps] };
        let at = |output: usize, input: usize, tap: usize| {
            let inside = output < outputs && input < inputs;
            if inside { weight[output * of_output + input * of_input + tap] } else { 0. }
        };
        let tile = parts * SIDE;
        let tiles = rows_per_task(tile * SIDE);
        for_each_chunk(&mut lines, tiles * tile, |task, lines| {
            for (i, lines) in lines.chunks_mut(tile).enumerate() {
                let index = task * tiles + i;
                let (tap, block, output) = (index % taps, index / taps % blocks, index / taps / blocks * SIDE);
                for pair in 0..SIDE {
                    let (mut evens, mut odds) = ([0.; SIDE], [0.; SIDE]);
                    for o in 0..SIDE {
                        let input = block * INPUTS + 2 * pair;
                        (evens[o], odds[o]) = (at(output + o, input, tap), at(output + o, input + 1, tap));
                    }
                    for (part, line) in split_pairs(&evens, &odds).into_iter().take(parts).enumerate() {
                        lines[part * SIDE + pair] = line;
                    }
                }
            }
        });
        Self { lines, blocks, taps, parts }
    }

    /// Where the tile of a part of a tap begins in the lines of 16 outputs.
    pub(super) fn tile(&self, block: usize, tap: usize, part: usize) -> usize {
        ((block * self.taps + tap) * self.parts + part) * SIDE
    }

    /// Lines of 16 outputs.
    pub(super) fn panel(&self) -> usize {
        self.tile(self.blocks, 0, 0)
    }
}
