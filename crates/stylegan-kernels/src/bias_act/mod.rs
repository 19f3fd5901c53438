//! Noise, bias, activation, gain and clamp in one pass.

mod activation;
mod channel_sum;
mod convolution;
mod epilogue;
mod piecewise_linear;
mod smooth;

pub use activation::{Activation, LRELU_ALPHA};
pub use convolution::conv2d_bias_act;
pub(crate) use epilogue::{After, Epilogue};

use crate::autodiff::{apply1, apply2, apply3};
use candle_core::{Result, Tensor};
use piecewise_linear::PiecewiseLinear;
use smooth::Smooth;

/// `clamp(gain * act(x + bias))`. `x` is `[n, c, …]`, `bias` `[c]`; `clamp` bounds the magnitude.
/// At a kink (0 for the ReLU family) the derivative is the one from below; beyond the clamp it is 0.
///
/// # Errors
/// When the bias does not have one entry per channel.
pub fn bias_act(x: &Tensor, bias: Option<&Tensor>, act: Activation, gain: f64, clamp: Option<f64>) -> Result<Tensor> {
    scaled_bias_act(x, bias, 1., act, gain, clamp)
}

/// [`bias_act`] with the bias times `bias_gain` (equalised learning rates).
pub(crate) fn scaled_bias_act(
    x: &Tensor,
    bias: Option<&Tensor>,
    bias_gain: f64,
    act: Activation,
    gain: f64,
    clamp: Option<f64>,
) -> Result<Tensor> {
    let clamp = clamp.unwrap_or(f64::INFINITY);
    let Some(slope) = act.negative_slope() else {
        let x = match bias {
            Some(_) => &scaled_bias_act(x, bias, bias_gain, Activation::Linear, 1., None)?,
            None => x,
        };
        return apply1(x, Smooth { act, gain, clamp, order: 0 });
    };
    positive(gain)?;
    let op = PiecewiseLinear { slope, gain, clamp, bias_gain, noise: None };
    match bias {
        None if slope == 1. && gain == 1. && clamp == f64::INFINITY => Ok(x.clone()),
        None => apply1(x, op),
        Some(bias) => apply2(x, &per_channel("bias", bias, x.dims())?, op),
    }
}

/// `clamp(gain * act(x + noise * strength + bias))`. `x` is `[n, c, h, w]`, `noise`
/// `[n or 1, 1, h, w]`, `strength` `[c]` (or `[]`), `bias` `[c]`.
///
/// # Errors
/// When noise, strength or bias do not fit the input.
pub fn noise_bias_act(
    x: &Tensor,
    noise: &Tensor,
    strength: &Tensor,
    bias: &Tensor,
    act: Activation,
    gain: f64,
    clamp: Option<f64>,
) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    if noise.dims() != [n, 1, h, w] && noise.dims() != [1, 1, h, w] {
        candle_core::bail!(
            "noise_bias_act: noise {:?} for input {:?}, expected [{n} or 1, 1, {h}, {w}]",
            noise.dims(),
            x.dims()
        )
    }
    let strength = match strength.elem_count() {
        1 if c != 1 => strength.flatten_all()?.broadcast_as(c)?,
        _ => per_channel("strength", strength, x.dims())?,
    };
    let bias = per_channel("bias", bias, x.dims())?;
    let slope = match act.negative_slope() {
        Some(slope) if !noise.track_op() => slope,
        // Noise that is itself optimised, and smooth activations, are rare: in parts.
        _ => {
            let x = x.broadcast_add(&noise.broadcast_mul(&strength.reshape((1, c, 1, 1))?)?)?;
            return bias_act(&x, Some(&bias), act, gain, clamp);
        }
    };
    let clamp = clamp.unwrap_or(f64::INFINITY);
    positive(gain)?;
    let noise = Some(noise.to_dtype(x.dtype())?.contiguous()?);
    apply3(x, &strength, &bias, PiecewiseLinear { slope, gain, clamp, bias_gain: 1., noise })
}

/// The sign of the result tells the slope only under a positive gain.
fn positive(gain: f64) -> Result<()> {
    if gain > 0. {
        return Ok(());
    }
    candle_core::bail!("bias_act: gain is {gain}, expected a number above 0; negate the result instead")
}

/// `value` as `[c]`, the same tensor where it has that shape already.
fn per_channel(name: &str, value: &Tensor, x: &[usize]) -> Result<Tensor> {
    let c = x.get(1).copied().unwrap_or(0);
    if value.elem_count() != c {
        candle_core::bail!(
            "bias_act: {name} {:?} for input {x:?}, expected one entry for each of {c} channels",
            value.dims()
        )
    }
    if value.rank() == 1 { Ok(value.clone()) } else { value.flatten_all() }
}
