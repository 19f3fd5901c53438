//! The convolution, and with turned filters the gradient of its input.
//!
//! Many tiles: all filters are transformed first, then each task takes a chunk of tiles from input
//! to output. Few tiles (small images): the filters are most of the work, so the input is
//! transformed first, then each task takes a panel of output channels, and transforms filters a
//! cache-full at a time, just before their products.

use super::stages::{Problem, Products};
use super::transforms::Scheme;
use crate::conv::cpu::PARTS;
use crate::conv::cpu::call::ConvCall;
use crate::cpu::{Product, Scratch, SharedMut, Task, Vector, filled, product};
use crate::elementwise::Real;
use std::marker::PhantomData;
use std::ops::Range;

/// Bytes of transformed input and output that a task works on at a time: what the second- and
/// third-level caches like.
const CHUNK_BYTES: usize = 4 << 20;
/// Blocks of rows of tiles that a thread is not given fewer of for the sake of even work: all filters pass them by.
const LEAST: usize = 4;
/// Up to this number of tiles the filters are transformed panel by panel.
const FEW: usize = 96;
/// Bytes of transformed filters and products that a task holds when tiles are few.
const PANELS_BYTES: usize = 600 << 10;
/// Input channels whose transformed filters a task holds at a time when tiles are few.
const DEPTH: usize = 64;

/// Computes `y` from `x`, or with turned filters the input gradient from `y`.
pub(in crate::conv) fn forward<V: Vector, S: Scheme>(call: &ConvCall<V::Elem>) -> Vec<V::Elem>
where
    V::Elem: Real,
{
    let problem = Problem::new::<S>(call);
    // SAFETY: both ways write every tile and output channel; the border is what tiles leave out.
    unsafe {
        filled(problem.result_len(), |y| {
            let y = SharedMut::uninit(y);
            if problem.tiling.tiles.count <= FEW {
                few::<V, S>(&problem, y)
            } else {
                many::<V, S>(&problem, y)
            }
            problem.tiling.border.fill::<V>(call, y);
        })
    }
}

/// The points of a tile.
const fn points<S: Scheme>() -> usize {
    S::SIDE * S::SIDE
}

fn many<V: Vector, S: Scheme>(p: &Problem<'_, V::Elem>, y: SharedMut<V::Elem>) {
    let [from, to] = p.phases();
    let (points, depth, panels) = (points::<S>(), from * p.ins, to * p.outs.div_ceil(V::COLS));
    // A few cache lines more than needed keep the planes of the points off each other's cache sets.
    let u_plane = panels * depth * V::COLS + V::COLS;
    let mut u = Scratch::<V::Elem>::take(points * u_plane);
    let filters = SharedMut::new(&mut u);
    crate::threads::for_each(panels, |panel| {
        // SAFETY: the operation chose `V` for this machine; each task writes its panel.
        unsafe { V::enter(Filters::<V, S> { p, panel, to: filters, u_plane, scheme: PhantomData }) }
    });
    let count = p.tiling.tiles.count;
    let per_tile = points * (depth.next_multiple_of(V::LANES) + panels * V::COLS) * size_of::<V::Elem>();
    let most = (CHUNK_BYTES / per_tile).clamp(48, 192).div_ceil(V::ROWS);
    let u = &u[..];
    crate::threads::for_each_item(crate::threads::even(count.div_ceil(V::ROWS), LEAST, most), |blocks| {
        let range = blocks.start * V::ROWS..(blocks.end * V::ROWS).min(count);
        // SAFETY: as above; each task writes its tiles.
        unsafe { V::enter(Chunk::<V, S> { p, range, u, u_plane, y, vector: PhantomData }) };
    });
}

/// Transforms the filters of a panel to `[points][panel][depth][COLS]`.
struct Filters<'a, V: Vector, S> {
    p: &'a Problem<'a, V::Elem>,
    panel: usize,
    to: SharedMut<V::Elem>,
    u_plane: usize,
    scheme: PhantomData<S>,
}

