//! Filters of single images on the CPU: plane by plane, rows before columns.

use super::FilterImages;
use crate::augment::rows::{add_rows, sum_rows};
use crate::cpu::Scratch;
use crate::elementwise::{Real, written, zeroed};
use crate::pad::reflect;
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

impl FilterImages {
    /// The result for images of dimensions `[n, c, h, w]`.
    pub(super) fn cpu<T: Real>(&self, x: &[T], (n, c, h, w): (usize, usize, usize, usize)) -> CpuStorage {
        let number = |taps: &Vec<f64>| -> Vec<T> { taps.iter().map(|&tap| T::from_f64(tap)).collect() };
        let filters: Vec<Option<Vec<T>>> = self.filters.iter().map(|taps| taps.as_ref().map(number)).collect();
        let plane = h * w;
        let write = |y: &mut [MaybeUninit<T>]| {
            crate::threads::for_each_chunk(y, plane, |i, y| {
                let x = &x[i * plane..][..plane];
                let y = zeroed(y);
                match &filters[i / c] {
                    None => y.copy_from_slice(x),
                    Some(taps) if self.adjoint => adjoint(taps, x, y, w),
                    Some(taps) => forward(taps, x, y, w),
                }
            })
        };
        // SAFETY: every plane is zeroed, then written.
        unsafe { written(n * c * plane, write) }
    }
}

/// The rows that a column's filter sees around row `row`, each with its tap.
fn around<T: Real>(taps: &[T], row: usize, h: usize) -> impl Iterator<Item = (T, usize)> {
    let first = row as i64 - (taps.len() / 2) as i64;
    taps.iter().enumerate().map(move |(k, &tap)| (tap, reflect(first + k as i64, h)))
}

fn forward<T: Real>(taps: &[T], x: &[T], y: &mut [T], w: usize) {
    let (h, reach) = (x.len() / w, taps.len() / 2);
    let mut rows = Scratch::take(x.len());
    let mut extended = Scratch::take(w + 2 * reach);
    let mut terms: Vec<(T, &[T])> = Vec::with_capacity(taps.len());
    for (x, row) in x.chunks(w).zip(rows.chunks_mut(w)) {
        for (i, out) in extended.iter_mut().enumerate() {
            *out = x[reflect(i as i64 - reach as i64, w)];
        }
        let shifted: Vec<(T, &[T])> = taps.iter().enumerate().map(|(k, &tap)| (tap, &extended[k..])).collect();
        sum_rows(&shifted, row);
    }
    for (j, y) in y.chunks_mut(w).enumerate() {
        terms.clear();
        terms.extend(around(taps, j, h).map(|(tap, row)| (tap, &rows[row * w..][..w])));
        sum_rows(&terms, y);
    }
}

/// `x` must hold zeros.
fn adjoint<T: Real>(taps: &[T], g: &[T], x: &mut [T], w: usize) {
    let (h, reach) = (g.len() / w, taps.len() / 2);
    let mut rows = Scratch::take(g.len());
    rows.fill(T::zero());
    for (j, g) in g.chunks(w).enumerate() {
        for (tap, row) in around(taps, j, h) {
            add_rows(&[(tap, g)], &mut rows[row * w..][..w]);
        }
    }
    // A row between as many zeros as the taps turned around reach: first those, then the row.
    let mut padded = Scratch::take(w + 4 * reach);
    padded.fill(T::zero());
    let mut extended = Scratch::take(w + 2 * reach);
    for (row, x) in rows.chunks(w).zip(x.chunks_mut(w)) {
        padded[2 * reach..][..w].copy_from_slice(row);
        let shifted: Vec<(T, &[T])> =
            taps.iter().enumerate().map(|(k, &tap)| (tap, &padded[2 * reach - k..])).collect();
        sum_rows(&shifted, &mut extended);
        for (i, &value) in extended.iter().enumerate() {
            x[reflect(i as i64 - reach as i64, w)] += value;
        }
    }
}
