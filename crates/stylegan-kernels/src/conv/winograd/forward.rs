//! The convolution, and with turned filters the gradient of its input.
//!
//! Many tiles: all filters are transformed first, then each task takes a chunk of tiles from input
//! to output. Few tiles (small images): the filters are most of the work, so the input is
//! transformed first, then each task takes a panel of output channels, and transforms filters a
//! cache-full at a time, just before their products.

use super::POINTS;
use super::stages::Problem;
use crate::conv::shape::Shape;
use crate::cpu::{Product, Scratch, SharedMut, Task, Vector, filled, product};
use std::marker::PhantomData;
use std::ops::Range;

/// Bytes of transformed input and output that a task works on at a time: what the second- and
/// third-level caches like.
const CHUNK_BYTES: usize = 4 << 20;
/// Up to this number of tiles the filters are transformed panel by panel.
const FEW: usize = 96;
/// Input channels whose transformed filters a task holds at a time when tiles are few.
const DEPTH: usize = 64;

/// Computes `y` from `x` (`turned` = false), or with turned filters the input gradient from `y`.
pub(in crate::conv) fn forward<V: Vector>(
    x: &[V::Elem],
    w: &[V::Elem],
    s: &Shape,
    turned: bool,
    gain: f64,
) -> Vec<V::Elem> {
    let problem = Problem::new(x, w, s, turned, gain);
    // SAFETY: both ways write every tile and output channel.
    unsafe {
        filled(problem.result_len(s.n), |y| {
            let y = SharedMut::uninit(y);
            if problem.tiles.count <= FEW { few::<V>(&problem, y) } else { many::<V>(&problem, y) }
        })
    }
}

fn many<V: Vector>(p: &Problem<'_, V::Elem>, y: SharedMut<V::Elem>) {
    let panels = p.outs.div_ceil(V::COLS);
    // A few cache lines more than needed keep the 36 planes off each other's cache sets.
    let u_plane = panels * p.depth * V::COLS + V::COLS;
    let mut u = Scratch::<V::Elem>::take(POINTS * u_plane);
    let to = SharedMut::new(&mut u);
    crate::threads::for_each(panels, |panel| {
        // SAFETY: the operation chose `V` for this machine; each task writes its panel.
        unsafe { V::enter(Filters::<V> { p, panel, to, u_plane }) }
    });
    let count = p.tiles.count;
    let per_tile = POINTS * (p.depth.next_multiple_of(V::LANES) + panels * V::COLS) * size_of::<V::Elem>();
    let chunk = (CHUNK_BYTES / per_tile).clamp(48, 192).next_multiple_of(V::ROWS);
    // Even chunks, so that no thread is left with a short one.
    let chunk = count.div_ceil(count.div_ceil(chunk).max(1)).next_multiple_of(V::ROWS);
    let u = &u[..];
    crate::threads::for_each(count.div_ceil(chunk), |i| {
        let range = i * chunk..((i + 1) * chunk).min(count);
        // SAFETY: as above; each task writes its tiles.
        unsafe { V::enter(Chunk::<V> { p, range, u, u_plane, y, vector: PhantomData }) };
    });
}

/// Transforms the filters of a panel to `[36][panel][depth][COLS]`.
struct Filters<'a, V: Vector> {
    p: &'a Problem<'a, V::Elem>,
    panel: usize,
    to: SharedMut<V::Elem>,
    u_plane: usize,
}

impl<V: Vector> Task<V> for Filters<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let Self { p, panel, to, u_plane } = self;
        // SAFETY: the panel's own place in each of the 36 planes.
        unsafe { p.filters::<V>(panel * V::COLS, 0..p.depth, to.at(panel * p.depth * V::COLS), u_plane) }
    }
}

/// A range of tiles from input to output.
struct Chunk<'a, V: Vector> {
    p: &'a Problem<'a, V::Elem>,
    range: Range<usize>,
    u: &'a [V::Elem],
    u_plane: usize,
    y: SharedMut<V::Elem>,
    vector: PhantomData<V>,
}

