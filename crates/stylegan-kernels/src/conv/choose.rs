//! Which algorithm computes a convolution, by its shape.

use super::shape::{Kind, Shape};
use super::{implicit_gemm, thin, winograd};
use crate::cpu::{Level, Plain, Vector, level};
use candle_core::{DType, WithDType};

/// Computes a member of the family in single precision.
pub(super) fn f32(kind: Kind, a: &[f32], b: &[f32], shape: &Shape, gain: f64) -> Vec<f32> {
    match level() {
        Level::Portable => by_shape::<Plain<f32>>(kind, a, b, shape, gain),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => by_shape::<crate::cpu::F32x8>(kind, a, b, shape, gain),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => by_shape::<crate::cpu::F32x16>(kind, a, b, shape, gain),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => by_shape::<crate::cpu::F32x4>(kind, a, b, shape, gain),
    }
}

/// The same in double precision.
pub(super) fn f64(kind: Kind, a: &[f64], b: &[f64], shape: &Shape, gain: f64) -> Vec<f64> {
    by_shape::<Plain<f64>>(kind, a, b, shape, gain)
}

fn by_shape<V: Vector>(kind: Kind, a: &[V::Elem], b: &[V::Elem], shape: &Shape, gain: f64) -> Vec<V::Elem> {
    if a.is_empty() || b.is_empty() {
        // Sums of nothing.
        return vec![V::Elem::from_f64(0.); shape.result(kind).iter().product()];
    }
    let winograd = V::Elem::DTYPE == DType::F32
        && (shape.r, shape.s, shape.stride) == (3, 3, 1)
        && shape.padding <= 2
        && shape.c.min(shape.k) >= 8;
    if !winograd {
        return products::<V>(kind, a, b, shape, gain);
    }
    match kind {
        Kind::Forward => winograd::forward::<V>(a, b, shape, false, gain),
        Kind::Input => winograd::forward::<V>(a, b, shape, true, gain),
        Kind::Weight => winograd::weight_gradient::<V>(a, b, shape, gain),
    }
}

fn products<V: Vector>(kind: Kind, a: &[V::Elem], b: &[V::Elem], shape: &Shape, gain: f64) -> Vec<V::Elem> {
    if thin::fits(shape) {
        return thin::convolve::<V>(kind, a, b, shape, gain);
    }
    match kind {
        Kind::Forward => implicit_gemm::forward::<V>(a, b, shape, gain),
        Kind::Input => implicit_gemm::input_gradient::<V>(a, b, shape, gain),
        Kind::Weight => implicit_gemm::weight_gradient::<V>(a, b, shape, gain),
    }
}
