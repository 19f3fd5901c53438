//! Convolutions on the CPU: which algorithm computes one, by its shape.

mod call;
#[cfg(test)]
mod direct;
mod implicit_gemm;
mod per_tap;
mod pointwise;
#[cfg(test)]
mod tests;
mod tiles;
mod winograd;

pub(super) use call::ConvCall;
pub(super) use tiles::{PackedWeight, convolve as with_packed_weight, in_parts};

use super::shape::{Kind, Shape};
use crate::cpu::{Level, Plain, Vector, level};
use crate::elementwise::Real;
use candle_core::{DType, WithDType};

/// Computes a member of the family in single precision.
pub(super) fn f32(call: &ConvCall<f32>) -> Vec<f32> {
    match level() {
        Level::Portable => by_shape::<Plain<f32>>(call),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => by_shape::<crate::cpu::F32x8>(call),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => by_shape::<crate::cpu::F32x16>(call),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => by_shape::<crate::cpu::F32x4>(call),
    }
}

/// The same in double precision.
pub(super) fn f64(call: &ConvCall<f64>) -> Vec<f64> {
    by_shape::<Plain<f64>>(call)
}

fn by_shape<V: Vector>(call: &ConvCall<V::Elem>) -> Vec<V::Elem>
where
    V::Elem: Real,
{
    if call.a.is_empty() || call.b.is_empty() {
        // Sums of nothing.
        let mut y = vec![V::Elem::from_f64(0.); call.shape.result(call.kind).iter().product()];
        call.apply_epilogue(&mut y);
        return y;
    }
    match algorithm::<V>(call.kind, &call.shape) {
        Algorithm::F4x3 => by_winograd::<V, winograd::F4x3>(call),
        Algorithm::F3x4 => by_winograd::<V, winograd::F3x4>(call),
        Algorithm::F2x5 => by_winograd::<V, winograd::F2x5>(call),
        Algorithm::F4x2 => by_winograd::<V, winograd::F4x2>(call),
        Algorithm::Products if pointwise::fits(&call.shape) => pointwise::convolve::<V>(call),
        Algorithm::Products => {
            let scaled = call.scaled();
            let mut y = products::<V>(&ConvCall { a: scaled.as_deref().unwrap_or(call.a), ..*call });
            call.apply_epilogue(&mut y);
            y
        }
    }
}

/// Parts that work is cut into where it falls into fewer by itself, so that a few threads are kept busy.
const PARTS: usize = 8;

enum Algorithm {
    F4x3,
    F3x4,
    F2x5,
    F4x2,
    Products,
}

fn algorithm<V: Vector>(kind: Kind, s: &Shape) -> Algorithm {
    if V::Elem::DTYPE != DType::F32 || s.r != s.s || s.c.min(s.k) < 8 {
        return Algorithm::Products;
    }
    let scheme = match (s.r, s.stride, s.padding) {
        // Small images come in batches: of these only filters' gradients are at times cheaper by products.
        (3, 1, ..=2) if kind != Kind::Weight || winograd::pays_off::<winograd::F4x3>(kind, s) => Some(Algorithm::F4x3),
        (4, 1, ..=3) if winograd::pays_off::<winograd::F3x4>(kind, s) => Some(Algorithm::F3x4),
        (5, 1, ..=4) if winograd::pays_off::<winograd::F2x5>(kind, s) => Some(Algorithm::F2x5),
        // A vector of input channels belongs to one phase. The result of an input gradient may end
        // in the middle of a tile, which has to pay off.
        (3 | 4, 2, ..=2) if kind != Kind::Forward || s.c.is_multiple_of(V::LANES) => {
            winograd::pays_off::<winograd::F4x2>(kind, s).then_some(Algorithm::F4x2)
        }
        _ => None,
    };
    scheme.unwrap_or(Algorithm::Products)
}

fn by_winograd<V: Vector, S: winograd::Scheme>(call: &ConvCall<V::Elem>) -> Vec<V::Elem>
where
    V::Elem: Real,
{
    match call.kind {
        Kind::Forward | Kind::Input => winograd::forward::<V, S>(call),
        Kind::Weight => winograd::weight_gradient::<V, S>(call),
    }
}

/// Direct products: `a` is scaled already, and the caller applies the epilogue.
fn products<V: Vector>(call: &ConvCall<V::Elem>) -> Vec<V::Elem> {
    match call.kind {
        Kind::Forward | Kind::Input if per_tap::fits(call.kind, &call.shape) => per_tap::convolve::<V>(call),
        Kind::Forward => implicit_gemm::forward::<V>(call),
        Kind::Input => implicit_gemm::input_gradient::<V>(call),
        Kind::Weight => implicit_gemm::weight_gradient::<V>(call),
    }
}
