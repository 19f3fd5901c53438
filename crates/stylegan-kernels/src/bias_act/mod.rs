//! Noise, bias, activation, gain and clamp in one pass.

mod activation;
mod channel_sum;
mod convolution;
mod epilogue;
mod piecewise_linear;
mod prelu;
mod smooth;

pub use activation::{Activation, LRELU_ALPHA};
pub use convolution::conv2d_bias_act;
pub use epilogue::Epilogue;
pub(crate) use epilogue::EpilogueData;
pub(crate) use piecewise_linear::PiecewiseLinear;
pub use prelu::prelu;

use crate::autodiff::{apply1, apply2, apply3};
use candle_core::{Result, Tensor};
use smooth::Smooth;

/// What is done to `x + bias`: `clamp(gain * act(x + bias))`. The default is the identity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BiasAct {
    /// The activation.
    pub act: Activation,
    /// Its gain; above 0 for activations of the ReLU family.
    pub gain: f64,
    /// Bound of the magnitude.
    pub clamp: Option<f64>,
}

impl Default for BiasAct {
    fn default() -> Self {
        Self { act: Activation::Linear, gain: 1., clamp: None }
    }
}

impl From<Activation> for BiasAct {
    /// The activation alone: gain 1, no clamp.
    fn from(act: Activation) -> Self {
        Self { act, ..Self::default() }
    }
}

impl BiasAct {
    /// The bound, infinite for none.
    fn bound(self) -> Result<f64> {
        match self.clamp {
            None => Ok(f64::INFINITY),
            Some(bound) if bound >= 0. => Ok(bound),
            Some(bound) => candle_core::bail!("bias_act: clamp is {bound}, expected a number of at least 0"),
        }
    }

    /// The gain, where the sign of the result is to tell the slope: that it does only under a
    /// positive one.
    fn positive_gain(self) -> Result<f64> {
        if self.gain > 0. {
            return Ok(self.gain);
        }
        candle_core::bail!("bias_act: gain is {}, expected a number above 0; negate the result instead", self.gain)
    }
}

/// `clamp(gain * act(x + bias))`. `x` is `[n, c, …]`, `bias` `[c]`.
/// At a kink (0 for the ReLU family) the derivative is the one from below; beyond the clamp it is 0.
///
/// # Errors
/// When the bias does not have one entry per channel, the clamp is below 0, or the gain of a piecewise linear activation is not
/// above 0.
pub fn bias_act(x: &Tensor, bias: Option<&Tensor>, act: BiasAct) -> Result<Tensor> {
    scaled_bias_act(x, bias, 1., act)
}

/// [`bias_act`] with the bias times `bias_gain` (equalised learning rates).
pub(crate) fn scaled_bias_act(x: &Tensor, bias: Option<&Tensor>, bias_gain: f64, act: BiasAct) -> Result<Tensor> {
    let clamp = act.bound()?;
    let Some(slope) = act.act.negative_slope() else {
        let x = match bias {
            Some(_) => &scaled_bias_act(x, bias, bias_gain, BiasAct::default())?,
            None => x,
        };
        return apply1(x, Smooth { act: act.act, gain: act.gain, clamp, order: 0 });
    };
    let gain = act.positive_gain()?;
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
pub fn noise_bias_act(x: &Tensor, noise: &Tensor, strength: &Tensor, bias: &Tensor, act: BiasAct) -> Result<Tensor> {
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
    let slope = match act.act.negative_slope() {
        Some(slope) if !noise.track_op() => slope,
        // Noise that is itself optimised, and smooth activations, are rare: in parts.
        _ => {
            let x = x.broadcast_add(&noise.broadcast_mul(&strength.reshape((1, c, 1, 1))?)?)?;
            return bias_act(&x, Some(&bias), act);
        }
    };
    let (gain, clamp) = (act.positive_gain()?, act.bound()?);
    let noise = Some(noise.to_dtype(x.dtype())?.contiguous()?);
    apply3(x, &strength, &bias, PiecewiseLinear { slope, gain, clamp, bias_gain: 1., noise })
}

/// `value` as `[c]`, the same tensor where it has that shape already.
fn per_channel(name: &str, value: &Tensor, x: &[usize]) -> Result<Tensor> {
    let Some(&c) = x.get(1) else {
        candle_core::bail!("bias_act: {name} {:?} for input {x:?}, which has no channels", value.dims())
    };
    if value.elem_count() != c {
        candle_core::bail!(
            "bias_act: {name} {:?} for input {x:?}, expected one entry for each of {c} channels",
            value.dims()
        )
    }
    if value.rank() == 1 { Ok(value.clone()) } else { value.flatten_all() }
}
