//! Weight gradients: `dw[k, (c, u, v)] = Σ_pixels dy[k, pixel] x[c, pixel stride + (u, v) - padding]`.

use super::gather::{Grid, Tap};
use super::{COLUMNS, DEPTH};
use crate::conv::cpu::PARTS;
use crate::conv::cpu::call::ConvCall;
use crate::conv::shape::Shape;
use crate::cpu::{Product, Scratch, SharedMut, Task, Vector, filled, product};
use candle_core::WithDType;
use std::ops::Range;

/// Output positions that a task should at least have when the positions are divided.
const STRIPE: usize = 1024;

/// `dw` from `x` and `dy`.
pub(in crate::conv) fn weight_gradient<V: Vector>(call: &ConvCall<V::Elem>) -> Vec<V::Elem> {
    // It is symmetric: `dy` moved over `x` gives the taps in reverse. What is moved is gathered at each tap, best the fewer channels.
    let s = &call.shape;
    if s.stride == 1 && s.r == s.s && s.r > 1 && s.padding < s.r && 2 * s.k <= s.c {
        let padding = s.r - 1 - s.padding;
        let shape = Shape { c: s.k, h: s.oh, w: s.ow, k: s.c, oh: s.h, ow: s.w, padding, ..*s };
        let turned = direct::<V>(&ConvCall { a: call.b, b: call.a, shape, ..*call });
        let (taps, channels) = (s.r * s.s, s.c);
        let place = |i: usize| (i / taps % channels * s.k + i / taps / channels) * taps + taps - 1 - i % taps;
        return (0..turned.len()).map(|i| turned[place(i)]).collect();
    }
    direct::<V>(call)
}

fn direct<V: Vector>(call: &ConvCall<V::Elem>) -> Vec<V::Elem> {
    let &ConvCall { a: x, b: dy, shape: ref s, gain, .. } = call;
    let (positions, cols) = (s.n * s.oh * s.ow, s.c * s.r * s.s);
    let chunks = cols.div_ceil(COLUMNS);
    let chunk = cols.div_ceil(chunks.max(1)).next_multiple_of(V::COLS);
    let chunks = cols.div_ceil(chunk.max(1));
    // Few columns: each task takes a stripe of the positions, and their sums are added in order.
    let stripes = PARTS.div_ceil(chunks.max(1)).min(positions.div_ceil(STRIPE)).max(1);
    let stripe = positions.div_ceil(stripes).next_multiple_of(DEPTH);
    let len = s.k * cols;
    let mut parts = Scratch::<V::Elem>::take(if stripes > 1 { stripes * len } else { 0 });
    let solve = |to: SharedMut<V::Elem>| {
        crate::threads::for_each(chunks * stripes, |task| {
            let (part, first) = (task / chunks, task % chunks * chunk);
            let task = Chunk::<V> {
                x,
                dy,
                s,
                gain: V::Elem::from_f64(gain),
                cols: first..(first + chunk).min(cols),
                positions: (part * stripe).min(positions)..((part + 1) * stripe).min(positions),
                // SAFETY: parts lie end to end.
                to: unsafe { to.at(part * len) },
            };
            // SAFETY: the operation chose `V` for this machine; each task writes its own columns.
            unsafe { V::enter(task) };
        });
    };
    // SAFETY: all columns are written, directly or as sums of the parts.
    unsafe {
        filled(len, |dw| {
            if stripes == 1 {
                return solve(SharedMut::uninit(dw));
            }
            solve(SharedMut::new(&mut parts));
            for (i, sum) in dw.iter_mut().enumerate() {
                let first = parts[i];
                sum.write((1..stripes).fold(first, |sum, part| sum + parts[part * len + i]));
            }
        })
    }
}

/// Some columns (channel and tap) of the result over a range of output positions.
struct Chunk<'a, V: Vector> {
    x: &'a [V::Elem],
    dy: &'a [V::Elem],
    s: &'a Shape,
    gain: V::Elem,
    cols: Range<usize>,
    positions: Range<usize>,
    to: *mut V::Elem,
}

