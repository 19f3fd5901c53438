//! Filtering of single rows, as weighted sums of shifted copies of the row.

use crate::vector::{Real, vectorize};

vectorize! {
    /// `out = sum of factor * row`, plus `out` itself if `add`. Rows are at least as long as `out`.
    pub(super) fn weighted_sum<T>(terms: &[(T, &[T])], add: bool, out: &mut [T]) {
        let len = out.len();
        let (head, tail) = terms.split_at(terms.len().min(4));
        match *head {
            [(a, x), (b, y), (c, z), (d, w)] if !add => {
                let (x, y, z, w) = (&x[..len], &y[..len], &z[..len], &w[..len]);
                for i in 0..len {
                    out[i] = (a * x[i] + b * y[i]) + (c * z[i] + d * w[i]);
                }
            }
            [(a, x), (b, y), (c, z)] if !add => {
                let (x, y, z) = (&x[..len], &y[..len], &z[..len]);
                for i in 0..len {
                    out[i] = (a * x[i] + b * y[i]) + c * z[i];
                }
            }
            [(a, x), (b, y)] if !add => {
                let (x, y) = (&x[..len], &y[..len]);
                for i in 0..len {
                    out[i] = a * x[i] + b * y[i];
                }
            }
            _ => {
                if !add {
                    out.fill(T::zero());
                }
                for &(a, x) in head {
                    let x = &x[..len];
                    for i in 0..len {
                        out[i] += a * x[i];
                    }
                }
            }
        }
        for &(a, x) in tail {
            let x = &x[..len];
            for i in 0..len {
                out[i] += a * x[i];
            }
        }
    }

    /// `even[i] = x[2 i]`, `odd[i] = x[2 i + 1]`.
    fn split_pairs<T>(x: &[T], even: &mut [T], odd: &mut [T]) {
        for ((x, even), odd) in x.chunks_exact(2).zip(even).zip(odd) {
            *even = x[0];
            *odd = x[1];
        }
    }

    fn join_pairs<T>(even: &[T], odd: &[T], out: &mut [T]) {
        for ((out, &even), &odd) in out.chunks_exact_mut(2).zip(even).zip(odd) {
            out[0] = even;
            out[1] = odd;
        }
    }
}

/// The taps that reach the outputs `x` with `x mod up = r`: output `up q + r` is the sum over `k`
/// of `taps[k]` times the padded input at `down q + first + k`.
struct Phase<T> {
    taps: Vec<T>,
    first: usize,
}

/// How a row is padded, upsampled, filtered and downsampled, with room for the padded row.
pub(super) struct RowFilter<T> {
    up: usize,
    down: usize,
    phases: Vec<Phase<T>>,
    width: usize,
    /// Zeros before the row, a multiple of `down`.
    left: usize,
    /// The padded row, split by index modulo `down` into parts of `part` elements.
    padded: Vec<T>,
    part: usize,
    /// One row of results per phase.
    results: Vec<T>,
    straight: Vec<T>,
}

impl<T: Real> RowFilter<T> {
    /// `taps` are correlated with the row of `width` elements, which `pad` elements precede.
    pub(super) fn new(taps: &[T], width: usize, out: usize, up: usize, down: usize, pad: i64) -> Self {
        let starts: Vec<(usize, i64)> = (0..up)
            .map(|r| {
                let at = (r * down) as i64 - pad;
                let skip = (-at).rem_euclid(up as i64);
                (skip as usize, (at + skip) / up as i64)
            })
            .collect();
        let before = starts.iter().map(|s| (-s.1).max(0) as usize).max().unwrap_or(0);
        let left = before.div_ceil(down) * down;
        let phases: Vec<Phase<T>> = starts
            .iter()
            .map(|&(skip, first)| Phase {
                taps: taps.iter().skip(skip).step_by(up).copied().collect(),
                first: (first + left as i64) as usize,
            })
            .collect();
        let per_phase = out.div_ceil(up);
        let reach = phases.iter().map(|p| down * per_phase + p.first + p.taps.len()).max().unwrap_or(0);
        let part = reach.max(left + width).div_ceil(down) + 1;
        Self {
            up,
            down,
            phases,
            width,
            left,
            padded: vec![T::zero(); part * down],
            part,
            results: vec![T::zero(); if up > 1 { per_phase * up } else { 0 }],
            straight: vec![T::zero(); if down > 1 { width } else { 0 }],
        }
    }

    /// Lets `write` fill the row to be filtered.
    pub(super) fn load(&mut self, write: impl FnOnce(&mut [T])) {
        if self.down == 1 {
            return write(&mut self.padded[self.left..][..self.width]);
        }
        write(&mut self.straight);
        let start = self.left / self.down;
        if self.down == 2 {
            let (even, odd) = self.padded.split_at_mut(self.part);
            let (even, odd) = (&mut even[start..], &mut odd[start..]);
            split_pairs(&self.straight, even, odd);
            if self.width % 2 == 1 {
                even[self.width / 2] = self.straight[self.width - 1];
            }
            return;
        }
        for (i, &x) in self.straight.iter().enumerate() {
            self.padded[i % self.down * self.part + start + i / self.down] = x;
        }
    }

    /// Filters the loaded row into `out`, adding to what is there if `add`.
    pub(super) fn apply(&mut self, add: bool, out: &mut [T]) {
        let per_phase = out.len().div_ceil(self.up);
        for (r, phase) in self.phases.iter().enumerate() {
            let mut terms = [(T::zero(), &self.padded[..]); 16];
            let result = if self.up == 1 { &mut *out } else { &mut self.results[r * per_phase..][..per_phase] };
            let add_first = add && self.up == 1;
            for (group, taps) in phase.taps.chunks(16).enumerate() {
                for (k, &tap) in taps.iter().enumerate() {
                    let at = phase.first + group * 16 + k;
                    terms[k] = (tap, &self.padded[at % self.down * self.part + at / self.down..]);
                }
                weighted_sum(&terms[..taps.len()], add_first || group > 0, result);
            }
            if phase.taps.is_empty() && !add_first {
                result.fill(T::zero());
            }
        }
        if self.up == 1 {
            return;
        }
        if self.up == 2 && !add {
            let (even, odd) = self.results.split_at(per_phase);
            join_pairs(even, odd, out);
            if out.len() % 2 == 1 {
                out[per_phase * 2 - 2] = even[per_phase - 1];
            }
            return;
        }
        for (x, out) in out.iter_mut().enumerate() {
            let y = self.results[x % self.up * per_phase + x / self.up];
            *out = if add { *out + y } else { y };
        }
    }
}
