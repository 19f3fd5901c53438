//! The gradient of the filters: `dw = Gᵀ [Σ_tiles (A dy Aᵀ) ⊙ (Bᵀ x B)] G`, a product over all
//! tiles for each of the points. With stride 2 the input counts as four, one per phase.

use super::stages::points;
use super::taps::RAW;
use super::tiles::{self, Planes, Tiles, strip_len};
use super::transforms::{Scheme, Steps};
use crate::conv::cpu::call::ConvCall;
use crate::conv::shape::Shape;
use crate::cpu::{Product, Scratch, SharedMut, Task, Vector, filled, product, row_panel};
use candle_core::WithDType;
use std::marker::PhantomData;
use std::ops::Range;

/// Bytes of transformed input and output gradient per chunk of tiles.
const CHUNK_BYTES: usize = 16 << 20;
/// Panels of input channels in a block of filters.
const BLOCK: usize = 2;

/// Computes `dw` `[k, c, r, r]` from `x` and the gradient `dy` of the output.
pub(in crate::conv) fn weight_gradient<V: Vector, S: Scheme>(call: &ConvCall<V::Elem>) -> Vec<V::Elem> {
    let &ConvCall { a: x, b: dy, shape: ref s, gain, .. } = call;
    let (count, phases) = (S::SIDE * S::SIDE, S::STEP * S::STEP);
    let tiles = Tiles::new::<S>(s.n, s.oh, s.ow);
    let (l, left) = (V::LANES, const { row_panel::<V>() });
    let (rows, phase_step) = (s.k.next_multiple_of(left), s.c.next_multiple_of(V::COLS));
    let cols = phases * phase_step;
    let per_tile = count * (rows + cols) * size_of::<V::Elem>();
    let chunk = (CHUNK_BYTES / per_tile).clamp(64, 1024);
    let chunk = tiles.count.div_ceil(tiles.count.div_ceil(chunk).max(1));
    let (y_plane, x_plane, u_plane) = (rows * chunk + 2 * l, cols * chunk + 2 * l, s.k * cols + 2 * l);
    let mut transformed_y = Scratch::<V::Elem>::take(count * y_plane);
    let mut transformed_x = Scratch::<V::Elem>::take(count * x_plane);
    let (ty, tx) = (SharedMut::new(&mut transformed_y), SharedMut::new(&mut transformed_x));
    let gain = V::Elem::from_f64(gain);
    let few = tiles.count <= chunk;
    let scheme = PhantomData::<S>;
    let mut sums = Scratch::<V::Elem>::take(if few { 0 } else { count * u_plane });
    let u = SharedMut::new(&mut sums);
    for start in (0..tiles.count).step_by(chunk) {
        let range = start..(start + chunk).min(tiles.count);
        let (y_blocks, x_blocks) = (s.k.div_ceil(l), s.c.div_ceil(l));
        crate::threads::for_each(y_blocks + x_blocks, |task| {
            // SAFETY: the operation chose `V` for this machine; each task writes its own channels.
            unsafe {
                let range = range.clone();
                match task.checked_sub(y_blocks) {
                    None => {
                        let (to, plane) = (ty, y_plane);
                        V::enter(Side::<V, S, true> { from: dy, s, tiles, range, block: task, to, plane, scheme })
                    }
                    Some(block) => {
                        let (to, plane) = (tx, x_plane);
                        V::enter(Side::<V, S, false> { from: x, s, tiles, range, block, to, plane, scheme })
                    }
                }
            }
        });
        if few {
            break;
        }
        crate::threads::for_each(count, |point| {
            // SAFETY: as above; each task adds to the sums of its point.
            unsafe {
                for part in tiles::taking_part::<S>(point, phases, s.r) {
                    let product = Product {
                        rows: s.k,
                        cols: part.len() * phase_step,
                        depth: range.len(),
                        a: ty.at(point * y_plane),
                        a_block: left * range.len(),
                        b: tx.at(point * x_plane + part.start * phase_step * range.len()),
                        b_panel: V::COLS * range.len(),
                        c: u.at(point * u_plane + part.start * phase_step),
                        c_stride: cols,
                        accumulate: start > 0,
                        rows_outside: true,
                    };
                    V::enter(Sum::<V> { product, vector: PhantomData });
                }
            }
        });
    }
    // SAFETY: every filter is written.
    unsafe {
        filled(s.k * s.c * s.r * s.r, |dw| {
            let dw = SharedMut::uninit(dw);
            if !few {
                return crate::threads::for_each(s.k, |k| {
                    V::enter(Filters::<V, S> {
                        u,
                        u_plane,
                        stride: cols,
                        phase_step,
                        base: 0,
                        rows: k..k + 1,
                        channels: 0..s.c,
                        s,
                        gain,
                        dw,
                        scheme,
                    });
                });
            }
            // All tiles are there: sums of a block of filters at a time, transformed while in cache.
            let (downs, acrosses) = (s.k.div_ceil(left), s.c.div_ceil(BLOCK * V::COLS));
            crate::threads::for_each(downs * acrosses, |task| {
                let (down, across) = (task / acrosses * left, task % acrosses * BLOCK * V::COLS);
                let rows = down..(down + left).min(s.k);
                let channels = across..(across + BLOCK * V::COLS).min(s.c);
                let tiles = tiles.count;
                V::enter(Block::<V, S> { s, tiles, ty, y_plane, tx, x_plane, rows, channels, gain, dw, scheme });
            });
        })
    }
}