impl<V: Vector> Task<V> for Chunk<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let Self { x, dy, s, gain, cols, positions, to } = self;
        let (l, plane, width) = (V::LANES, s.oh * s.ow, s.c * s.r * s.s);
        let grid = Grid { rows: s.oh, cols: s.ow, channels: s.c, h: s.h, w: s.w, step: s.stride };
        let panels = cols.len().div_ceil(V::COLS);
        let a_block = V::ROWS * DEPTH;
        let mut left = Scratch::<V::Elem>::take(s.k.div_ceil(V::ROWS) * a_block);
        let mut right = Scratch::<V::Elem>::take(panels * V::COLS * DEPTH.next_multiple_of(l));
        let mut rows = Scratch::<V::Elem>::take(l * DEPTH + l);
        let (left, right, rows) = (left.as_mut_ptr(), right.as_mut_ptr(), rows.as_mut_ptr());
        let taps: Vec<Tap> = (0..s.r * s.s)
            .map(|t| {
                let (dy, dx) = ((t / s.s) as isize, (t % s.s) as isize);
                Tap { dy: dy - s.padding as isize, dx: dx - s.padding as isize, index: t }
            })
            .collect();
        // SAFETY: all indices follow from the sizes just taken; columns are this task's own.
        unsafe {
            if positions.is_empty() {
                for (k, col) in (0..s.k).flat_map(|k| cols.clone().map(move |col| (k, col))) {
                    *to.add(k * width + col) = V::Elem::from_f64(0.);
                }
            }
            let gain = V::splat(gain);
            for start in positions.clone().step_by(DEPTH) {
                let steps = DEPTH.min(positions.end - start);
                // Left: vectors along the positions of an output channel.
                for k in 0..s.k {
                    let to = left.add(k / V::ROWS * a_block + k % V::ROWS * l);
                    for slice in (0..steps).step_by(l) {
                        let (image, at) = ((start + slice) / plane, (start + slice) % plane);
                        let to = to.add(slice * V::ROWS);
                        let from = (image * s.k + k) * plane + at;
                        if at + l <= plane {
                            V::load(dy.as_ptr().add(from)).mul(gain).store(to);
                            continue;
                        }
                        let mut values = [V::Elem::from_f64(0.); 16];
                        for i in 0..l.min(steps - slice) {
                            let (image, at) = ((start + slice + i) / plane, (start + slice + i) % plane);
                            values[i] = dy[(image * s.k + k) * plane + at];
                        }
                        V::load(values.as_ptr()).mul(gain).store(to);
                    }
                }
                // Right: gather vectors along the positions, then turn blocks of them.
                let plan = grid.plan(start..start + steps, &taps);
                for col in (0..cols.len()).step_by(l) {
                    for lane in 0..l.min(cols.len() - col) {
                        let (channel, tap) =
                            ((cols.start + col + lane) / taps.len(), (cols.start + col + lane) % taps.len());
                        plan.gather::<V>(x, channel * s.h * s.w, tap, rows.add(lane * DEPTH));
                    }
                    let to = right.add(col / V::COLS * steps * V::COLS + col % V::COLS);
                    for at in (0..steps).step_by(l) {
                        if at + l <= steps {
                            V::transpose(rows.add(at), DEPTH, to.add(at * V::COLS), V::COLS);
                            continue;
                        }
                        for (i, lane) in (at..steps).flat_map(|i| (0..l).map(move |lane| (i, lane))) {
                            *to.add(i * V::COLS + lane) = *rows.add(lane * DEPTH + i);
                        }
                    }
                }
                product::<V, true>(Product {
                    rows: s.k,
                    cols: cols.len(),
                    depth: steps,
                    a: left,
                    a_block,
                    b: right,
                    b_panel: steps * V::COLS,
                    c: to.add(cols.start),
                    c_stride: width,
                    accumulate: start > positions.start,
                    rows_outside: true,
                });
            }
        }
    }
}
