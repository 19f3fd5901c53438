//! The three transforms of a convolution as stages over ranges of tiles and channels.

use super::tiles::{self, Planes, RUN, Run, Tiles, strip_len};
use super::transforms::{Filter, Input, Output, transform};
use crate::conv::shape::Shape;
use crate::cpu::{Scratch, SharedMut, Vector};
use candle_core::WithDType;
use std::ops::Range;

/// A convolution of stride 1: forward, or with turned filters the gradient of its input.
#[derive(Clone, Copy)]
pub(super) struct Problem<'a, T> {
    pub(super) x: &'a [T],
    pub(super) w: &'a [T],
    pub(super) gain: T,
    pub(super) turned: bool,
    pub(super) tiles: Tiles,
    /// Channels in and out.
    pub(super) depth: usize,
    pub(super) outs: usize,
    /// Height and width in and out, and the padding of the input.
    size: [usize; 2],
    out_size: [usize; 2],
    padding: usize,
    /// Distances between the filters of neighbouring output and input channels.
    out_step: usize,
    in_step: usize,
}

impl<'a, T: WithDType> Problem<'a, T> {
    pub(super) fn new(x: &'a [T], w: &'a [T], s: &Shape, turned: bool, gain: f64) -> Self {
        let gain = T::from_f64(gain);
        match turned {
            false => Self {
                x,
                w,
                gain,
                turned,
                tiles: Tiles::new(s.n, s.oh, s.ow),
                depth: s.c,
                outs: s.k,
                size: [s.h, s.w],
                out_size: [s.oh, s.ow],
                padding: s.padding,
                out_step: s.c * 9,
                in_step: 9,
            },
            true => Self {
                x,
                w,
                gain,
                turned,
                tiles: Tiles::new(s.n, s.h, s.w),
                depth: s.k,
                outs: s.c,
                size: [s.oh, s.ow],
                out_size: [s.h, s.w],
                padding: 2 - s.padding,
                out_step: 9,
                in_step: s.c * 9,
            },
        }
    }

    /// Elements of the result.
    pub(super) fn result_len(&self, n: usize) -> usize {
        n * self.outs * self.out_size[0] * self.out_size[1]
    }

    /// Transforms the filters of the panel of outputs from `out` on and of some input channels to
    /// `to` `[36][depth][COLS]`, the 36 at a distance of `plane`.
    ///
    /// # Safety
    /// Inside `V::enter`; there is room at `to`.
    #[inline(always)]
    pub(super) unsafe fn filters<V: Vector<Elem = T>>(
        &self,
        out: usize,
        depth: Range<usize>,
        to: *mut T,
        plane: usize,
    ) {
        let l = V::LANES;
        let mut raw = [T::from_f64(0.); 16 * 16];
        let mut taps = [T::from_f64(0.); 9 * 16];
        for sub in 0..V::WIDTH {
            let first = out + sub * l;
            let lanes = self.outs.saturating_sub(first).min(l);
            for d in depth.clone() {
                let at = first * self.out_step + d * self.in_step;
                // SAFETY: whole blocks inside the weights, or tap by tap; the caller's room.
                unsafe {
                    for t in (0..9).step_by(l) {
                        if lanes == l && at + (l - 1) * self.out_step + t + l <= self.w.len() {
                            let to = raw.as_mut_ptr().add(t * l);
                            V::transpose(self.w.as_ptr().add(at + t), self.out_step, to, l);
                            continue;
                        }
                        for t in t..(t + l).min(9) {
                            for lane in 0..lanes {
                                raw[t * l + lane] = self.w[at + lane * self.out_step + t];
                            }
                        }
                    }
                    let gain = V::splat(self.gain);
                    for t in 0..9 {
                        let tap = if self.turned { 8 - t } else { t };
                        V::load(raw.as_ptr().add(tap * l)).mul(gain).store(taps.as_mut_ptr().add(t * l));
                    }
                    let to = to.add((d - depth.start) * V::COLS + sub * l);
                    transform::<V, Filter, 3, 6>(taps.as_ptr(), (3 * l, l), to, (6 * plane, plane));
                }
            }
        }
    }

    /// Transforms the input of a range of tiles and of blocks of `LANES` channels to `to`
    /// `[36][tiles / ROWS][depth / LANES][ROWS][LANES]`, the 36 at a distance of `plane`.
    ///
    /// # Safety
    /// Inside `V::enter`; there is room at `to`.
    #[inline(always)]
    pub(super) unsafe fn inputs<V: Vector<Elem = T>>(
        &self,
        range: Range<usize>,
        blocks: Range<usize>,
        to: SharedMut<T>,
        plane: usize,
    ) {
        let (l, [h, w], all) = (V::LANES, self.size, self.depth.div_ceil(V::LANES));
        let mut strip = Scratch::<T>::take(strip_len::<V>(6, 4 * RUN + 2));
        let strip = strip.as_mut_ptr();
        for run in self.tiles.runs(range) {
            let corner = (run.y as isize - self.padding as isize, run.x as isize - self.padding as isize);
            let cols = 4 * run.len + 2;
            for block in blocks.clone() {
                let channels = (self.depth - block * l).min(l);
                let start = (run.image * self.depth + block * l) * h * w;
                // SAFETY: the strip is large enough; tiles and channels of the caller.
                unsafe {
                    let zero = V::splat(T::from_f64(0.));
                    tiles::read(self.x, Planes { start, channels, h, w }, corner, (6, cols), strip, zero);
                    for i in 0..run.len {
                        let tile = run.first + i;
                        let to = to.at((tile / V::ROWS * all + block) * V::ROWS * l + tile % V::ROWS * l);
                        transform::<V, Input, 6, 6>(strip.add(4 * i * l), (cols * l, l), to, (6 * plane, plane));
                    }
                }
            }
        }
    }

    /// Transforms the products `from` `[36][tiles][stride]` of a range of tiles and of output
    /// channels to the result, the 36 at a distance of `plane`.
    ///
    /// # Safety
    /// Inside `V::enter`; nobody else writes these tiles and channels of the result `y`.
    #[inline(always)]
    pub(super) unsafe fn outputs<V: Vector<Elem = T>>(
        &self,
        range: Range<usize>,
        outs: Range<usize>,
        (from, stride, plane): (*const T, usize, usize),
        y: SharedMut<T>,
    ) {
        let (l, [h, w]) = (V::LANES, self.out_size);
        let mut strip = Scratch::<T>::take(4 * 4 * RUN * l);
        let mut spare = [T::from_f64(0.); 16 * 16];
        let strip = strip.as_mut_ptr();
        for run in self.tiles.runs(range) {
            let Run { image, len, first, .. } = run;
            for out in outs.clone().step_by(l) {
                // SAFETY: the strip is large enough; tiles and channels of the caller.
                unsafe {
                    for i in 0..len {
                        let from = from.add((first + i) * stride + out - outs.start);
                        let to = strip.add(4 * i * l);
                        transform::<V, Output, 6, 4>(from, (6 * plane, plane), to, (4 * len * l, l));
                    }
                    let planes =
                        Planes { start: (image * self.outs + out) * h * w, channels: (outs.end - out).min(l), h, w };
                    tiles::write::<V>(strip, run, planes, y.at(0), spare.as_mut_ptr());
                }
            }
        }
    }
}
