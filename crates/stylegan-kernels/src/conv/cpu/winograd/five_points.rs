//! The one-dimensional transforms of F(4, 2), whose points ±0.45, ±1.2 and ∞ are the best of a search.

use super::transforms::{Filter, FilterTransposed, Input, Output, OutputTransposed, Transform, constant};
use crate::cpu::Vector;

/// The points of F(4, 2).
const P: f64 = 0.45;
const Q: f64 = 1.2;
/// The distance of their squares.
const D: f64 = Q * Q - P * P;

impl<V: Vector> Transform<V, 5, 5> for Input {
    #[inline(always)]
    unsafe fn apply(d: [V; 5]) -> [V; 5] {
        let (pp, qq) = (constant::<V>(-P * P), constant::<V>(-Q * Q));
        // SAFETY: arithmetic only.
        unsafe {
            let (odd_p, even_p) = (d[1].mul_add(qq, d[3]), d[0].mul_add(qq, d[2]).mul(constant::<V>(P)));
            let (odd_q, even_q) = (d[1].mul_add(pp, d[3]), d[0].mul_add(pp, d[2]).mul(constant::<V>(Q)));
            let last = d[2].mul_add(constant::<V>(-P * P - Q * Q), d[4]);
            [
                odd_p.add(even_p),
                odd_p.sub(even_p),
                odd_q.add(even_q),
                odd_q.sub(even_q),
                d[0].mul_add(constant::<V>(P * P * Q * Q), last),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 5, 4> for Output {
    #[inline(always)]
    unsafe fn apply(m: [V; 5]) -> [V; 4] {
        // SAFETY: arithmetic only.
        unsafe {
            let (even_p, odd_p) = (m[0].add(m[1]), m[0].sub(m[1]));
            let (even_q, odd_q) = (m[2].add(m[3]), m[2].sub(m[3]));
            [
                even_p.add(even_q),
                odd_p.mul_add(constant::<V>(P), odd_q.mul(constant::<V>(Q))),
                even_p.mul_add(constant::<V>(P * P), even_q.mul(constant::<V>(Q * Q))),
                odd_p.mul_add(constant::<V>(P * P * P), odd_q.mul_add(constant::<V>(Q * Q * Q), m[4])),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 2, 5> for Filter {
    #[inline(always)]
    unsafe fn apply(g: [V; 2]) -> [V; 5] {
        // SAFETY: arithmetic only.
        unsafe {
            let (even_p, odd_p) = (g[0].mul(constant::<V>(-0.5 / (P * D))), g[1].mul(constant::<V>(-0.5 / D)));
            let (even_q, odd_q) = (g[0].mul(constant::<V>(0.5 / (Q * D))), g[1].mul(constant::<V>(0.5 / D)));
            [odd_p.add(even_p), odd_p.sub(even_p), odd_q.add(even_q), odd_q.sub(even_q), g[1]]
        }
    }
}

impl<V: Vector> Transform<V, 4, 5> for OutputTransposed {
    #[inline(always)]
    unsafe fn apply(e: [V; 4]) -> [V; 5] {
        // SAFETY: arithmetic only.
        unsafe {
            let even_p = e[2].mul_add(constant::<V>(P * P), e[0]);
            let odd_p = e[3].mul_add(constant::<V>(P * P * P), e[1].mul(constant::<V>(P)));
            let even_q = e[2].mul_add(constant::<V>(Q * Q), e[0]);
            let odd_q = e[3].mul_add(constant::<V>(Q * Q * Q), e[1].mul(constant::<V>(Q)));
            [even_p.add(odd_p), even_p.sub(odd_p), even_q.add(odd_q), even_q.sub(odd_q), e[3]]
        }
    }
}

impl<V: Vector> Transform<V, 5, 2> for FilterTransposed {
    #[inline(always)]
    unsafe fn apply(u: [V; 5]) -> [V; 2] {
        // SAFETY: arithmetic only.
        unsafe {
            let (even_p, odd_p) = (u[0].sub(u[1]), u[0].add(u[1]));
            let (even_q, odd_q) = (u[2].sub(u[3]), u[2].add(u[3]));
            [
                even_p.mul_add(constant::<V>(-0.5 / (P * D)), even_q.mul(constant::<V>(0.5 / (Q * D)))),
                odd_p.mul_add(constant::<V>(-0.5 / D), odd_q.mul_add(constant::<V>(0.5 / D), u[4])),
            ]
        }
    }
}
