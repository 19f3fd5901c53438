//! Linear and convolution layers with equalised learning rate.

use crate::Result;
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use stylegan_kernels as kernels;

/// How an [`EqualizedLinear`] is scaled and started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LinearOptions {
    /// Gain of the activation that follows: sqrt(2) for leaky ReLU, 1 for none.
    pub(crate) gain: f64,
    /// Learning rate relative to other layers: weights start as N(0, 1) / lr and weights and biases
    /// are multiplied by lr at run time.
    pub(crate) lr: f64,
    /// What the bias starts from (before lr), or `None` for a layer without.
    pub(crate) bias: Option<f64>,
}

impl Default for LinearOptions {
    /// Gain 1, lr 1, a bias that starts at 0.
    fn default() -> Self {
        Self { gain: 1., lr: 1., bias: Some(0.) }
    }
}

/// `x` `[n, i]` times `weight` `[o, i]` scaled by `gain lr / sqrt(i)`, plus `lr bias`.
#[derive(Debug, Clone)]
pub(crate) struct EqualizedLinear {
    weight: Tensor,
    bias: Option<Tensor>,
    gain: f64,
    bias_gain: f64,
}

impl EqualizedLinear {
    /// The layer `weight` `[outputs, inputs]` and `bias` `[outputs]` of `vb`.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub(crate) fn new(inputs: usize, outputs: usize, options: LinearOptions, vb: VarBuilder) -> Result<Self> {
        let LinearOptions { gain, lr, bias } = options;
        let weight = vb.get_with_hints((outputs, inputs), "weight", Init::Randn { mean: 0., stdev: 1. / lr })?;
        let bias = bias.map(|start| vb.get_with_hints(outputs, "bias", Init::Const(start / lr))).transpose()?;
        Ok(Self { weight, bias, gain: gain * lr / (inputs as f64).sqrt(), bias_gain: lr })
    }

    /// `[n, inputs]` to `[n, outputs]`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(kernels::linear(x, &self.weight, self.bias.as_ref(), self.gain, self.bias_gain)?)
    }

    /// [`forward`](Self::forward), then leaky ReLU without gain (the gain belongs to the weights).
    ///
    /// # Errors
    /// When shapes do not fit.
    pub(crate) fn forward_lrelu(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.forward(x)?;
        Ok(kernels::bias_act(&y, None, kernels::Activation::Lrelu.into())?)
    }
}

/// A same-size convolution, `weight` `[o, i, k, k]` scaled by `gain / sqrt(i k k)`. The bias
/// `[o]` is kept beside it, for the fused step that follows.
#[derive(Debug, Clone)]
pub(crate) struct EqualizedConv {
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
    pub(crate) gain: f64,
}

impl EqualizedConv {
    /// The layer `weight` `[outputs, inputs, kernel, kernel]` and `bias` `[outputs]` of `vb`.
    /// `gain` is that of the activation that follows.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub(crate) fn new(inputs: usize, outputs: usize, kernel: usize, gain: f64, vb: VarBuilder) -> Result<Self> {
        let weight =
            vb.get_with_hints((outputs, inputs, kernel, kernel), "weight", Init::Randn { mean: 0., stdev: 1. })?;
        let bias = vb.get_with_hints(outputs, "bias", Init::Const(0.))?;
        Ok(Self { weight, bias, gain: gain / ((inputs * kernel * kernel) as f64).sqrt() })
    }

    /// The convolution alone, `[n, inputs, h, w]` to `[n, outputs, h, w]`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub(crate) fn convolve(&self, x: &Tensor) -> Result<Tensor> {
        let padding = self.weight.dim(2)? / 2;
        Ok(kernels::conv2d(x, &self.weight, 1, padding, self.gain)?)
    }

    /// Convolution and bias.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.activate(&self.convolve(x)?, kernels::Activation::Linear)
    }

    /// Convolution, bias and leaky ReLU without gain (the gain belongs to the weights).
    ///
    /// # Errors
    /// When shapes do not fit.
    pub(crate) fn forward_lrelu(&self, x: &Tensor) -> Result<Tensor> {
        self.activate(&self.convolve(x)?, kernels::Activation::Lrelu)
    }

    /// Bias and activation of an already convolved `x`.
    pub(crate) fn activate(&self, x: &Tensor, activation: kernels::Activation) -> Result<Tensor> {
        Ok(kernels::bias_act(x, Some(&self.bias), activation.into())?)
    }
}
