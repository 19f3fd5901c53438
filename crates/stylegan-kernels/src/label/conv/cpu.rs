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

vectorize! {
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

/// What lies under the window of a pixel of the result.
enum Window {
    /// One class, and no edge.
    Uniform(usize),
    Mixed,
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

    #[inline(always)]
    fn window(&self, map: &[u32], size: [usize; 2], at: [usize; 2]) -> Window {
        let first = match self.cell(map, size, at, 0, 0) {
            Some(cell) if cell & EDGE == 0 => cell,
            _ => return Window::Mixed,
        };
        for i in 0..self.r {
            for j in 0..self.s {
                if self.cell(map, size, at, i, j) != Some(first) {
                    return Window::Mixed;
                }
            }
        }
        Window::Uniform(first as usize)
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
                        if let Window::Uniform(class) = shape.window(map, size, at) {
                            sum.copy_from_slice(&sums[class * k..][..k]);
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
        let shape @ WindowShape { k, s, oh, ow, .. } = self.shape;
        let (taps, channels, classes) = (shape.taps(), self.labels.channels(), self.labels.classes());
        let size @ [h, w] = self.labels.size();
        let (cells, plane) = (self.labels.cells(), oh * ow);
        let row = channels * taps;
        let write = |out: &mut [MaybeUninit<T>]| {
            for_each_chunk(out, OUTPUTS * row, |task, out| {
                let outputs = out.len() / row.max(1);
                let (mut columns, mut sums) = (vec![0f64; row * OUTPUTS], vec![0f64; channels * OUTPUTS]);
                let mut pixel = [0f64; OUTPUTS];
                let add = |sum: &mut [f64], pixel: &[f64; OUTPUTS]| {
                    sum.iter_mut().zip(pixel).for_each(|(sum, g)| *sum += g);
                };
                for sample in 0..self.labels.batch() {
                    let map = &cells[sample * h * w..][..h * w];
                    let g = &g[(sample * k + task * OUTPUTS) * plane..];
                    for at in 0..plane {
                        for (o, pixel) in pixel.iter_mut().enumerate().take(outputs) {
                            *pixel = g[o * plane + at].to_f64();
                        }
                        let at = [at / ow, at % ow];
                        if let Window::Uniform(class) = shape.window(map, size, at) {
                            add(&mut sums[class * OUTPUTS..][..OUTPUTS], &pixel);
                            continue;
                        }
                        for tap in 0..taps {
                            let Some(cell) = shape.cell(map, size, at, tap / s, tap % s) else { continue };
                            let of = |channel: usize| (channel * taps + tap) * OUTPUTS;
                            add(&mut columns[of((cell & !EDGE) as usize)..][..OUTPUTS], &pixel);
                            if cell & EDGE != 0 {
                                add(&mut columns[of(classes)..][..OUTPUTS], &pixel);
                            }
                        }
                    }
                }
                for (o, out) in out.chunks_exact_mut(row.max(1)).enumerate() {
                    for (at, out) in out.iter_mut().enumerate() {
                        out.write(T::from_f64(columns[at * OUTPUTS + o] + sums[at / taps * OUTPUTS + o]));
                    }
                }
            })
        };
        // SAFETY: every row of the weight is written by one task.
        unsafe { written(k * row, write) }
    }
}