impl<V: Vector> Task<V> for Chunk<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let (l, p, count) = (V::LANES, self.p, self.range.len());
        let blocks = p.depth.div_ceil(l);
        let v_plane = count.next_multiple_of(V::ROWS) * blocks * l + 2 * l;
        let m_stride = p.outs.next_multiple_of(V::COLS);
        let m_plane = count * m_stride + 2 * l;
        let mut v = Scratch::<V::Elem>::take(POINTS * v_plane);
        let mut m = Scratch::<V::Elem>::take(POINTS * m_plane);
        let (v, m) = (SharedMut::new(&mut v), m.as_mut_ptr());
        // SAFETY: all indices follow from the sizes just taken; outputs are this range's own.
        unsafe {
            p.inputs::<V>(self.range.clone(), 0..blocks, v, v_plane);
            for point in 0..POINTS {
                product::<V, true>(Product {
                    rows: count,
                    cols: m_stride,
                    depth: p.depth,
                    a: v.at(point * v_plane),
                    a_block: V::ROWS * blocks * l,
                    b: self.u.as_ptr().add(point * self.u_plane),
                    b_panel: p.depth * V::COLS,
                    c: m.add(point * m_plane),
                    c_stride: m_stride,
                    accumulate: false,
                    rows_outside: false,
                });
            }
            p.outputs::<V>(self.range, 0..p.outs, (m, m_stride, m_plane), self.y);
        }
    }
}

fn few<V: Vector>(p: &Problem<'_, V::Elem>, y: SharedMut<V::Elem>) {
    let (l, count, blocks) = (V::LANES, p.tiles.count, p.depth.div_ceil(V::LANES));
    let v_plane = count.next_multiple_of(V::ROWS) * blocks * l + 2 * l;
    let mut v = Scratch::<V::Elem>::take(POINTS * v_plane);
    let to = SharedMut::new(&mut v);
    crate::threads::for_each(blocks, |block| {
        // SAFETY: the operation chose `V` for this machine; each task writes its channels.
        unsafe { V::enter(Inputs::<V> { p, block, to, v_plane }) }
    });
    let v = &v[..];
    crate::threads::for_each(p.outs.div_ceil(V::COLS), |panel| {
        // SAFETY: as above.
        unsafe { V::enter(Panel::<V> { p, panel, v, v_plane, y, vector: PhantomData }) };
    });
}

/// Transforms the input of a block of channels.
struct Inputs<'a, V: Vector> {
    p: &'a Problem<'a, V::Elem>,
    block: usize,
    to: SharedMut<V::Elem>,
    v_plane: usize,
}

impl<V: Vector> Task<V> for Inputs<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        // SAFETY: the block's own place in each of the 36 planes.
        unsafe { self.p.inputs::<V>(0..self.p.tiles.count, self.block..self.block + 1, self.to, self.v_plane) }
    }
}

/// A panel of output channels of all tiles, from filters to output.
struct Panel<'a, V: Vector> {
    p: &'a Problem<'a, V::Elem>,
    panel: usize,
    v: &'a [V::Elem],
    v_plane: usize,
    y: SharedMut<V::Elem>,
    vector: PhantomData<V>,
}

impl<V: Vector> Task<V> for Panel<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let (l, p, count) = (V::LANES, self.p, self.p.tiles.count);
        let blocks = p.depth.div_ceil(l);
        let u_plane = DEPTH * V::COLS + 2 * l;
        let m_plane = count * V::COLS + 2 * l;
        let mut u = Scratch::<V::Elem>::take(POINTS * u_plane);
        let mut m = Scratch::<V::Elem>::take(POINTS * m_plane);
        let (u, m) = (u.as_mut_ptr(), m.as_mut_ptr());
        let outs = self.panel * V::COLS..((self.panel + 1) * V::COLS).min(p.outs);
        // SAFETY: all indices follow from the sizes; output channels are this panel's own.
        unsafe {
            for start in (0..p.depth).step_by(DEPTH) {
                let depth = start..(start + DEPTH).min(p.depth);
                p.filters::<V>(outs.start, depth.clone(), u, u_plane);
                for point in 0..POINTS {
                    product::<V, true>(Product {
                        rows: count,
                        cols: V::COLS,
                        depth: depth.len(),
                        a: self.v.as_ptr().add(point * self.v_plane + start * V::ROWS),
                        a_block: V::ROWS * blocks * l,
                        b: u.add(point * u_plane),
                        b_panel: 0,
                        c: m.add(point * m_plane),
                        c_stride: V::COLS,
                        accumulate: start > 0,
                        rows_outside: false,
                    });
                }
            }
            p.outputs::<V>(0..count, outs, (m, V::COLS, m_plane), self.y);
        }
    }
}