impl<V: Vector, S: Scheme> Task<V> for Filters<'_, V, S> {
    #[inline(always)]
    unsafe fn run(self) {
        let Self { p, panel, to, u_plane, .. } = self;
        let (per_phase, ins) = (p.outs.div_ceil(V::COLS), p.ins);
        let [from, _] = p.phases();
        let (phase, out) = (panel / per_phase, panel % per_phase * V::COLS);
        let mut taps = Scratch::<V::Elem>::take(DEPTH * p.filter_len() * V::COLS);
        for start in (0..ins).step_by(DEPTH) {
            let depth = start..(start + DEPTH).min(ins);
            // SAFETY: the panel's own place at each of the points.
            unsafe {
                p.taps::<V>(out, depth.clone(), taps.as_mut_ptr());
                for i in 0..from {
                    let to = to.at(((panel * from + i) * ins + start) * V::COLS);
                    p.filters::<V, S>(taps.as_ptr(), phase + i, depth.len(), to, u_plane);
                }
            }
        }
    }
}

/// A range of tiles from input to output.
struct Chunk<'a, V: Vector, S> {
    p: &'a Problem<'a, V::Elem>,
    range: Range<usize>,
    u: &'a [V::Elem],
    u_plane: usize,
    y: SharedMut<V::Elem>,
    vector: PhantomData<(V, S)>,
}

impl<V: Vector, S: Scheme> Task<V> for Chunk<'_, V, S> {
    #[inline(always)]
    unsafe fn run(self) {
        let (l, p, count) = (V::LANES, self.p, self.range.len());
        let ([from, to], blocks, points) = (p.phases(), p.ins.div_ceil(l), points::<S>());
        let width = p.outs.next_multiple_of(V::COLS);
        let v_plane = count.next_multiple_of(V::ROWS) * from * blocks * l + 2 * l;
        let m_plane = count * to * width + 2 * l;
        let mut v = Scratch::<V::Elem>::take(points * v_plane);
        let mut m = Scratch::<V::Elem>::take(points * m_plane);
        let (v, m) = (SharedMut::new(&mut v), m.as_mut_ptr());
        // SAFETY: all indices follow from the sizes just taken; outputs are this range's own.
        unsafe {
            p.inputs::<V, S>(self.range.clone(), 0..blocks, v, v_plane);
            for point in 0..points {
                // One of `to` and `from` is a single phase.
                for (o, i) in p
                    .taking_part::<S>(point, to)
                    .flat_map(|o| p.taking_part::<S>(point, from).map(move |i| (o.clone(), i)))
                {
                    product::<V, true>(Product {
                        rows: count,
                        cols: o.len() * width,
                        depth: i.len() * p.ins,
                        a: v.at(point * v_plane + i.start * blocks * l * V::ROWS),
                        a_block: V::ROWS * from * blocks * l,
                        b: self
                            .u
                            .as_ptr()
                            .add(point * self.u_plane + (o.start * width * from + i.start * V::COLS) * p.ins),
                        b_panel: from * p.ins * V::COLS,
                        c: m.add(point * m_plane + o.start * width),
                        c_stride: to * width,
                        accumulate: i.start > 0,
                        rows_outside: false,
                    });
                }
            }
            let products = Products { start: m.cast_const(), stride: to * width, plane: m_plane, phase_step: width };
            p.outputs::<V, S>(self.range, 0..p.outs, products, self.y);
        }
    }
}

fn few<V: Vector, S: Scheme>(p: &Problem<'_, V::Elem>, y: SharedMut<V::Elem>) {
    let (l, count, blocks) = (V::LANES, p.tiling.tiles.count, p.ins.div_ceil(V::LANES));
    let v_plane = count.next_multiple_of(V::ROWS) * p.phases()[0] * blocks * l + 2 * l;
    let mut v = Scratch::<V::Elem>::take(points::<S>() * v_plane);
    let to = SharedMut::new(&mut v);
    crate::threads::for_each(blocks, |block| {
        // SAFETY: the operation chose `V` for this machine; each task writes its channels.
        unsafe { V::enter(Inputs::<V, S> { p, block, to, v_plane, scheme: PhantomData }) }
    });
    let v = &v[..];
    // Panels that share a pass over the input, as many as stay in the cache with their filters and products.
    let per_panel = points::<S>() * (DEPTH + p.phases()[1] * count) * V::COLS * size_of::<V::Elem>();
    let width = (PANELS_BYTES / per_panel).clamp(1, p.outs.div_ceil(V::COLS).div_ceil(PARTS).max(1));
    crate::threads::for_each(p.outs.div_ceil(width * V::COLS), |task| {
        // SAFETY: as above.
        unsafe { V::enter(Panels::<V, S> { p, first: task * width, width, v, v_plane, y, vector: PhantomData }) };
    });
}

