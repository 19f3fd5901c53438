//! The convolution, and with turned filters the gradient of its input.

use super::POINTS;
use super::tiles::{self, Planes, RUN, Tiles, strip_len};
use super::transforms::{Filter, Input, Output, transform};
use crate::conv::shape::Shape;
use crate::cpu::{Product, Scratch, SharedMut, Task, Vector, filled, product};
use candle_core::WithDType;
use std::marker::PhantomData;
use std::ops::Range;

/// Bytes of transformed input and output that a task works on at a time: what the second- and
/// third-level caches like.
const CHUNK_BYTES: usize = 4 << 20;

/// A stride-1 problem: `depth` channels in, `outs` channels out.
#[derive(Clone, Copy)]
struct Problem {
    tiles: Tiles,
    depth: usize,
    outs: usize,
    /// Input and output sizes, and the input's padding.
    size: [usize; 2],
    out_size: [usize; 2],
    padding: usize,
}

/// Computes `y` from `x` (`turned` = false), or with turned filters the input gradient from `y`.
pub(in crate::conv) fn forward<V: Vector>(
    x: &[V::Elem],
    w: &[V::Elem],
    s: &Shape,
    turned: bool,
    gain: f64,
) -> Vec<V::Elem> {
    let p = match turned {
        false => Problem {
            tiles: Tiles::new(s.n, s.oh, s.ow),
            depth: s.c,
            outs: s.k,
            size: [s.h, s.w],
            out_size: [s.oh, s.ow],
            padding: s.padding,
        },
        true => Problem {
            tiles: Tiles::new(s.n, s.h, s.w),
            depth: s.k,
            outs: s.c,
            size: [s.oh, s.ow],
            out_size: [s.h, s.w],
            padding: 2 - s.padding,
        },
    };
    let panels = p.outs.div_ceil(V::COLS);
    // A few cache lines more than needed keep the 36 planes off each other's cache sets.
    let u_plane = panels * p.depth * V::COLS + V::COLS;
    let mut u = Scratch::<V::Elem>::take(POINTS * u_plane);
    let to = SharedMut::new(&mut u);
    crate::threads::for_each(panels, |panel| {
        let task = Filters::<V> { w, s, turned, gain: V::Elem::from_f64(gain), panel, p, u_plane, u: to };
        // SAFETY: the operation chose `V` for this machine; each task writes its panel.
        unsafe { V::enter(task) }
    });
    let per_tile = POINTS * (p.depth.next_multiple_of(V::LANES) + panels * V::COLS) * size_of::<V::Elem>();
    let chunk = (CHUNK_BYTES / per_tile).clamp(48, 192).next_multiple_of(V::ROWS);
    let chunks = p.tiles.count.div_ceil(chunk);
    // Even chunks, so that no thread is left with a short one.
    let chunk = p.tiles.count.div_ceil(chunks.max(1)).next_multiple_of(V::ROWS);
    let u = &u[..];
    // SAFETY: the tiles cover the whole output.
    unsafe {
        filled(s.n * p.outs * p.out_size[0] * p.out_size[1], |y| {
            let y = SharedMut::uninit(y);
            crate::threads::for_each(p.tiles.count.div_ceil(chunk), |i| {
                let range = i * chunk..((i + 1) * chunk).min(p.tiles.count);
                V::enter(Chunk::<V> { x, u, u_plane, p, range, y, vector: PhantomData });
            });
        })
    }
}

/// Transforms the filters of one panel of outputs to `u` `[36][panel][depth][COLS]`.
struct Filters<'a, V: Vector> {
    w: &'a [V::Elem],
    s: &'a Shape,
    turned: bool,
    gain: V::Elem,
    panel: usize,
    p: Problem,
    u_plane: usize,
    u: SharedMut<V::Elem>,
}

