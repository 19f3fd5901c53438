//! The gradient of the filters: `dw = Gᵀ [Σ_tiles (A dy Aᵀ) ⊙ (Bᵀ x B)] G`, a product over all
//! tiles for each of the 36 points.

use super::POINTS;
use super::tiles::{self, Planes, RUN, Tiles, strip_len};
use super::transforms::{FilterTransposed, Input, OutputTransposed, transform};
use crate::conv::shape::Shape;
use crate::cpu::{Product, Scratch, SharedMut, Task, Vector, filled, product, row_panel};
use candle_core::WithDType;
use std::marker::PhantomData;
use std::ops::Range;

/// Bytes of transformed input and output gradient per chunk of tiles.
const CHUNK_BYTES: usize = 16 << 20;
/// Panels of input channels in a block of filters.
const BLOCK: usize = 2;

/// Computes `dw` `[k, c, 3, 3]` from `x` and the gradient `dy` of the output.
pub(in crate::conv) fn weight_gradient<V: Vector>(x: &[V::Elem], dy: &[V::Elem], s: &Shape, gain: f64) -> Vec<V::Elem> {
    let tiles = Tiles::new(s.n, s.oh, s.ow);
    let (l, left) = (V::LANES, const { row_panel::<V>() });
    let (rows, cols) = (s.k.next_multiple_of(left), s.c.next_multiple_of(V::COLS));
    let per_tile = POINTS * (rows + cols) * size_of::<V::Elem>();
    let chunk = (CHUNK_BYTES / per_tile).clamp(64, 1024);
    let chunk = tiles.count.div_ceil(tiles.count.div_ceil(chunk).max(1));
    let (y_plane, x_plane, u_plane) = (rows * chunk + 2 * l, cols * chunk + 2 * l, s.k * cols + 2 * l);
    let mut transformed_y = Scratch::<V::Elem>::take(POINTS * y_plane);
    let mut transformed_x = Scratch::<V::Elem>::take(POINTS * x_plane);
    let (ty, tx) = (SharedMut::new(&mut transformed_y), SharedMut::new(&mut transformed_x));
    let gain = V::Elem::from_f64(gain);
    let few = tiles.count <= chunk;
    let mut sums = Scratch::<V::Elem>::take(if few { 0 } else { POINTS * u_plane });
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
                        V::enter(Side::<V, true> { from: dy, s, tiles, range, block: task, to: ty, plane: y_plane })
                    }
                    Some(block) => {
                        V::enter(Side::<V, false> { from: x, s, tiles, range, block, to: tx, plane: x_plane })
                    }
                }
            }
        });
        if few {
            break;
        }
        crate::threads::for_each(POINTS, |point| {
            // SAFETY: as above; each task adds to the sums of its point.
            unsafe {
                let product = Product {
                    rows: s.k,
                    cols,
                    depth: range.len(),
                    a: ty.at(point * y_plane),
                    a_block: left * range.len(),
                    b: tx.at(point * x_plane),
                    b_panel: V::COLS * range.len(),
                    c: u.at(point * u_plane),
                    c_stride: cols,
                    accumulate: start > 0,
                    rows_outside: true,
                };
                V::enter(Sum::<V> { product, vector: PhantomData });
            }
        });
    }
    // SAFETY: every filter is written.
    unsafe {
        filled(s.k * s.c * 9, |dw| {
            let dw = SharedMut::uninit(dw);
            if !few {
                return crate::threads::for_each(s.k, |k| {
                    V::enter(Filters::<V> {
                        u,
                        u_plane,
                        stride: cols,
                        base: 0,
                        rows: k..k + 1,
                        channels: 0..s.c,
                        s,
                        gain,
                        dw,
                    });
                });
            }
            // All tiles are there: sums of a block of filters at a time, transformed while in cache.
            let (downs, acrosses) = (s.k.div_ceil(left), s.c.div_ceil(BLOCK * V::COLS));
            crate::threads::for_each(downs * acrosses, |task| {
                let (down, across) = (task / acrosses * left, task % acrosses * BLOCK * V::COLS);
                let rows = down..(down + left).min(s.k);
                let channels = across..(across + BLOCK * V::COLS).min(s.c);
                V::enter(Block::<V> { s, count: tiles.count, ty, y_plane, tx, x_plane, rows, channels, gain, dw });
            });
        })
    }
}

/// Transforms `LANES` channels of the input (`OUT` = false) or of the output gradient to
/// `[36][channels / w][tiles][w]`, `w` being the panel width of the right or left operand.
struct Side<'a, V: Vector, const OUT: bool> {
    from: &'a [V::Elem],
    s: &'a Shape,
    tiles: Tiles,
    range: Range<usize>,
    block: usize,
    to: SharedMut<V::Elem>,
    plane: usize,
}

