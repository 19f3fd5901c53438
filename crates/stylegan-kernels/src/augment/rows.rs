//! Weighted sums of rows, which all filters of this module are made of.

use crate::elementwise::vectorize;

vectorize! {
    /// `out = sum of factor * row`, six terms at a time in a fixed order. Rows are at least as long as
    /// `out`.
    pub(super) fn sum_rows<T>(terms: &[(T, &[T])], out: &mut [T]) {
        let Some((&[(a, p), (b, q), (c, r), (d, s), (e, t), (f, u)], rest)) = terms.split_first_chunk() else {
            out.fill(T::zero());
            return add_rows(terms, out);
        };
        let len = out.len();
        let (p, q, r, s, t, u) = (&p[..len], &q[..len], &r[..len], &s[..len], &t[..len], &u[..len]);
        for i in 0..len {
            out[i] = ((a * p[i] + b * q[i]) + (c * r[i] + d * s[i])) + (e * t[i] + f * u[i]);
        }
        add_rows(rest, out);
    }

    /// `out += sum of factor * row`, in the order of [`sum_rows`].
    pub(super) fn add_rows<T>(terms: &[(T, &[T])], out: &mut [T]) {
        let len = out.len();
        let (blocks, rest) = terms.as_chunks();
        for &[(a, p), (b, q), (c, r), (d, s), (e, t), (f, u)] in blocks {
            let (p, q, r, s, t, u) = (&p[..len], &q[..len], &r[..len], &s[..len], &t[..len], &u[..len]);
            for i in 0..len {
                out[i] += ((a * p[i] + b * q[i]) + (c * r[i] + d * s[i])) + (e * t[i] + f * u[i]);
            }
        }
        for &(a, p) in rest {
            let p = &p[..len];
            for i in 0..len {
                out[i] += a * p[i];
            }
        }
    }

    /// Writes `even` and `odd` in turn to `out`, `lanes` elements of each at a time (1 or 4).
    pub(super) fn interleave<T>(even: &[T], odd: &[T], lanes: usize, out: &mut [T]) {
        if lanes == 4 {
            for ((out, even), odd) in out.chunks_exact_mut(8).zip(even.chunks_exact(4)).zip(odd.chunks_exact(4)) {
                out[..4].copy_from_slice(even);
                out[4..].copy_from_slice(odd);
            }
        } else {
            for ((out, &even), &odd) in out.chunks_exact_mut(2).zip(even).zip(odd) {
                out[0] = even;
                out[1] = odd;
            }
        }
    }

    /// Takes `x` apart into what is even and what is odd, `lanes` elements at a time (1 or 4).
    pub(super) fn part<T>(x: &[T], lanes: usize, even: &mut [T], odd: &mut [T]) {
        if lanes == 4 {
            for ((x, even), odd) in x.chunks_exact(8).zip(even.chunks_exact_mut(4)).zip(odd.chunks_exact_mut(4)) {
                even.copy_from_slice(&x[..4]);
                odd.copy_from_slice(&x[4..]);
            }
        } else {
            for ((x, even), odd) in x.chunks_exact(2).zip(even).zip(odd) {
                *even = x[0];
                *odd = x[1];
            }
        }
    }
}
