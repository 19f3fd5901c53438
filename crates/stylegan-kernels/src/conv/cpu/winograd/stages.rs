//! The three transforms of a convolution as stages over ranges of tiles and channels.

use super::epilogue::{self, lanes};
use super::taps::{RAW, read_taps};
use super::tiles::{self, Planes, Run, strip_len};
use super::tiling::Tiling;
use super::transforms::{Scheme, Steps};
use crate::conv::cpu::call::ConvCall;
use crate::conv::shape::Kind;
use crate::cpu::{Scratch, SharedMut, Vector};
use candle_core::WithDType;
use std::ops::Range;

/// A convolution: forward, or with turned filters the gradient of its input. With stride 2 the
/// larger image counts as four, one per phase (rows and columns by parity).
#[derive(Clone, Copy)]
pub(super) struct Problem<'a, T> {
    call: &'a ConvCall<'a, T>,
    gain: T,
    turned: bool,
    pub(super) tiling: Tiling,
    /// Channels in and out.
    pub(super) ins: usize,
    pub(super) outs: usize,
    /// Pixels per step of a tile, in and out: 2 on the side of the larger image.
    from: usize,
    to: usize,
    /// Height and width in and out.
    size: [usize; 2],
    out_size: [usize; 2],
    /// Distances between the filters of neighbouring output and input channels.
    out_step: usize,
    in_step: usize,
    /// Taps of the kernel along an axis.
    taps: usize,
}

impl<'a, T: WithDType> Problem<'a, T> {
    pub(super) fn new<S: Scheme>(call: &'a ConvCall<'a, T>) -> Self {
        let (s, turned) = (&call.shape, call.kind == Kind::Input);
        let [out_step, in_step] = call.weight_steps();
        let forward = Self {
            call,
            gain: T::from_f64(call.gain),
            turned,
            tiling: Tiling::new::<S>(s, turned),
            ins: s.c,
            outs: s.k,
            from: S::STEP,
            to: 1,
            size: [s.h, s.w],
            out_size: [s.oh, s.ow],
            out_step,
            in_step,
            taps: s.r,
        };
        if !turned {
            return forward;
        }
        Self { ins: s.k, outs: s.c, from: 1, to: S::STEP, size: [s.oh, s.ow], out_size: [s.h, s.w], ..forward }
    }

    /// Elements of the result.
    pub(super) fn result_len(&self) -> usize {
        self.call.shape.n * self.outs * self.out_size[0] * self.out_size[1]
    }

    /// The number of phases, in and out.
    pub(super) fn phases(&self) -> [usize; 2] {
        [self.from * self.from, self.to * self.to]
    }

    /// Row and column of a phase on a side of this step. Those with fewer taps along the rows come
    /// last.
    fn phase(&self, phase: usize, step: usize) -> [usize; 2] {
        [phase / step, phase % step].map(|place| (place ^ self.tiling.lead) % step)
    }

    /// Those of `phases` that take part in a point.
    pub(super) fn taking_part<S: Scheme>(&self, point: usize, phases: usize) -> impl Iterator<Item = Range<usize>> {
        tiles::taking_part::<S>(point, phases, self.taps)
    }

    /// Taps of the filters of a pair of channels.
    pub(super) fn filter_len(&self) -> usize {
        self.taps * self.taps
    }

    /// Reads the filters of `V::COLS` outputs from `out` on and of some input channels, times the gain, to `to`
    /// `[depth][WIDTH][filter_len][LANES]`.
    ///
    /// # Safety
    /// Inside `V::enter`; there is room at `to`.
    #[inline(always)]
    pub(super) unsafe fn taps<V: Vector<Elem = T>>(&self, out: usize, depth: Range<usize>, to: *mut T) {
        let (l, all) = (V::LANES, self.filter_len());
        let mut raw = [T::from_f64(0.); RAW];
        for sub in 0..V::WIDTH {
            let first = out + sub * l;
            let lanes = self.outs.saturating_sub(first).min(l);
            for (i, d) in depth.clone().enumerate() {
                let at = first * self.out_step + d * self.in_step;
                // SAFETY: the caller's room.
                unsafe {
                    read_taps::<V>(self.call.b, at, self.out_step, all, lanes, &mut raw);
                    let (gain, to) = (V::splat(self.gain), to.add((i * V::WIDTH + sub) * all * l));
                    for t in 0..all {
                        V::load(raw.as_ptr().add(t * l)).mul(gain).store(to.add(t * l));
                    }
                }
            }
        }
    }

    /// Transforms filters of `depth` input channels, as [`taps`](Self::taps) reads them, to those of a phase: `to`
    /// `[points][depth][COLS]`, the points at a distance of `plane`.
    ///
    /// # Safety
    /// Inside `V::enter`; the taps have been read, and there is room at `to`.
    #[inline(always)]
    pub(super) unsafe fn filters<V: Vector<Elem = T>, S: Scheme>(
        &self,
        taps: *const T,
        phase: usize,
        depth: usize,
        to: *mut T,
        plane: usize,
    ) {
        let (l, all) = (V::LANES, self.filter_len());
        let mut own = [T::from_f64(0.); RAW];
        let [row, col] = self.phase(phase, S::STEP);
        for i in 0..depth * V::WIDTH {
            // SAFETY: the caller's taps and room.
            unsafe {
                let from = taps.add(i * all * l);
                for t in 0..S::TAPS * S::TAPS {
                    let tap = if self.turned { S::TAPS * S::TAPS - 1 - t } else { t };
                    let (r, c) = (tap / S::TAPS * S::STEP + row, tap % S::TAPS * S::STEP + col);
                    let inside = |i: usize| (self.tiling.lead..self.tiling.lead + self.taps).contains(&i);
                    // Others are zero from the start.
                    if inside(r) && inside(c) {
                        let tap = (r - self.tiling.lead) * self.taps + c - self.tiling.lead;
                        V::load(from.add(tap * l)).store(own.as_mut_ptr().add(t * l));
                    }
                }
                S::filter::<V>(own.as_ptr(), Steps { row: S::TAPS * l, col: l }, to.add(i * l), points::<S>(plane));
            }
        }
    }