/// Transforms the input of a block of channels.
struct Inputs<'a, V: Vector, S> {
    p: &'a Problem<'a, V::Elem>,
    block: usize,
    to: SharedMut<V::Elem>,
    v_plane: usize,
    scheme: PhantomData<S>,
}

impl<V: Vector, S: Scheme> Task<V> for Inputs<'_, V, S> {
    #[inline(always)]
    unsafe fn run(self) {
        // SAFETY: the block's own place at each of the points.
        unsafe {
            self.p.inputs::<V, S>(0..self.p.tiling.tiles.count, self.block..self.block + 1, self.to, self.v_plane)
        }
    }
}

/// Panels of output channels of all tiles, from filters to output.
struct Panels<'a, V: Vector, S> {
    p: &'a Problem<'a, V::Elem>,
    first: usize,
    width: usize,
    v: &'a [V::Elem],
    v_plane: usize,
    y: SharedMut<V::Elem>,
    vector: PhantomData<(V, S)>,
}

impl<V: Vector, S: Scheme> Task<V> for Panels<'_, V, S> {
    #[inline(always)]
    unsafe fn run(self) {
        let (l, p, count) = (V::LANES, self.p, self.p.tiling.tiles.count);
        let ([from, to], blocks, points) = (p.phases(), p.ins.div_ceil(l), points::<S>());
        let outs = self.first * V::COLS..((self.first + self.width) * V::COLS).min(p.outs);
        let panels = outs.len().div_ceil(V::COLS);
        let cols = panels * V::COLS;
        let (u_panel, u_plane) = (DEPTH * V::COLS, panels * DEPTH * V::COLS + 2 * l);
        let m_stride = to * cols;
        let m_plane = count * m_stride + 2 * l;
        let mut u = Scratch::<V::Elem>::take(points * u_plane);
        let mut m = Scratch::<V::Elem>::take(points * m_plane);
        // Filters of several phases are read once, for all of them.
        let channel = p.filter_len() * V::COLS;
        let (kept, held) = if from * to > 1 { (channel, p.ins) } else { (0, DEPTH) };
        let mut taps = Scratch::<V::Elem>::take(panels * channel * held);
        let (u, m, taps) = (u.as_mut_ptr(), m.as_mut_ptr(), taps.as_mut_ptr());
        // SAFETY: all indices follow from the sizes; output channels are these panels' own.
        unsafe {
            for (o, i) in (0..to).flat_map(|o| (0..from).map(move |i| (o, i))) {
                for start in (0..p.ins).step_by(DEPTH) {
                    let depth = start..(start + DEPTH).min(p.ins);
                    for panel in 0..panels {
                        let taps = taps.add(panel * channel * held + start * kept);
                        if o + i == 0 {
                            p.taps::<V>(outs.start + panel * V::COLS, depth.clone(), taps);
                        }
                        p.filters::<V, S>(taps, o + i, depth.len(), u.add(panel * u_panel), u_plane);
                    }
                    for point in 0..points {
                        let absent = |phases, phase| !p.taking_part::<S>(point, phases).any(|run| run.contains(&phase));
                        if absent(to, o) || absent(from, i) {
                            continue;
                        }
                        product::<V, true>(Product {
                            rows: count,
                            cols,
                            depth: depth.len(),
                            a: self.v.as_ptr().add(point * self.v_plane + (i * blocks * l + start) * V::ROWS),
                            a_block: V::ROWS * from * blocks * l,
                            b: u.add(point * u_plane),
                            b_panel: u_panel,
                            c: m.add(point * m_plane + o * cols),
                            c_stride: m_stride,
                            accumulate: (i, start) != (0, 0),
                            rows_outside: false,
                        });
                    }
                }
            }
            let products = Products { start: m.cast_const(), stride: m_stride, plane: m_plane, phase_step: cols };
            p.outputs::<V, S>(0..count, outs, products, self.y);
        }
    }
}
