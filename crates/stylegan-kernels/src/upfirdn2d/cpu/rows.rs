//! Filtering of single rows, as weighted sums of shifted copies of the row.

use crate::elementwise::{Real, initialised, vectorize, zeroed};
use std::mem::MaybeUninit;

/// Memory that is about to be overwritten.
pub(super) fn fresh<T: Real>(row: &mut [T]) -> &mut [MaybeUninit<T>] {
    // SAFETY: the same layout; those who take it here write numbers into it, and nothing else.
    unsafe { &mut *(std::ptr::from_mut(row) as *mut [MaybeUninit<T>]) }
}

vectorize! {
    /// `out = sum of factor * row`. Rows are at least as long as `out`.
    pub(super) fn weighted_sum<T>(terms: &[(T, &[T])], out: &mut [MaybeUninit<T>]) {
        let len = out.len();
        let (head, tail) = terms.split_at(terms.len().min(4));
        match *head {
            [(a, x), (b, y), (c, z), (d, w)] => {
                let (x, y, z, w) = (&x[..len], &y[..len], &z[..len], &w[..len]);
                for i in 0..len {
                    out[i].write((a * x[i] + b * y[i]) + (c * z[i] + d * w[i]));
                }
            }
            [(a, x), (b, y), (c, z)] => {
                let (x, y, z) = (&x[..len], &y[..len], &z[..len]);
                for i in 0..len {
                    out[i].write((a * x[i] + b * y[i]) + c * z[i]);
                }
            }
            [(a, x), (b, y)] => {
                let (x, y) = (&x[..len], &y[..len]);
                for i in 0..len {
                    out[i].write(a * x[i] + b * y[i]);
                }
            }
            _ => add_terms(head, zeroed(out)),
        }
        // SAFETY: each of the cases has written all elements.
        add_terms(tail, unsafe { initialised(out) });
    }

    /// `out += sum of factor * row`, term by term.
    fn add_terms<T>(terms: &[(T, &[T])], out: &mut [T]) {
        let len = out.len();
        for &(a, x) in terms {
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

    fn join_pairs<T>(even: &[T], odd: &[T], out: &mut [MaybeUninit<T>]) {
        for ((out, &even), &odd) in out.chunks_exact_mut(2).zip(even).zip(odd) {
            out[0].write(even);
            out[1].write(odd);
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

    /// Writes the filtered row to `out`.
    pub(super) fn write(&mut self, out: &mut [MaybeUninit<T>]) {
        if self.up == 1 {
            return self.filter(0, out);
        }
        let per_phase = self.filter_phases(out.len());
        if self.up == 2 {
            let (even, odd) = self.results.split_at(per_phase);
            join_pairs(even, odd, out);
            if out.len() % 2 == 1 {
                out[per_phase * 2 - 2].write(even[per_phase - 1]);
            }
            return;
        }
        for (x, out) in out.iter_mut().enumerate() {
            out.write(self.results[x % self.up * per_phase + x / self.up]);
        }
    }

    /// Adds the filtered row to `out`.
    pub(super) fn add(&mut self, out: &mut [T]) {
        if self.up == 1 {
            return self.for_terms(0, |terms| add_terms(terms, out));
        }
        let per_phase = self.filter_phases(out.len());
        for (x, out) in out.iter_mut().enumerate() {
            *out += self.results[x % self.up * per_phase + x / self.up];
        }
    }

    /// Filters all phases aside, for `len` outputs; returns the number of results of each.
    fn filter_phases(&mut self, len: usize) -> usize {
        let per_phase = len.div_ceil(self.up);
        let mut results = std::mem::take(&mut self.results);
        for phase in 0..self.up {
            self.filter(phase, fresh(&mut results[phase * per_phase..][..per_phase]));
        }
        self.results = results;
        per_phase
    }

    /// Writes the outputs of a phase to `out`.
    fn filter(&self, phase: usize, out: &mut [MaybeUninit<T>]) {
        let mut begun = false;
        self.for_terms(phase, |terms| {
            if begun {
                // SAFETY: the first terms have written all elements.
                add_terms(terms, unsafe { initialised(out) });
            } else {
                weighted_sum(terms, out);
                begun = true;
            }
        });
        if !begun {
            zeroed(out);
        }
    }

    /// Calls `sum` with the terms of a phase, up to 16 at a time: taps and what they meet.
    fn for_terms(&self, phase: usize, mut sum: impl FnMut(&[(T, &[T])])) {
        let Phase { taps, first } = &self.phases[phase];
        let mut terms = [(T::zero(), &self.padded[..]); 16];
        for (group, taps) in taps.chunks(16).enumerate() {
            for (k, &tap) in taps.iter().enumerate() {
                let at = first + group * 16 + k;
                terms[k] = (tap, &self.padded[at % self.down * self.part + at / self.down..]);
            }
            sum(&terms[..taps.len()]);
        }
    }
}