/// Transforms `LANES` channels of the input (`OUT` = false) or of the output gradient to
/// `[points][channels / w][tiles][w]`, `w` being the panel width of the right or left operand; the
/// input phase by phase.
struct Side<'a, V: Vector, S, const OUT: bool> {
    from: &'a [V::Elem],
    s: &'a Shape,
    tiles: Tiles,
    range: Range<usize>,
    block: usize,
    to: SharedMut<V::Elem>,
    plane: usize,
    scheme: PhantomData<S>,
}

impl<V: Vector, S: Scheme, const OUT: bool> Task<V> for Side<'_, V, S, OUT> {
    #[inline(always)]
    unsafe fn run(self) {
        let (l, s) = (V::LANES, self.s);
        let (all, h, w, pad, border, step) = match OUT {
            true => (s.k, s.oh, s.ow, 0, 0, 1),
            false => (s.c, s.h, s.w, s.padding, S::TAPS - 1, S::STEP),
        };
        let width = if OUT { const { row_panel::<V>() } } else { V::COLS };
        let (channel, most) = (self.block * l, tiles::most(step));
        let mut strip = Scratch::<V::Elem>::take(strip_len::<V>(step * S::SIDE, step * (S::OUT * most + border)));
        let strip = strip.as_mut_ptr();
        // SAFETY: all indices follow from the sizes of the buffers.
        unsafe {
            let zero = V::splat(V::Elem::from_f64(0.));
            for run in self.tiles.runs(self.range.clone(), most) {
                let corner = [run.y, run.x].map(|at| (step * at) as isize - pad as isize);
                let (rows, cols) = (step * (S::OUT + border), step * (S::OUT * run.len + border));
                let start = (run.image * all + channel) * h * w;
                let planes = Planes { start, channels: (all - channel).min(l), h, w };
                tiles::read(self.from, planes, corner, (rows, cols), strip, zero);
                let steps = Steps { row: step * cols * l, col: step * l };
                for phase in 0..step * step {
                    let from = strip.add((phase / step * cols + phase % step) * l);
                    let channel = phase * all.next_multiple_of(width) + channel;
                    let panel = self.to.at(channel / width * width * self.range.len() + channel % width);
                    for i in 0..run.len {
                        let (from, to) = (from.add(step * S::OUT * i * l), panel.add((run.first + i) * width));
                        if OUT {
                            S::output_transposed::<V>(from, steps, to, points::<S>(self.plane));
                        } else {
                            S::input::<V>(from, steps, to, points::<S>(self.plane));
                        }
                    }
                }
            }
        }
    }
}

/// One product.
struct Sum<V: Vector> {
    product: Product<V::Elem>,
    vector: PhantomData<V>,
}

impl<V: Vector> Task<V> for Sum<V> {
    #[inline(always)]
    unsafe fn run(self) {
        // SAFETY: the operands are packed for `V`.
        unsafe { product::<V, false>(self.product) }
    }
}

