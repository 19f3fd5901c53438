//! Launches of `optim.cu`: updates in place.

use super::launch::{Kernel, Launch, total};
use candle_core::Result;

/// Parameters of `adam`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamParams {
    total: i64,
    beta1: f32,
    rest1: f32,
    beta2: f32,
    rest2: f32,
    rate: f32,
    root: f32,
    eps: f32,
    largest: f32,
}

/// (g) -> w, m, v in place: m and v move to the gradient and its square by `beta1` and `beta2`, w by
/// `rate m / (sqrt(v) / root + eps)`. Gradients beyond ±1.8e19 count as that.
///
/// # Errors
/// When there are more elements than a grid reaches.
pub fn adam(elements: usize, [beta1, beta2]: [f64; 2], rate: f64, root: f64, eps: f64) -> Result<Launch<AdamParams>> {
    let params = AdamParams {
        total: total(elements),
        beta1: beta1 as f32,
        rest1: (1. - beta1) as f32,
        beta2: beta2 as f32,
        rest2: (1. - beta2) as f32,
        rate: rate as f32,
        root: root as f32,
        eps: eps as f32,
        largest: 1.8e19,
    };
    Launch::elementwise(Kernel::new("optim", "adam"), elements, params)
}

/// Parameters of `ema`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmaParams {
    total: i64,
    beta: f32,
}

/// (w) -> average in place: `w + (average - w) * beta`.
///
/// # Errors
/// As [`adam`].
pub fn ema(elements: usize, beta: f64) -> Result<Launch<EmaParams>> {
    Launch::elementwise(Kernel::new("optim", "ema"), elements, EmaParams { total: total(elements), beta: beta as f32 })
}
