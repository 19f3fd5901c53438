//! Forward convolutions, and input gradients by phases of the stride.

use super::gather::{Grid, Plan, Tap};
use super::{COLUMNS, DEPTH, LEAST, panel_stays};
use crate::conv::cpu::PARTS;
use crate::conv::cpu::call::ConvCall;
use crate::cpu::{Product, Scratch, SharedMut, Task, Vector, filled, product};
use candle_core::WithDType;
use std::ops::Range;

/// A convolution of stride `grid.step` whose outputs are every `spacing`-th pixel of the result.
#[derive(Clone)]
struct Problem {
    n: usize,
    grid: Grid,
    taps: Vec<Tap>,
    /// Output channels.
    outs: usize,
    /// Distances between the weights of neighbouring output and input channels.
    out_step: usize,
    in_step: usize,
    /// Height and width of the result, its first row and column here, and their spacing.
    size: [usize; 2],
    corner: [usize; 2],
    spacing: usize,
}

/// `y` from `x` and `w`.
pub(in crate::conv) fn forward<V: Vector>(call: &ConvCall<V::Elem>) -> Vec<V::Elem> {
    let &ConvCall { a: x, b: w, shape: ref s, gain, .. } = call;
    let [out_step, in_step] = call.weight_steps();
    let pad = s.padding as isize;
    let taps =
        (0..s.r * s.s).map(|t| Tap { dy: (t / s.s) as isize - pad, dx: (t % s.s) as isize - pad, index: t }).collect();
    let problem = Problem {
        n: s.n,
        grid: Grid { rows: s.oh, cols: s.ow, channels: s.c, h: s.h, w: s.w, step: s.stride },
        taps,
        outs: s.k,
        out_step,
        in_step,
        size: [s.oh, s.ow],
        corner: [0, 0],
        spacing: 1,
    };
    // SAFETY: the one problem covers the result.
    unsafe { filled(s.n * s.k * s.oh * s.ow, |y| problem.solve::<V>(x, w, gain, SharedMut::uninit(y))) }
}

/// `dx` from `dy` and `w`.
pub(in crate::conv) fn input_gradient<V: Vector>(call: &ConvCall<V::Elem>) -> Vec<V::Elem> {
    let &ConvCall { a: dy, b: w, shape: ref s, gain, .. } = call;
    let (stride, pad, [out_step, in_step]) = (s.stride, s.padding, call.weight_steps());
    // SAFETY: the phases cover the result.
    unsafe {
        filled(s.n * s.c * s.h * s.w, |dx| {
            let dx = SharedMut::uninit(dx);
            for (row, col) in (0..stride.min(s.h)).flat_map(|row| (0..stride.min(s.w)).map(move |col| (row, col))) {
                // Pixel `row + i stride` meets tap `u` at output row `i + (row + pad - u) / stride`.
                let offset = |place: usize, u: usize| {
                    let distance = (place + pad) as isize - u as isize;
                    (distance % stride as isize == 0).then_some(distance / stride as isize)
                };
                let taps = (0..s.r * s.s)
                    .filter_map(|t| Some(Tap { dy: offset(row, t / s.s)?, dx: offset(col, t % s.s)?, index: t }))
                    .collect();
                let (rows, cols) = ((s.h - row).div_ceil(stride), (s.w - col).div_ceil(stride));
                let problem = Problem {
                    n: s.n,
                    grid: Grid { rows, cols, channels: s.k, h: s.oh, w: s.ow, step: 1 },
                    taps,
                    outs: s.c,
                    out_step,
                    in_step,
                    size: [s.h, s.w],
                    corner: [row, col],
                    spacing: stride,
                };
                problem.solve::<V>(dy, w, gain, dx);
            }
        })
    }
}

impl Problem {
    fn depth(&self) -> usize {
        self.grid.channels * self.taps.len()
    }

