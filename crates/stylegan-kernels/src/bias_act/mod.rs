//! Bias, activation, gain and clamp in one pass.

use candle_core::{Result, Tensor};

/// An activation function with the gain that keeps its output variance near 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// The identity, gain 1.
    Linear,
    /// Leaky ReLU with slope 0.2, gain sqrt(2).
    Lrelu,
}

/// The slope of leaky ReLU for negative values in all networks of the family.
pub const LRELU_ALPHA: f64 = 0.2;

/// `clamp(gain * act(x + bias))`. `x` is `[n, c, …]`, `bias` `[c]`; `clamp` bounds the magnitude.
pub fn bias_act(x: &Tensor, bias: Option<&Tensor>, act: Activation, gain: f64, clamp: Option<f64>) -> Result<Tensor> {
    let mut x = x.clone();
    if let Some(bias) = bias {
        let mut shape = vec![1; x.rank()];
        shape[1] = bias.elem_count();
        x = x.broadcast_add(&bias.reshape(shape)?)?;
    }
    if act == Activation::Lrelu {
        x = x.maximum(&(&x * LRELU_ALPHA)?)?;
    }
    if gain != 1. {
        x = (x * gain)?;
    }
    match clamp {
        Some(bound) => x.clamp(-bound, bound),
        None => Ok(x),
    }
}

/// `gain * act(x + noise * strength + bias)`. `x` is `[n, c, h, w]`, `noise` `[n or 1, 1, h, w]`,
/// `strength` `[c]` (or `[]`), `bias` `[c]`.
pub fn noise_bias_act(
    x: &Tensor,
    noise: &Tensor,
    strength: &Tensor,
    bias: &Tensor,
    act: Activation,
    gain: f64,
    clamp: Option<f64>,
) -> Result<Tensor> {
    let c = strength.elem_count();
    let x = x.broadcast_add(&noise.broadcast_mul(&strength.reshape((1, c, 1, 1))?)?)?;
    bias_act(&x, Some(bias), act, gain, clamp)
}
