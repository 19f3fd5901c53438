//! The gradient of a weight in reduced precision: products of tiles that are summed over pixels.
//!
//! ```text
//!            left  [16 outputs][16 pairs of pixels]     rows of the result's gradient
//!     times  right [16 pairs of pixels][16 inputs]      rows of the image
//! ```
//!
//! A tap moves the image by rows and by columns. Rows are a matter of where a tile begins; columns are not, since pixels
//! come in pairs: the image is packed for each column of taps anew. Sums run over the pixels of a band of rows, in each 32
//! over the [`products`] of parts; those of bands and samples are added in f32. A task has all pixels of
//! its outputs and inputs, so that nothing is summed across threads.

use super::buffer::LineBuffer;
use crate::conv::cpu::ConvCall;
use crate::conv::shape::Shape;
use crate::cpu::{Level, Plain, Task, Vector, level};
use crate::threads::for_each_chunk;
use crate::tiles::{Blocks, Engine, Operands, SIDE, Steps, products, split_pairs};

/// Pixels of a tile.
const PIXELS: usize = 2 * SIDE;
/// Pixels of a result that are summed up in one go, in whole rows: their tiles stay in the second-level cache while the
/// columns of taps pass by.
const BAND: usize = 2048;

/// Computes the gradient of a weight with factors split into `parts` bf16 numbers.
pub(super) fn weight_gradient(call: &ConvCall<f32>, parts: usize, engine: Engine) -> Vec<f32> {
    match level() {
        Level::Portable => run::<Plain<f32>>(call, parts, engine),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => run::<crate::cpu::F32x8>(call, parts, engine),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => run::<crate::cpu::F32x16>(call, parts, engine),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => run::<crate::cpu::F32x4>(call, parts, engine),
    }
}

/// How the tiles of one sample lie.
struct Plan {
    shape: Shape,
    parts: usize,
    /// Tiles across a row of the result.
    chunks: usize,
    /// Outputs, in whole tiles.
    outputs: usize,
    /// Tiles of inputs.
    inputs: usize,
}

fn run<V: Vector<Elem = f32>>(call: &ConvCall<f32>, parts: usize, engine: Engine) -> Vec<f32> {
    let s = call.shape;
    let plan = Plan {
        shape: s,
        parts,
        chunks: s.ow.div_ceil(PIXELS),
        outputs: s.k.next_multiple_of(SIDE),
        inputs: s.c.div_ceil(SIDE),
    };
    let (taps, across) = (s.r * s.s, s.c.div_ceil(2 * SIDE));
    let bands: Vec<Vec<Steps>> = (0..s.oh)
        .step_by(plan.band())
        .map(|from| (0..s.r).map(|tap| plan.steps(tap, from, s.oh.min(from + plan.band()))).collect())
        .collect();
    let mut left = LineBuffer::take(s.oh * plan.left_row());
    let mut right = LineBuffer::take(s.h * plan.right_row());
    // [pair of tiles of outputs][pair of tiles of inputs][tap]
    let mut sums = vec![Blocks::ZERO; s.k.div_ceil(2 * SIDE) * across * taps];
    for sample in 0..s.n {
        plan.pack_left::<V>(&call.b[sample * s.k * s.oh * s.ow..], &mut left);
        plan.pack_right::<V>(&call.a[sample * s.c * s.h * s.w..], &mut right);
        for_each_chunk(&mut sums, s.s, |task, sums| {
            let at = [task / s.r / across * 2 * SIDE, task / s.r % across * 2];
            let steps = bands.iter().map(|rows| &rows[task % s.r]);
            plan.add(engine, [&left, &right], at, steps, sums);
        });
    }
    let gain = call.gain as f32;
    let mut y = vec![0.; s.k * s.c * taps];
    for_each_chunk(&mut y, s.c * taps, |output, y| {
        for (i, value) in y.iter_mut().enumerate() {
            let (input, tap) = (i / taps, i % taps);
            let Blocks(tiles) = &sums[(output / (2 * SIDE) * across + input / (2 * SIDE)) * taps + tap];
            *value = tiles[output / SIDE % 2][input / SIDE % 2][output % SIDE][input % SIDE] * gain;
        }
    });
    y
}

impl Plan {
    /// Rows of a band.
    fn band(&self) -> usize {
        (BAND / self.shape.ow).max(1)
    }

    /// Lines of a row of the result's gradient: `[chunk][part][output]`.
    fn left_row(&self) -> usize {
        self.chunks * self.parts * self.outputs
    }

    /// Lines of a row of the image: `[column of taps][chunk][part][tile of inputs][16 pairs of pixels]`.
    fn right_row(&self) -> usize {
        self.shape.s * self.right_column()
    }

    /// Those of a column of taps.
    fn right_column(&self) -> usize {
        self.chunks * self.parts * self.inputs * SIDE
    }

    /// The products of a row of taps with some rows of the result.
    fn steps(&self, tap: usize, from: usize, to: usize) -> Steps {
        let Shape { h, stride, padding, .. } = self.shape;
        let mut steps = Steps::default();
        for y in from..to {
            let Some(row) = (y * stride + tap).checked_sub(padding).filter(|&row| row < h) else { continue };
            for chunk in 0..self.chunks {
                for &[left_part, right_part] in products(self.parts) {
                    let left = y * self.left_row() + (chunk * self.parts + left_part) * self.outputs;
                    let right = (chunk * self.parts + right_part) * self.inputs * SIDE;
                    steps.push(left, row * self.right_row() + right);
                }
            }
        }
        steps
    }

