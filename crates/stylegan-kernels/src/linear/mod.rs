//! Fully connected layers.

use candle_core::{Result, Tensor};

/// `gain * x weightᵀ + bias_gain * bias`: `x` `[n, i]`, `weight` `[o, i]`, `bias` `[o]`.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, gain: f64, bias_gain: f64) -> Result<Tensor> {
    let y = (x.matmul(&weight.t()?)? * gain)?;
    match bias {
        Some(bias) => y.broadcast_add(&(bias * bias_gain)?.unsqueeze(0)?),
        None => Ok(y),
    }
}
