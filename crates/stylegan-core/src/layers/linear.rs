//! A linear layer whose weights are used as they are stored.

use crate::Result;
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use stylegan_kernels::linear;

/// A linear layer without equalised learning rate: `weight` `[outputs, inputs]`, `bias` `[outputs]`.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// `weight` and `bias` of `vb`, started as `[weight, bias]` say.
    pub(crate) fn new(inputs: usize, outputs: usize, [weight, bias]: [Init; 2], vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            weight: vb.get_with_hints((outputs, inputs), "weight", weight)?,
            bias: vb.get_with_hints(outputs, "bias", bias)?,
        })
    }

    /// `[n, inputs]` to `[n, outputs]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(linear(x, &self.weight, Some(&self.bias), 1., 1.)?)
    }
}