    /// Adds the sums of a sample for up to 32 outputs and up to 32 inputs, from `output` and from the tile `input` on, and
    /// each column of the taps that `bands` are the steps of.
    fn add<'a>(
        &self,
        engine: Engine,
        [left, right]: [&LineBuffer; 2],
        [output, input]: [usize; 2],
        bands: impl Iterator<Item = &'a Steps>,
        sums: &mut [Blocks],
    ) {
        let left_tiles = [output, if output + SIDE < self.outputs { output + SIDE } else { output }];
        let rows = [0, SIDE].map(|tile| self.shape.k.saturating_sub(output + tile).min(SIDE));
        let right_tiles = [input, (input + 1).min(self.inputs - 1)];
        let mut part = Blocks::ZERO;
        engine.with_multiplier(|multiplier| {
            for steps in bands {
                let operands = Operands { left: left.lines(), stride: 1, right: right.lines(), steps };
                for (column, sums) in sums.iter_mut().enumerate() {
                    let right = right_tiles.map(|tile| column * self.right_column() + tile * SIDE);
                    multiplier.sums(&operands, left_tiles, right, rows, &mut part);
                    for (sum, part) in sums.0.iter_mut().flatten().flatten().flatten().zip(numbers(&part)) {
                        *sum += part;
                    }
                }
            }
        });
    }

    /// Rounds the gradient of a sample's result. Lines behind the last output keep what they hold: no sum that is wanted
    /// reads them.
    fn pack_left<V: Vector<Elem = f32>>(&self, dy: &[f32], lines: &mut LineBuffer) {
        let Shape { k, oh, ow, .. } = self.shape;
        let row = self.left_row() * SIDE;
        for_each_chunk(&mut lines.numbers_mut()[..oh * row], row, |y, numbers| {
            let row = LeftRow { plan: self, planes: &dy[y * ow..], plane: oh * ow, outputs: k, lines: numbers };
            // SAFETY: the level that chose V names an instruction set of this machine.
            unsafe { V::enter(row) };
        });
    }

    /// Rounds a sample's image.
    fn pack_right<V: Vector<Elem = f32>>(&self, x: &[f32], lines: &mut LineBuffer) {
        let Shape { h, w, .. } = self.shape;
        let row = self.right_row() * SIDE;
        for_each_chunk(&mut lines.numbers_mut()[..h * row], row, |y, numbers| {
            let row = RightRow { plan: self, planes: &x[y * w..], plane: h * w, lines: numbers };
            // SAFETY: as above.
            unsafe { V::enter(row) };
        });
    }
}

fn numbers(blocks: &Blocks) -> impl Iterator<Item = f32> + '_ {
    blocks.0.iter().flatten().flatten().flatten().copied()
}

/// A row of the result's gradient, of all outputs.
struct LeftRow<'a> {
    plan: &'a Plan,
    /// The outputs' rows, `plane` numbers apart.
    planes: &'a [f32],
    plane: usize,
    outputs: usize,
    lines: &'a mut [u32],
}

impl<V> Task<V> for LeftRow<'_> {
    #[inline(always)]
    unsafe fn run(self) {
        let Plan { chunks, parts, outputs, shape, .. } = *self.plan;
        for output in 0..self.outputs {
            let row = &self.planes[output * self.plane..][..shape.ow];
            for chunk in 0..chunks {
                let mut pixels = [0.; PIXELS];
                let from = &row[chunk * PIXELS..shape.ow.min((chunk + 1) * PIXELS)];
                pixels[..from.len()].copy_from_slice(from);
                let pairs = pairs_of(&pixels);
                for part in 0..parts {
                    let line = (chunk * parts + part) * outputs + output;
                    self.lines[line * SIDE..][..SIDE].copy_from_slice(&pairs[part]);
                }
            }
        }
    }
}

/// A row of the image, of all inputs, as each column of taps meets it.
struct RightRow<'a> {
    plan: &'a Plan,
    /// The inputs' rows, `plane` numbers apart.
    planes: &'a [f32],
    plane: usize,
    lines: &'a mut [u32],
}

impl<V> Task<V> for RightRow<'_> {
    /// 32 pixels of a channel at a time: rounded, then turned, so that the channels of a pair lie side by side.
    #[inline(always)]
    unsafe fn run(self) {
        let Plan { chunks, parts, inputs, ref shape, .. } = *self.plan;
        let &Shape { c, w, s, ow, stride, padding, .. } = shape;
        for column in 0..s {
            // The results whose tap meets the image.
            let first = padding.saturating_sub(column).div_ceil(stride);
            let end = (w + padding).saturating_sub(column).div_ceil(stride).min(ow);
            for chunk in 0..chunks {
                let start = chunk * PIXELS;
                let (from, to) = (first.max(start), end.min(start + PIXELS));
                for channel in 0..inputs * SIDE {
                    let mut pixels = [0.; PIXELS];
                    if channel < c {
                        let row = &self.planes[channel * self.plane..][..w];
                        for pixel in from..to {
                            pixels[pixel - start] = row[pixel * stride + column - padding];
                        }
                    }
                    let pairs = pairs_of(&pixels);
                    for part in 0..parts {
                        let tile = ((column * chunks + chunk) * parts + part) * inputs + channel / SIDE;
                        for pair in 0..SIDE {
                            self.lines[(tile * SIDE + pair) * SIDE + channel % SIDE] = pairs[part][pair];
                        }
                    }
                }
            }
        }
    }
}

/// The high and the low parts of 32 pixels, in pairs of neighbours.
#[inline(always)]
fn pairs_of(pixels: &[f32; PIXELS]) -> [[u32; SIDE]; 2] {
    let (mut evens, mut odds) = ([0.; SIDE], [0.; SIDE]);
    for i in 0..SIDE {
        (evens[i], odds[i]) = (pixels[2 * i], pixels[2 * i + 1]);
    }
    split_pairs(&evens, &odds).map(|pairs| pairs.0)
}