/// A block of filters from the products of all tiles to the result.
struct Block<'a, V: Vector, S> {
    s: &'a Shape,
    tiles: usize,
    ty: SharedMut<V::Elem>,
    y_plane: usize,
    tx: SharedMut<V::Elem>,
    x_plane: usize,
    /// Output and input channels.
    rows: Range<usize>,
    channels: Range<usize>,
    gain: V::Elem,
    dw: SharedMut<V::Elem>,
    scheme: PhantomData<S>,
}

impl<V: Vector, S: Scheme> Task<V> for Block<'_, V, S> {
    #[inline(always)]
    unsafe fn run(self) {
        let Self { s, tiles, rows, channels, gain, dw, scheme, .. } = self;
        let (count, all) = (S::SIDE * S::SIDE, s.c.next_multiple_of(V::COLS));
        let phase_step = channels.len().next_multiple_of(V::COLS);
        let stride = S::STEP * S::STEP * phase_step;
        let u_plane = rows.len() * stride + 2 * V::LANES;
        let mut u = Scratch::<V::Elem>::take(count * u_plane);
        let u = SharedMut::new(&mut u);
        // SAFETY: the operands are packed for `V`; filters are the task's own.
        unsafe {
            for point in 0..count {
                for phase in tiles::taking_part::<S>(point, S::STEP * S::STEP, s.r).flatten() {
                    product::<V, false>(Product {
                        rows: rows.len(),
                        cols: phase_step,
                        depth: tiles,
                        a: self.ty.at(point * self.y_plane + rows.start * tiles),
                        a_block: 0,
                        b: self.tx.at(point * self.x_plane + (phase * all + channels.start) * tiles),
                        b_panel: V::COLS * tiles,
                        c: u.at(point * u_plane + phase * phase_step),
                        c_stride: stride,
                        accumulate: false,
                        rows_outside: true,
                    });
                }
            }
            let base = rows.start;
            Filters::<V, S> { u, u_plane, stride, phase_step, base, rows, channels, s, gain, dw, scheme }.run();
        }
    }
}

/// Transforms sums `[points][rows][stride]` back to filters.
struct Filters<'a, V: Vector, S> {
    u: SharedMut<V::Elem>,
    u_plane: usize,
    stride: usize,
    /// The distance between phases in a row.
    phase_step: usize,
    /// The output channel of the first row.
    base: usize,
    /// Output and input channels.
    rows: Range<usize>,
    channels: Range<usize>,
    s: &'a Shape,
    gain: V::Elem,
    dw: SharedMut<V::Elem>,
    scheme: PhantomData<S>,
}

impl<V: Vector, S: Scheme> Task<V> for Filters<'_, V, S> {
    #[inline(always)]
    unsafe fn run(self) {
        let (l, r, all) = (V::LANES, self.s.r, self.s.r * self.s.r);
        let mut taps = [V::Elem::from_f64(0.); RAW];
        let mut turned = [V::Elem::from_f64(0.); RAW];
        let mut part = [V::Elem::from_f64(0.); RAW];
        for k in self.rows.clone() {
            for channel in self.channels.clone().step_by(l) {
                // SAFETY: rows of the sums are padded to whole vectors; filters are the task's own.
                unsafe {
                    for phase in 0..S::STEP * S::STEP {
                        let at = phase * self.phase_step + channel - self.channels.start;
                        let from = self.u.at((k - self.base) * self.stride + at);
                        let last = tiles::last::<S>(phase, self.s.r);
                        let steps = Steps { row: S::TAPS * l, col: l };
                        S::filter_transposed::<V>(from, points::<S>(self.u_plane), part.as_mut_ptr(), steps, last);
                        for t in 0..S::TAPS * S::TAPS {
                            let row = t / S::TAPS * S::STEP + phase / S::STEP;
                            let col = t % S::TAPS * S::STEP + phase % S::STEP;
                            if row < r && col < r {
                                V::load(part.as_ptr().add(t * l)).store(taps.as_mut_ptr().add((row * r + col) * l));
                            }
                        }
                    }
                    for t in (0..all).step_by(l) {
                        V::transpose(taps.as_ptr().add(t * l), l, turned.as_mut_ptr().add(t), RAW / 16);
                    }
                    for lane in 0..l.min(self.channels.end - channel) {
                        let dw = self.dw.at((k * self.s.c + channel + lane) * all);
                        for t in 0..all {
                            *dw.add(t) = turned[lane * (RAW / 16) + t] * self.gain;
                        }
                    }
                }
            }
        }
    }
}