    /// Writes this problem's pixels of the result.
    fn solve<V: Vector>(&self, x: &[V::Elem], w: &[V::Elem], gain: f64, y: SharedMut<V::Elem>) {
        let (row_blocks, depth) = (self.outs.div_ceil(V::ROWS), self.depth());
        let a_block = V::ROWS * depth.next_multiple_of(V::LANES);
        let mut weights = Scratch::<V::Elem>::take(row_blocks * a_block);
        let packed = SharedMut::new(&mut weights);
        crate::threads::for_each(row_blocks, |block| {
            self.pack_weights::<V>(w, V::Elem::from_f64(gain), block, packed);
        });
        let (columns, weights) = (self.n * self.grid.rows * self.grid.cols, &weights[..]);
        let panels = crate::threads::even(columns.div_ceil(V::COLS), LEAST, COLUMNS / V::COLS);
        let chunks = panels.map(move |panels| panels.start * V::COLS..(panels.end * V::COLS).min(columns));
        if chunks.len() >= PARTS {
            return crate::threads::for_each_item(chunks, |columns| {
                let rows = 0..self.outs;
                // SAFETY: the operation chose `V` for this machine; each task writes its columns.
                unsafe {
                    V::enter(Chunk::<V> { problem: self, x, a: weights, a_block, rows, columns, packed: None, y })
                };
            });
        }
        // Few columns: their pixels are gathered once, then the rows are cut as well.
        let group = row_blocks.div_ceil(row_blocks.div_ceil(4).clamp(1, PARTS)).max(1);
        for columns in chunks {
            let plans = self.plans::<V>(columns.clone());
            let mut gathered =
                Scratch::<V::Elem>::take(plans.len() * self.panel_place::<V>(depth.next_multiple_of(DEPTH)));
            let to = SharedMut::new(&mut gathered);
            crate::threads::for_each(depth.div_ceil(DEPTH), |block| {
                let steps = block * DEPTH..((block + 1) * DEPTH).min(depth);
                // SAFETY: as above; each task writes its steps.
                unsafe { V::enter(Gather::<V> { problem: self, x, plans: &plans, steps, to }) };
            });
            crate::threads::for_each(row_blocks.div_ceil(group), |first| {
                let rows = first * group * V::ROWS..((first + 1) * group * V::ROWS).min(self.outs);
                let (a, columns, packed) = (&weights[first * group * a_block..], columns.clone(), Some(to));
                // SAFETY: as above; each task writes its rows.
                unsafe { V::enter(Chunk::<V> { problem: self, x, a, a_block, rows, columns, packed, y }) };
            });
        }
    }

    /// How what each panel of some columns meets is gathered.
    fn plans<V: Vector>(&self, columns: Range<usize>) -> Vec<Plan> {
        let panels = columns.clone().step_by(V::COLS);
        panels.map(|start| self.grid.plan(start..(start + V::COLS).min(columns.end), &self.taps)).collect()
    }

    /// Elements that lie before a block of steps from `start` on, for each panel.
    const fn panel_place<V: Vector>(&self, start: usize) -> usize {
        start * V::COLS + start / DEPTH * V::LANES
    }

    /// Gathers what panels of columns meet at some steps (channel by channel, all taps of each) to `to`
    /// `[panels][steps][COLS]`, with a vector's room behind each panel.
    ///
    /// # Safety
    /// Inside `V::enter`; there is room at `to`.
    #[inline(always)]
    unsafe fn gather<V: Vector>(&self, x: &[V::Elem], plans: &[Plan], steps: Range<usize>, to: *mut V::Elem) {
        // What whole vectors write behind the last step of a panel is not the next panel's.
        let panel = steps.len() * V::COLS + V::LANES;
        // A channel's pixels of all panels one after the other: planes often lie a power of two apart,
        // and share a cache set.
        let (mut channel, mut tap) = (steps.start / self.taps.len(), steps.start % self.taps.len());
        for step in 0..steps.len() {
            for (i, plan) in plans.iter().enumerate() {
                // SAFETY: the caller's room.
                unsafe {
                    let to = to.add(i * panel + step * V::COLS);
                    plan.gather::<V>(x, channel * self.grid.h * self.grid.w, tap, to);
                }
            }
            tap += 1;
            if tap == self.taps.len() {
                (channel, tap) = (channel + 1, 0);
            }
        }
    }

    /// Packs the weights of a block of output channels: `[depth / LANES][ROWS][LANES]`.
    fn pack_weights<V: Vector>(&self, w: &[V::Elem], gain: V::Elem, block: usize, to: SharedMut<V::Elem>) {
        let (l, depth) = (V::LANES, self.depth());
        let start = block * V::ROWS * depth.next_multiple_of(l);
        let rows = V::ROWS.min(self.outs - block * V::ROWS);
        let place = |step: usize, row: usize| start + (step / l * V::ROWS + row) * l + step % l;
        let in_order = self.taps.iter().enumerate().all(|(i, tap)| tap.index == i);
        if in_order && self.in_step == self.taps.len() {
            for row in 0..rows {
                let from = &w[(block * V::ROWS + row) * self.out_step..][..depth];
                for (i, run) in from.chunks(l).enumerate() {
                    let at = place(i * l, row);
                    for (j, &weight) in run.iter().enumerate() {
                        // SAFETY: inside the block's part of the buffer.
                        unsafe { *to.at(at + j) = weight * gain }
                    }
                }
            }
            return;
        }
        // Channels outside: where they are far apart, what a cache line holds of all rows is read once.
        for channel in 0..self.grid.channels {
            let from = &w[block * V::ROWS * self.out_step + channel * self.in_step..];
            for (tap, step) in self.taps.iter().zip(channel * self.taps.len()..) {
                let at = place(step, 0);
                for row in 0..rows {
                    // SAFETY: as above.
                    unsafe { *to.at(at + row * l) = from[row * self.out_step + tap.index] * gain }
                }
            }
        }
    }
}