impl<V: Vector, const OUT: bool> Task<V> for Side<'_, V, OUT> {
    #[inline(always)]
    unsafe fn run(self) {
        let (l, s) = (V::LANES, self.s);
        let (all, h, w, pad, border) = match OUT {
            true => (s.k, s.oh, s.ow, 0, 0),
            false => (s.c, s.h, s.w, s.padding, 2),
        };
        let width = if OUT { const { row_panel::<V>() } } else { V::COLS };
        let channel = self.block * l;
        let mut strip = Scratch::<V::Elem>::take(strip_len::<V>(6, 4 * RUN + 2));
        let strip = strip.as_mut_ptr();
        // SAFETY: all indices follow from the sizes of the buffers.
        unsafe {
            let zero = V::splat(V::Elem::from_f64(0.));
            let panel = self.to.at(channel / width * width * self.range.len() + channel % width);
            for run in self.tiles.runs(self.range.clone()) {
                let corner = (run.y as isize - pad as isize, run.x as isize - pad as isize);
                let cols = 4 * run.len + border;
                let start = (run.image * all + channel) * h * w;
                let planes = Planes { start, channels: (all - channel).min(l), h, w };
                tiles::read(self.from, planes, corner, (4 + border, cols), strip, zero);
                for i in 0..run.len {
                    let to = panel.add((run.first + i) * width);
                    let (from, steps, planes) = (strip.add(4 * i * l), (cols * l, l), (6 * self.plane, self.plane));
                    if OUT {
                        transform::<V, OutputTransposed, 4, 6>(from, steps, to, planes);
                    } else {
                        transform::<V, Input, 6, 6>(from, steps, to, planes);
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
struct Block<'a, V: Vector> {
    s: &'a Shape,
    count: usize,
    ty: SharedMut<V::Elem>,
    y_plane: usize,
    tx: SharedMut<V::Elem>,
    x_plane: usize,
    /// Output and input channels.
    rows: Range<usize>,
    channels: Range<usize>,
    gain: V::Elem,
    dw: SharedMut<V::Elem>,
}

impl<V: Vector> Task<V> for Block<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let Self { s, count, rows, channels, gain, dw, .. } = self;
        let stride = channels.len().next_multiple_of(V::COLS);
        let u_plane = rows.len() * stride + 2 * V::LANES;
        let mut u = Scratch::<V::Elem>::take(POINTS * u_plane);
        let u = SharedMut::new(&mut u);
        // SAFETY: the operands are packed for `V`; filters are the task's own.
        unsafe {
            for point in 0..POINTS {
                product::<V, false>(Product {
                    rows: rows.len(),
                    cols: stride,
                    depth: count,
                    a: self.ty.at(point * self.y_plane + rows.start * count),
                    a_block: 0,
                    b: self.tx.at(point * self.x_plane + channels.start * count),
                    b_panel: V::COLS * count,
                    c: u.at(point * u_plane),
                    c_stride: stride,
                    accumulate: false,
                    rows_outside: true,
                });
            }
            Filters::<V> { u, u_plane, stride, base: rows.start, rows, channels, s, gain, dw }.run();
        }
    }
}

/// Transforms sums `[36][rows][stride]` back to filters.
struct Filters<'a, V: Vector> {
    u: SharedMut<V::Elem>,
    u_plane: usize,
    stride: usize,
    /// The output channel of the first row.
    base: usize,
    /// Output and input channels.
    rows: Range<usize>,
    channels: Range<usize>,
    s: &'a Shape,
    gain: V::Elem,
    dw: SharedMut<V::Elem>,
}

impl<V: Vector> Task<V> for Filters<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let l = V::LANES;
        let mut taps = [V::Elem::from_f64(0.); 16 * 16];
        let mut turned = [V::Elem::from_f64(0.); 16 * 16];
        for k in self.rows.clone() {
            for channel in self.channels.clone().step_by(l) {
                // SAFETY: rows of the sums are padded to whole vectors; filters are the task's own.
                unsafe {
                    let from = self.u.at((k - self.base) * self.stride + channel - self.channels.start);
                    let planes = (6 * self.u_plane, self.u_plane);
                    transform::<V, FilterTransposed, 6, 3>(from, planes, taps.as_mut_ptr(), (3 * l, l));
                    for t in (0..9).step_by(l) {
                        V::transpose(taps.as_ptr().add(t * l), l, turned.as_mut_ptr().add(t), 16);
                    }
                    for lane in 0..l.min(self.channels.end - channel) {
                        let dw = self.dw.at((k * self.s.c + channel + lane) * 9);
                        for t in 0..9 {
                            *dw.add(t) = turned[lane * 16 + t] * self.gain;
                        }
                    }
                }
            }
        }
    }
}
