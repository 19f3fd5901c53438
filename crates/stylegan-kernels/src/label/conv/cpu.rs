//! Convolution of label maps on the CPU: columns of the weight, row of pixels by row of pixels.

use super::super::labels::EDGE;
use super::{LabelConv, WindowShape};
use crate::cpu::SharedMut;
use crate::elementwise::{Real, vectorize, written};
use crate::threads::{for_each, for_each_chunk};
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

/// Pixels whose results are collected before they are written: a tile of 128 channels stays in the
/// first cache.
const TILE: usize = 32;
/// Outputs per task of the weight gradient.
const OUTPUTS: usize = 16;

/// A window of several classes, of an edge, or that reaches over the map.
const MIXED: u32 = u32::MAX;

/// Sums of gradients of [`OUTPUTS`] outputs: under each tap of each channel where windows are mixed, and of each class under
/// all taps where windows are of it alone.
struct Sums {
    by_tap: Vec<f64>,
    by_class: Vec<f64>,
}

vectorize! {
    /// Adds the gradients of a row of pixels, `g` being those of the first output from there on.
    fn add_line<T>(op: &LabelConv, line: usize, windows: &[u32], g: &[T], outputs: usize, sums: &mut Sums) {
        let (WindowShape { s, oh, ow, .. }, taps, classes) = (op.shape, op.shape.taps(), op.labels.classes());
        let size @ [h, w] = op.labels.size();
        let map = &op.labels.cells()[line / oh * h * w..][..h * w];
        let mut pixels = [[0f64; OUTPUTS]; TILE];
        for (start, windows) in (0..ow).step_by(TILE).zip(windows.chunks(TILE)) {
            for o in 0..outputs {
                for (pixel, g) in pixels.iter_mut().zip(&g[o * oh * ow + start..][..windows.len()]) {
                    pixel[o] = g.to_f64();
                }
            }
            for (i, (pixel, &window)) in pixels.iter().zip(windows).enumerate() {
                if window != MIXED {
                    add_to(&mut sums.by_class, window as usize, pixel);
                    continue;
                }
                for tap in 0..taps {
                    let Some(cell) = op.shape.cell(map, size, [line % oh, start + i], tap / s, tap % s) else { continue };
                    add_to(&mut sums.by_tap, (cell & !EDGE) as usize * taps + tap, pixel);
                    if cell & EDGE != 0 {
                        add_to(&mut sums.by_tap, classes * taps + tap, pixel);
                    }
                }
            }
        }
    }

    fn add<T>(column: &[T], sum: &mut [T]) {
        for (sum, &x) in sum.iter_mut().zip(column) {
            *sum += x;
        }
    }

    /// Every `k`-th number of `tile`, one for each pixel of `row`.
    fn gather<T>(tile: &[T], k: usize, row: &mut [MaybeUninit<T>]) {
        for (out, &x) in row.iter_mut().zip(tile.iter().step_by(k)) {
            out.write(x);
        }
    }
}

#[inline(always)]
fn add_to(sums: &mut [f64], place: usize, pixel: &[f64; OUTPUTS]) {
    for (sum, g) in sums[place * OUTPUTS..][..OUTPUTS].iter_mut().zip(pixel) {
        *sum += g;
    }
}

impl WindowShape {
    /// The cell under tap `(i, j)` of the window at `(y, x)`; none where it lies outside of the map.
    #[inline(always)]
    fn cell(&self, map: &[u32], [h, w]: [usize; 2], [y, x]: [usize; 2], i: usize, j: usize) -> Option<u32> {
        // What lies above or left of the map wraps around to a number beyond it.
        let row = (y * self.stride + i).wrapping_sub(self.padding);
        let column = (x * self.stride + j).wrapping_sub(self.padding);
        (row < h && column < w).then(|| map[row * w + column])
    }

    /// The class that fills the window of a pixel of the result, without an edge; else [`MIXED`].
    #[inline(always)]
    fn window(&self, map: &[u32], size: [usize; 2], at: [usize; 2]) -> u32 {
        let first = self.cell(map, size, at, 0, 0).filter(|cell| cell & EDGE == 0);
        let fills =
            |class: &u32| (0..self.r).all(|i| (0..self.s).all(|j| self.cell(map, size, at, i, j) == Some(*class)));
        first.filter(fills).unwrap_or(MIXED)
    }

    fn taps(&self) -> usize {
        self.r * self.s
    }
}