    /// Transforms the input of a range of tiles and of blocks of `LANES` channels to `to`
    /// `[points][tiles / ROWS][phases][ins / LANES][ROWS][LANES]`, the points at a distance of
    /// `plane`.
    ///
    /// # Safety
    /// Inside `V::enter`; there is room at `to`.
    #[inline(always)]
    pub(super) unsafe fn inputs<V: Vector<Elem = T>, S: Scheme>(
        &self,
        range: Range<usize>,
        blocks: Range<usize>,
        to: SharedMut<T>,
        plane: usize,
    ) {
        let (l, [h, w], all, step) = (V::LANES, self.size, self.ins.div_ceil(V::LANES), self.from);
        let phases = step * step;
        let most = tiles::most(step);
        let mut strip = Scratch::<T>::take(strip_len::<V>(step * S::SIDE, step * (S::OUT * most + S::TAPS - 1)));
        let strip = strip.as_mut_ptr();
        for run in self.tiling.tiles.runs(range, most) {
            let corner =
                [(step * run.y) as isize - self.tiling.padding[0], (step * run.x) as isize - self.tiling.padding[1]];
            let (rows, cols) = (step * S::SIDE, step * (S::OUT * run.len + S::TAPS - 1));
            for block in blocks.clone() {
                let channels = (self.ins - block * l).min(l);
                let start = (run.image * self.ins + block * l) * h * w;
                // SAFETY: the strip is large enough; tiles and channels of the caller.
                unsafe {
                    let zero = V::splat(T::from_f64(0.));
                    tiles::read(self.call.a, Planes { start, channels, h, w }, corner, (rows, cols), strip, zero);
                    if !self.call.scale.is_empty() {
                        let scale = lanes::<V>(&self.call.scale[run.image * self.ins + block * l..][..channels]);
                        for i in 0..rows * cols {
                            let at = strip.add(i * l);
                            V::load(at).mul(scale).store(at);
                        }
                    }
                    for phase in 0..phases {
                        let [row, col] = self.phase(phase, step);
                        let from = strip.add((row * cols + col) * l);
                        let steps = Steps { row: step * cols * l, col: step * l };
                        for i in 0..run.len {
                            let tile = run.first + i;
                            let block = tile / V::ROWS * phases * all + phase * all + block;
                            let to = to.at((block * V::ROWS + tile % V::ROWS) * l);
                            S::input::<V>(from.add(step * S::OUT * i * l), steps, to, points::<S>(plane));
                        }
                    }
                }
            }
        }
    }

    /// Transforms the products `from` `[points][tiles][stride]` of a range of tiles and of output
    /// channels to the result, the points at a distance of `plane`, the phases of `phase_step`.
    ///
    /// # Safety
    /// Inside `V::enter`; nobody else writes these tiles and channels of the result `y`.
    #[inline(always)]
    pub(super) unsafe fn outputs<V: Vector<Elem = T>, S: Scheme>(
        &self,
        range: Range<usize>,
        outs: Range<usize>,
        from: Products<T>,
        y: SharedMut<T>,
    ) {
        let (l, [h, w], step) = (V::LANES, self.out_size, self.to);
        let most = tiles::most(step);
        let mut strip = Scratch::<T>::take(strip_len::<V>(S::OUT * step, S::OUT * step * most));
        let mut spare = [T::from_f64(0.); 16 * 16];
        let strip = strip.as_mut_ptr();
        for run in self.tiling.tiles.runs(range, most) {
            let Run { image, len, first, .. } = run;
            let over = self.tiling.out_padding;
            let corner = [(step * run.y) as isize - over[0], (step * run.x) as isize - over[1]];
            let (rows, cols) = (S::OUT * step, S::OUT * step * len);
            for out in outs.clone().step_by(l) {
                // SAFETY: the strip is large enough; tiles and channels of the caller.
                unsafe {
                    for phase in 0..step * step {
                        let [row, col] = self.phase(phase, step);
                        let last = tiles::last::<S>(phase, self.taps);
                        for i in 0..len {
                            let place = (first + i) * from.stride + phase * from.phase_step + out - outs.start;
                            let to = strip.add((row * cols + step * S::OUT * i + col) * l);
                            let steps = Steps { row: step * cols * l, col: step * l };
                            S::output::<V>(from.start.add(place), points::<S>(from.plane), to, steps, last);
                        }
                    }
                    let start = (image * self.outs + out) * h * w;
                    let planes = Planes { start, channels: (outs.end - out).min(l), h, w };
                    if let Some(epilogue) = self.call.epilogue {
                        epilogue::apply::<V>(epilogue, strip, (rows, cols), corner, planes, image * self.outs + out);
                    }
                    tiles::write::<V>(strip, (rows, cols), corner, planes, y.at(0), spare.as_mut_ptr());
                }
            }
        }
    }
}

/// Products `[points][tiles][stride]`.
#[derive(Clone, Copy)]
pub(super) struct Products<T> {
    pub(super) start: *const T,
    pub(super) stride: usize,
    /// Distances between points, and between the phases of a tile's outputs.
    pub(super) plane: usize,
    pub(super) phase_step: usize,
}

/// How points `plane` apart lie.
#[inline(always)]
pub(super) fn points<S: Scheme>(plane: usize) -> Steps {
    Steps { row: S::SIDE * plane, col: plane }
}
