//! Optimiser steps and weight averages as single passes over memory.

use candle_core::{Result, Tensor, Var};

/// Hyper-parameters of one Adam step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamConfig {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
}

/// One Adam step in place (Kingma and Ba 2015, with bias correction): `weight`, `m` and `v` change.
/// `step` counts from 1. `grad` has the shape of `weight`.
pub fn adam_step(weight: &Var, grad: &Tensor, m: &Var, v: &Var, step: u64, config: AdamConfig) -> Result<()> {
    let AdamConfig { lr, beta1, beta2, eps } = config;
    m.set(&((m.as_tensor() * beta1)? + (grad * (1. - beta1))?)?)?;
    v.set(&((v.as_tensor() * beta2)? + (grad.sqr()? * (1. - beta2))?)?)?;
    let (c1, c2) = (1. - beta1.powi(step as i32), 1. - beta2.powi(step as i32));
    let denominator = ((v.as_tensor() / c2)?.sqrt()? + eps)?;
    weight.set(&(weight.as_tensor() - ((m.as_tensor() * (lr / c1))? / denominator)?)?)
}

/// `average = lerp(weight, average, beta)` in place.
pub fn ema_step(average: &Var, weight: &Tensor, beta: f64) -> Result<()> {
    average.set(&(weight + ((average.as_tensor() - weight)? * beta)?)?)
}