impl LabelConv {
    /// `weight` `[k, channels, r, s]` to `[n, k, oh, ow]`.
    pub(super) fn cpu<T: Real>(&self, weight: &[T]) -> CpuStorage {
        let shape @ WindowShape { k, s, oh, ow, .. } = self.shape;
        let (taps, channels, classes) = (shape.taps(), self.labels.channels(), self.labels.classes());
        // Columns [channels, taps, k], and their sums over the taps [channels, k].
        let mut columns = vec![T::zero(); channels * taps * k];
        let mut sums = vec![T::zero(); channels * k];
        for o in 0..k {
            for at in 0..channels * taps {
                columns[at * k + o] = weight[o * channels * taps + at];
            }
        }
        for (sum, columns) in sums.chunks_exact_mut(k.max(1)).zip(columns.chunks_exact((taps * k).max(1))) {
            columns.chunks_exact(k.max(1)).for_each(|column| add(column, sum));
        }
        let size @ [h, w] = self.labels.size();
        let (cells, plane) = (self.labels.cells(), oh * ow);
        let column = |channel: usize, tap: usize| &columns[(channel * taps + tap) * k..][..k];
        let n = self.labels.batch();
        let write = |out: &mut [MaybeUninit<T>]| {
            if out.is_empty() {
                return;
            }
            let out = SharedMut::new(out);
            for_each(n * oh, |row| {
                let (sample, y) = (row / oh, row % oh);
                let map = &cells[sample * h * w..][..h * w];
                let mut tile = vec![T::zero(); TILE * k];
                for start in (0..ow).step_by(TILE) {
                    let width = TILE.min(ow - start);
                    for (pixel, sum) in tile.chunks_exact_mut(k).take(width).enumerate() {
                        let at = [y, start + pixel];
                        let class = shape.window(map, size, at);
                        if class != MIXED {
                            sum.copy_from_slice(&sums[class as usize * k..][..k]);
                            continue;
                        }
                        sum.fill(T::zero());
                        for tap in 0..taps {
                            let Some(cell) = shape.cell(map, size, at, tap / s, tap % s) else { continue };
                            add(column((cell & !EDGE) as usize, tap), sum);
                            if cell & EDGE != 0 {
                                add(column(classes, tap), sum);
                            }
                        }
                    }
                    for o in 0..k {
                        let first = (sample * k + o) * plane + y * ow + start;
                        // SAFETY: a piece of row `y` of one plane of the result; a row belongs to one task.
                        let piece = unsafe { std::slice::from_raw_parts_mut(out.at(first), width) };
                        gather(&tile[o..], k, piece);
                    }
                }
            });
        };
        // SAFETY: every row of every plane is written by one task.
        unsafe { written(n * k * plane, write) }
    }

    /// The gradient `g` `[n, k, oh, ow]` of the result to that of the weight `[k, channels, r, s]`. Sums run
    /// over pixels in order, in f64.
    pub(super) fn cpu_adjoint<T: Real>(&self, g: &[T]) -> CpuStorage {
        let WindowShape { k, oh, ow, .. } = self.shape;
        let (taps, channels) = (self.shape.taps(), self.labels.channels());
        let (plane, row, windows) = (oh * ow, channels * taps, self.windows());
        let write = |out: &mut [MaybeUninit<T>]| {
            for_each_chunk(out, OUTPUTS * row, |task, out| {
                let outputs = out.len() / row.max(1);
                let mut sums = Sums { by_tap: vec![0f64; row * OUTPUTS], by_class: vec![0f64; channels * OUTPUTS] };
                for line in 0..self.labels.batch() * oh {
                    let first = (line / oh * k + task * OUTPUTS) * plane + line % oh * ow;
                    add_line(self, line, &windows[line * ow..][..ow], &g[first..], outputs, &mut sums);
                }
                for (o, out) in out.chunks_exact_mut(row.max(1)).enumerate() {
                    for (at, out) in out.iter_mut().enumerate() {
                        let sum = sums.by_tap[at * OUTPUTS + o] + sums.by_class[at / taps * OUTPUTS + o];
                        out.write(T::from_f64(sum));
                    }
                }
            })
        };
        // SAFETY: every row of the weight is written by one task.
        unsafe { written(k * row, write) }
    }

    /// What fills the window of each pixel of the result.
    fn windows(&self) -> Vec<u32> {
        let WindowShape { oh, ow, .. } = self.shape;
        let size @ [h, w] = self.labels.size();
        let mut windows = vec![MIXED; self.labels.batch() * oh * ow];
        for_each_chunk(&mut windows, ow, |line, windows| {
            let map = &self.labels.cells()[line / oh * h * w..][..h * w];
            for (x, window) in windows.iter_mut().enumerate() {
                *window = self.shape.window(map, size, [line % oh, x]);
            }
        });
        windows
    }
}