/// Some steps of what columns meet: the right operands of several groups of rows.
struct Gather<'a, V: Vector> {
    problem: &'a Problem,
    x: &'a [V::Elem],
    plans: &'a [Plan],
    steps: Range<usize>,
    to: SharedMut<V::Elem>,
}

impl<V: Vector> Task<V> for Gather<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let Self { problem, x, plans, steps, to } = self;
        // SAFETY: the steps' own place.
        unsafe {
            problem.gather::<V>(x, plans, steps.clone(), to.at(plans.len() * problem.panel_place::<V>(steps.start)))
        }
    }
}

/// Some rows (output channels) and columns (output positions) of a problem.
struct Chunk<'a, V: Vector> {
    problem: &'a Problem,
    x: &'a [V::Elem],
    a: &'a [V::Elem],
    a_block: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    /// What the columns meet, if it has been gathered.
    packed: Option<SharedMut<V::Elem>>,
    y: SharedMut<V::Elem>,
}

impl<V: Vector> Task<V> for Chunk<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let Self { problem: p, x, a, a_block, rows, columns, packed, y } = self;
        let (depth, count, panels) = (p.depth(), columns.len(), columns.len().div_ceil(V::COLS));
        let plans = if packed.is_none() { p.plans::<V>(columns.clone()) } else { vec![] };
        let mut own = Scratch::<V::Elem>::take(plans.len() * (DEPTH * V::COLS + V::LANES));
        let (positions, plane) = (p.grid.rows * p.grid.cols, p.size[0] * p.size[1]);
        let (image, first) = (columns.start / positions, columns.start % positions);
        // Neighbouring positions of one image lie together in the result: no detour.
        let direct = p.spacing == 1 && first + count <= positions;
        let mut aside = Scratch::<V::Elem>::take(if direct { 0 } else { rows.len() * count });
        // SAFETY: all indices follow from the sizes; rows and columns are this task's own.
        unsafe {
            let (c, c_stride) = match direct {
                true => (y.at((image * p.outs + rows.start) * plane + first), plane),
                false => (aside.as_mut_ptr(), count),
            };
            if depth == 0 {
                for (row, col) in (0..rows.len()).flat_map(|row| (0..count).map(move |col| (row, col))) {
                    *c.add(row * c_stride + col) = V::Elem::from_f64(0.);
                }
            }
            for start in (0..depth).step_by(DEPTH) {
                let steps = DEPTH.min(depth - start);
                let b = match packed {
                    Some(packed) => packed.at(panels * p.panel_place::<V>(start)),
                    None => {
                        p.gather::<V>(x, &plans, start..start + steps, own.as_mut_ptr());
                        own.as_mut_ptr()
                    }
                };
                product::<V, true>(Product {
                    rows: rows.len(),
                    cols: count,
                    depth: steps,
                    a: a.as_ptr().add(start * V::ROWS),
                    a_block,
                    b: b.cast_const(),
                    b_panel: steps * V::COLS + V::LANES,
                    c,
                    c_stride,
                    accumulate: start > 0,
                    rows_outside: !panel_stays::<V>(),
                });
            }
            if direct {
                return;
            }
            let mut col = 0;
            for segment in p.grid.segments(columns) {
                for row in 0..rows.len() {
                    let line = (segment.image * p.outs + rows.start + row) * p.size[0];
                    let line = (line + p.corner[0] + segment.y * p.spacing) * p.size[1];
                    let to = y.at(line + p.corner[1] + segment.x * p.spacing);
                    let from = aside.as_ptr().add(row * count + col);
                    for i in 0..segment.len {
                        *to.add(i * p.spacing) = *from.add(i);
                    }
                }
                col += segment.len;
            }
        }
    }
}
