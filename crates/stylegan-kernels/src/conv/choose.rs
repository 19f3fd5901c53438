//! Which algorithm computes a convolution, by its shape.

use super::fused::Fused;
use super::shape::{Kind, Shape};
use super::{implicit_gemm, pointwise, winograd};
use crate::cpu::{Level, Plain, Vector, level};
use crate::elementwise::Real;
use candle_core::{DType, WithDType};

/// Computes a member of the family in single precision.
pub(super) fn f32(kind: Kind, a: &[f32], b: &[f32], shape: &Shape, gain: f64, fused: &Fused<f32>) -> Vec<f32> {
    match level() {
        Level::Portable => by_shape::<Plain<f32>>(kind, a, b, shape, gain, fused),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => by_shape::<crate::cpu::F32x8>(kind, a, b, shape, gain, fused),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => by_shape::<crate::cpu::F32x16>(kind, a, b, shape, gain, fused),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => by_shape::<crate::cpu::F32x4>(kind, a, b, shape, gain, fused),
    }
}

/// The same in double precision.
pub(super) fn f64(kind: Kind, a: &[f64], b: &[f64], shape: &Shape, gain: f64, fused: &Fused<f64>) -> Vec<f64> {
    by_shape::<Plain<f64>>(kind, a, b, shape, gain, fused)
}

fn by_shape<V: Vector>(
    kind: Kind,
    a: &[V::Elem],
    b: &[V::Elem],
    shape: &Shape,
    gain: f64,
    fused: &Fused<V::Elem>,
) -> Vec<V::Elem>
where
    V::Elem: Real,
{
    if a.is_empty() || b.is_empty() {
        // Sums of nothing.
        let mut y = vec![V::Elem::from_f64(0.); shape.result(kind).iter().product()];
        fused.finish(&mut y, shape.result(kind));
        return y;
    }
    match algorithm::<V>(kind, shape) {
        Algorithm::F4x3 => by_winograd::<V, winograd::F4x3>(kind, a, b, shape, gain, fused),
        Algorithm::F4x2 => by_winograd::<V, winograd::F4x2>(kind, a, b, shape, gain, fused),
        Algorithm::Products if pointwise::fits(shape) => pointwise::convolve::<V>(kind, a, b, shape, gain, fused),
        Algorithm::Products => {
            let scaled = fused.scaled(a);
            let mut y = products::<V>(kind, scaled.as_deref().unwrap_or(a), b, shape, gain, fused.swapped);
            fused.finish(&mut y, shape.result(kind));
            y
        }
    }
}

enum Algorithm {
    F4x3,
    F4x2,
    Products,
}

fn algorithm<V: Vector>(kind: Kind, s: &Shape) -> Algorithm {
    if V::Elem::DTYPE != DType::F32 || s.r != s.s || s.c.min(s.k) < 8 {
        return Algorithm::Products;
    }
    match (s.r, s.stride, s.padding) {
        (3, 1, ..=2) => Algorithm::F4x3,
        // A vector of input channels belongs to one phase. The result of an input gradient may end
        // in the middle of a tile, which has to pay off.
        (3 | 4, 2, ..=2) if kind != Kind::Forward || s.c.is_multiple_of(V::LANES) => {
            let direct = s.r * s.r * s.oh * s.ow;
            if winograd::f4x2_cost(kind, s) < direct { Algorithm::F4x2 } else { Algorithm::Products }
        }
        _ => Algorithm::Products,
    }
}

fn by_winograd<V: Vector, S: winograd::Scheme>(
    kind: Kind,
    a: &[V::Elem],
    b: &[V::Elem],
    shape: &Shape,
    gain: f64,
    fused: &Fused<V::Elem>,
) -> Vec<V::Elem>
where
    V::Elem: Real,
{
    match kind {
        Kind::Forward => winograd::forward::<V, S>(a, b, shape, false, gain, fused),
        Kind::Input => winograd::forward::<V, S>(a, b, shape, true, gain, fused),
        Kind::Weight => winograd::weight_gradient::<V, S>(a, b, shape, gain),
    }
}

fn products<V: Vector>(
    kind: Kind,
    a: &[V::Elem],
    b: &[V::Elem],
    shape: &Shape,
    gain: f64,
    swapped: bool,
) -> Vec<V::Elem> {
    match kind {
        Kind::Forward => implicit_gemm::forward::<V>(a, b, shape, gain),
        Kind::Input => implicit_gemm::input_gradient::<V>(a, b, shape, gain, swapped),
        Kind::Weight => implicit_gemm::weight_gradient::<V>(a, b, shape, gain),
    }
}
