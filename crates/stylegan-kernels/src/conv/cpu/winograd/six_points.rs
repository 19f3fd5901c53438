//! The one-dimensional transforms of F(4, 3), F(3, 4) and F(2, 5), which share `Bᵀ`: their points are 0, ±1/√2, ±√2 and ∞, which err four
//! to five times less than the usual 0, ±1, ±2, ∞.

use super::transforms::{Filter, FilterTransposed, Input, Output, OutputTransposed, Transform, constant};
use crate::cpu::Vector;
use std::f64::consts::{FRAC_1_SQRT_2 as A, SQRT_2 as B};

impl<V: Vector> Transform<V, 6, 6> for Input {
    #[inline(always)]
    unsafe fn apply(d: [V; 6]) -> [V; 6] {
        let (a, b) = (constant::<V>(A), constant::<V>(B));
        let (m25, m2, mhalf) = (constant::<V>(-2.5), constant::<V>(-2.), constant::<V>(-0.5));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (d[2].mul_add(m2, d[4]), d[1].mul_add(m2, d[3]).mul(a));
            let (even_b, odd_b) = (d[2].mul_add(mhalf, d[4]), d[1].mul_add(mhalf, d[3]).mul(b));
            [
                d[2].mul_add(m25, d[0].add(d[4])),
                even_a.add(odd_a),
                even_a.sub(odd_a),
                even_b.add(odd_b),
                even_b.sub(odd_b),
                d[3].mul_add(m25, d[1].add(d[5])),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 6, 2> for Output {
    #[inline(always)]
    unsafe fn apply(m: [V; 6]) -> [V; 2] {
        let (a, b) = (constant::<V>(A), constant::<V>(B));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (even_b, odd_b) = (m[3].add(m[4]), m[3].sub(m[4]));
            [m[0].add(even_a).add(even_b), odd_a.mul_add(a, odd_b.mul_add(b, m[5]))]
        }
    }
}

impl<V: Vector> Transform<V, 6, 3> for Output {
    #[inline(always)]
    unsafe fn apply(m: [V; 6]) -> [V; 3] {
        let (a, b) = (constant::<V>(A), constant::<V>(B));
        let (half, two) = (constant::<V>(0.5), constant::<V>(2.));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (even_b, odd_b) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(even_a).add(even_b),
                odd_a.mul(a).add(odd_b.mul(b)),
                even_a.mul_add(half, even_b.mul_add(two, m[5])),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 6, 4> for Output {
    #[inline(always)]
    unsafe fn apply(m: [V; 6]) -> [V; 4] {
        let (a, b) = (constant::<V>(A), constant::<V>(B));
        let (half, two, a3, b3) = (constant::<V>(0.5), constant::<V>(2.), constant::<V>(A / 2.), constant::<V>(B * 2.));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (even_b, odd_b) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(even_a).add(even_b),
                odd_a.mul(a).add(odd_b.mul(b)),
                even_a.mul_add(half, even_b.mul(two)),
                odd_a.mul_add(a3, odd_b.mul_add(b3, m[5])),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 3, 6> for Filter {
    #[inline(always)]
    unsafe fn apply(g: [V; 3]) -> [V; 6] {
        let (ga, gb) = (constant::<V>(-2. / 3.), constant::<V>(1. / 6.));
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = g[2].mul_add(constant::<V>(-1. / 3.), g[0].mul(ga));
            let odd_a = g[1].mul(constant::<V>(-2. / 3. * A));
            let even_b = g[2].mul_add(constant::<V>(1. / 3.), g[0].mul(gb));
            let odd_b = g[1].mul(constant::<V>(B / 6.));
            [g[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), g[2]]
        }
    }
}

impl<V: Vector> Transform<V, 4, 6> for Filter {
    #[inline(always)]
    unsafe fn apply(g: [V; 4]) -> [V; 6] {
        let (ga, gb) = (constant::<V>(-2. / 3.), constant::<V>(1. / 6.));
        let (oa, ob) = (constant::<V>(-2. / 3. * A), constant::<V>(B / 6.));
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = g[2].mul_add(constant::<V>(-1. / 3.), g[0].mul(ga));
            let odd_a = g[3].mul_add(constant::<V>(-1. / 3. * A), g[1].mul(oa));
            let even_b = g[2].mul_add(constant::<V>(1. / 3.), g[0].mul(gb));
            let odd_b = g[3].mul_add(constant::<V>(B / 3.), g[1].mul(ob));
            [g[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), g[3]]
        }
    }
}

impl<V: Vector> Transform<V, 5, 6> for Filter {
    #[inline(always)]
    unsafe fn apply(g: [V; 5]) -> [V; 6] {
        let (ga, gb) = (constant::<V>(-2. / 3.), constant::<V>(1. / 6.));
        let (oa, ob) = (constant::<V>(-2. / 3. * A), constant::<V>(B / 6.));
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = g[4].mul_add(constant::<V>(-1. / 6.), g[2].mul_add(constant::<V>(-1. / 3.), g[0].mul(ga)));
            let odd_a = g[3].mul_add(constant::<V>(-1. / 3. * A), g[1].mul(oa));
            let even_b = g[4].mul_add(constant::<V>(2. / 3.), g[2].mul_add(constant::<V>(1. / 3.), g[0].mul(gb)));
            let odd_b = g[3].mul_add(constant::<V>(B / 3.), g[1].mul(ob));
            [g[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), g[4]]
        }
    }
}

impl<V: Vector> Transform<V, 2, 6> for OutputTransposed {
    #[inline(always)]
    unsafe fn apply(e: [V; 2]) -> [V; 6] {
        // SAFETY: arithmetic only.
        unsafe {
            let (odd_a, odd_b) = (e[1].mul(constant::<V>(A)), e[1].mul(constant::<V>(B)));
            [e[0], e[0].add(odd_a), e[0].sub(odd_a), e[0].add(odd_b), e[0].sub(odd_b), e[1]]
        }
    }
}

impl<V: Vector> Transform<V, 3, 6> for OutputTransposed {
    #[inline(always)]
    unsafe fn apply(e: [V; 3]) -> [V; 6] {
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = e[2].mul_add(constant::<V>(0.5), e[0]);
            let even_b = e[2].mul_add(constant::<V>(2.), e[0]);
            let (odd_a, odd_b) = (e[1].mul(constant::<V>(A)), e[1].mul(constant::<V>(B)));
            [e[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), e[2]]
        }
    }
}

impl<V: Vector> Transform<V, 4, 6> for OutputTransposed {
    #[inline(always)]
    unsafe fn apply(e: [V; 4]) -> [V; 6] {
        // SAFETY: arithmetic only.
        unsafe {
            let even_a = e[2].mul_add(constant::<V>(0.5), e[0]);
            let odd_a = e[3].mul_add(constant::<V>(A / 2.), e[1].mul(constant::<V>(A)));
            let even_b = e[2].mul_add(constant::<V>(2.), e[0]);
            let odd_b = e[3].mul_add(constant::<V>(B * 2.), e[1].mul(constant::<V>(B)));
            [e[0], even_a.add(odd_a), even_a.sub(odd_a), even_b.add(odd_b), even_b.sub(odd_b), e[3]]
        }
    }
}

impl<V: Vector> Transform<V, 6, 3> for FilterTransposed {
    #[inline(always)]
    unsafe fn apply(u: [V; 6]) -> [V; 3] {
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (u[1].add(u[2]), u[1].sub(u[2]));
            let (even_b, odd_b) = (u[3].add(u[4]), u[3].sub(u[4]));
            [
                even_b.mul_add(constant::<V>(1. / 6.), even_a.mul_add(constant::<V>(-2. / 3.), u[0])),
                odd_b.mul_add(constant::<V>(B / 6.), odd_a.mul(constant::<V>(-2. / 3. * A))),
                even_b.mul_add(constant::<V>(1. / 3.), even_a.mul_add(constant::<V>(-1. / 3.), u[5])),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 6, 4> for FilterTransposed {
    #[inline(always)]
    unsafe fn apply(u: [V; 6]) -> [V; 4] {
        let (oa, ob) = (constant::<V>(-1. / 3. * A), constant::<V>(B / 3.));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (u[1].add(u[2]), u[1].sub(u[2]));
            let (even_b, odd_b) = (u[3].add(u[4]), u[3].sub(u[4]));
            [
                even_b.mul_add(constant::<V>(1. / 6.), even_a.mul_add(constant::<V>(-2. / 3.), u[0])),
                odd_b.mul_add(constant::<V>(B / 6.), odd_a.mul(constant::<V>(-2. / 3. * A))),
                even_b.sub(even_a).mul(constant::<V>(1. / 3.)),
                odd_b.mul_add(ob, odd_a.mul_add(oa, u[5])),
            ]
        }
    }
}

impl<V: Vector> Transform<V, 6, 5> for FilterTransposed {
    #[inline(always)]
    unsafe fn apply(u: [V; 6]) -> [V; 5] {
        let (oa, ob) = (constant::<V>(-1. / 3. * A), constant::<V>(B / 3.));
        // SAFETY: arithmetic only.
        unsafe {
            let (even_a, odd_a) = (u[1].add(u[2]), u[1].sub(u[2]));
            let (even_b, odd_b) = (u[3].add(u[4]), u[3].sub(u[4]));
            [
                even_b.mul_add(constant::<V>(1. / 6.), even_a.mul_add(constant::<V>(-2. / 3.), u[0])),
                odd_b.mul_add(constant::<V>(B / 6.), odd_a.mul(constant::<V>(-2. / 3. * A))),
                even_b.sub(even_a).mul(constant::<V>(1. / 3.)),
                odd_b.mul_add(ob, odd_a.mul(oa)),
                even_b.mul_add(constant::<V>(2. / 3.), even_a.mul_add(constant::<V>(-1. / 6.), u[5])),
            ]
        }
    }
}
