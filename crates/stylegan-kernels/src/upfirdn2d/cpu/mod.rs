//! Upsampling, filtering and downsampling on the CPU: row by row.

mod rows;

use super::UpFirDn;
use crate::bias_act::EpilogueData;
use crate::elementwise::{Real, initialised, rows_per_task, written, zeroed};
use crate::threads::for_each_chunk;
use candle_core::CpuStorage;
use rows::{RowFilter, fresh, weighted_sum};
use std::mem::MaybeUninit;

impl UpFirDn {
    /// The result `[n, c, oh, ow]` for `x` `[n, c, h, w]`.
    pub(super) fn cpu<T: Real>(
        &self,
        x: &[T],
        (n, c, h, w): (usize, usize, usize, usize),
        (oh, ow): (usize, usize),
        epilogue: Option<&EpilogueData<T>>,
    ) -> CpuStorage {
        let filter = if self.flip { self.filter.clone() } else { self.filter.flipped() };
        let number = |taps: &[f64], gain: f64| -> Vec<T> { taps.iter().map(|t| T::from_f64(t * gain)).collect() };
        let (fh, fw) = filter.size();
        let (up, down, pad) = (self.up[1], self.down[1], self.padding[2]);
        // The input rows that reach an output row, with the filter's row that meets each.
        let reach = |oy: usize| {
            (0..fh).filter_map(move |t| {
                let y = (oy * down + t) as i64 - pad;
                (y >= 0 && y % up as i64 == 0 && (y as usize) < h * up).then(|| (t, y as usize / up))
            })
        };
        let row_filter = |taps: &[T]| RowFilter::new(taps, w, ow, self.up[0], self.down[0], self.padding[0]);
        let rows = rows_per_task(ow);
        let finish = |out: &mut [T], row: usize| {
            if let Some(epilogue) = epilogue {
                epilogue.apply(out, row / oh, row % oh * ow, oh * ow);
            }
        };
        let write = |out: &mut [MaybeUninit<T>]| {
            for_each_chunk(out, rows * ow, |task, out| {
                let targets = out.chunks_mut(ow).enumerate().map(|(i, out)| {
                    let i = task * rows + i;
                    (&x[i / oh * h * w..][..h * w], i, out)
                });
                if let Some((column, row)) = filter.factors() {
                    let (column, mut row) = (number(column, self.gain), row_filter(&number(row, 1.)));
                    let mut terms = Vec::with_capacity(fh);
                    for (plane, i, out) in targets {
                        terms.clear();
                        terms.extend(reach(i % oh).map(|(t, y)| (column[t], &plane[y * w..][..w])));
                        row.load(|sum| weighted_sum(&terms, fresh(sum)));
                        row.write(out);
                        // SAFETY: the row was just written.
                        finish(unsafe { initialised(out) }, i);
                    }
                    return;
                }
                let mut filters: Vec<_> =
                    filter.taps().chunks(fw).map(|taps| row_filter(&number(taps, self.gain))).collect();
                for (plane, i, out) in targets {
                    let out = zeroed(out);
                    for (t, y) in reach(i % oh) {
                        filters[t].load(|row| row.copy_from_slice(&plane[y * w..][..w]));
                        filters[t].add(out);
                    }
                    finish(out, i);
                }
            });
        };
        // SAFETY: every row is written.
        unsafe { written(n * c * oh * ow, write) }
    }
}