impl<V: Vector> Task<V> for Filters<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let (l, zero) = (V::LANES, V::Elem::from_f64(0.));
        // Offsets of a filter of an output and of an input channel, and of its taps.
        let (out_step, in_step) = if self.turned { (9, self.s.c * 9) } else { (self.s.c * 9, 9) };
        let mut taps = [zero; 9 * 16];
        for sub in 0..V::WIDTH {
            let out = self.panel * V::COLS + sub * l;
            let lanes = self.p.outs.saturating_sub(out).min(l);
            for d in 0..self.p.depth {
                for lane in 0..lanes {
                    let g = &self.w[(out + lane) * out_step + d * in_step..][..9];
                    for t in 0..9 {
                        taps[t * l + lane] = g[if self.turned { 8 - t } else { t }] * self.gain;
                    }
                }
                let at = (self.panel * self.p.depth + d) * V::COLS + sub * l;
                // SAFETY: 9 vectors of taps; the panel's own place in each of the 36 planes.
                unsafe {
                    transform::<V, Filter, 3, 6>(
                        taps.as_ptr(),
                        (3 * l, l),
                        self.u.at(at),
                        (6 * self.u_plane, self.u_plane),
                    );
                }
            }
        }
    }
}

/// A range of tiles from input to output.
struct Chunk<'a, V: Vector> {
    x: &'a [V::Elem],
    u: &'a [V::Elem],
    u_plane: usize,
    p: Problem,
    range: Range<usize>,
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
        let mut strip = Scratch::<V::Elem>::take(strip_len::<V>(6, 4 * RUN + 2) + l * l);
        let (strip, v, m) = (strip.as_mut_ptr(), v.as_mut_ptr(), m.as_mut_ptr());
        // SAFETY: all indices follow from the sizes just taken; outputs are this range's own.
        unsafe {
            let zero = V::splat(V::Elem::from_f64(0.));
            let [h, w] = p.size;
            for run in p.tiles.runs(self.range.clone()) {
                let corner = (run.y as isize - p.padding as isize, run.x as isize - p.padding as isize);
                let cols = 4 * run.len + 2;
                for block in 0..blocks {
                    let channels = (p.depth - block * l).min(l);
                    let start = (run.image * p.depth + block * l) * h * w;
                    tiles::read(self.x, Planes { start, channels, h, w }, corner, (6, cols), strip, zero);
                    for i in 0..run.len {
                        let tile = run.first + i;
                        let to = v.add((tile / V::ROWS * blocks + block) * V::ROWS * l + tile % V::ROWS * l);
                        transform::<V, Input, 6, 6>(strip.add(4 * i * l), (cols * l, l), to, (6 * v_plane, v_plane));
                    }
                }
            }
            for point in 0..POINTS {
                product::<V, true>(Product {
                    rows: count,
                    cols: m_stride,
                    depth: p.depth,
                    a: v.add(point * v_plane),
                    a_block: V::ROWS * blocks * l,
                    b: self.u.as_ptr().add(point * self.u_plane),
                    b_panel: p.depth * V::COLS,
                    c: m.add(point * m_plane),
                    c_stride: m_stride,
                    accumulate: false,
                    rows_outside: false,
                });
            }
            let [h, w] = p.out_size;
            let spare = strip.add(strip_len::<V>(6, 4 * RUN + 2));
            for run in p.tiles.runs(self.range.clone()) {
                for out in (0..p.outs).step_by(l) {
                    for i in 0..run.len {
                        let from = m.add((run.first + i) * m_stride + out);
                        let (to, row) = (strip.add(4 * i * l), 4 * run.len * l);
                        transform::<V, Output, 6, 4>(from, (6 * m_plane, m_plane), to, (row, l));
                    }
                    let planes =
                        Planes { start: (run.image * p.outs + out) * h * w, channels: (p.outs - out).min(l), h, w };
                    tiles::write::<V>(strip, run, planes, self.y.at(0), spare);
                }
            }
        }
    }
}
