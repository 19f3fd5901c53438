//! Weighted sums of rows, which all filters of this module are made of.

use crate::elementwise::vectorize;

vectorize! {
    /// `out += sum of factor * row`, six terms at a time in a fixed order. Rows are at least as long
    /// as `out`.
    pub(super) fn add_rows<T>(terms: &[(T, &[T])], out: &mut [T]) {
        let len = out.len();
        let blocks = terms.chunks_exact(6);
        let rest = blocks.remainder();
        for block in blocks {
            let &[(a, p), (b, q), (c, r), (d, s), (e, t), (f, u)] = block else { continue };
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

    /// Writes `even` and `odd` in turn to `out`.
    pub(super) fn interleave<T>(even: &[T], odd: &[T], out: &mut [T]) {
        for ((out, &even), &odd) in out.chunks_exact_mut(2).zip(even).zip(odd) {
            out[0] = even;
            out[1] = odd;
        }
    }

    /// Takes `x` apart into its even and its odd elements.
    pub(super) fn part<T>(x: &[T], even: &mut [T], odd: &mut [T]) {
        for ((x, even), odd) in x.chunks_exact(2).zip(even).zip(odd) {
            *even = x[0];
            *odd = x[1];
        }
    }
}

/// `out = sum of factor * row`, as [`add_rows`].
pub(super) fn sum_rows<T: crate::elementwise::Real>(terms: &[(T, &[T])], out: &mut [T]) {
    out.fill(T::zero());
    add_rows(terms, out);
}
