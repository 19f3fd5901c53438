//! Layers that generator and discriminator share.

use super::resample::Direction;
use crate::Result;
use crate::layers::{EqualizedLinear, LinearOptions};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use std::f64::consts::SQRT_2;
use stylegan_kernels::{Activation, BiasAct, Filter, bias_act, conv2d_resample};

/// The normal distribution that weights start from.
pub(super) const NORMAL: Init = Init::Randn { mean: 0., stdev: 1. };

/// The low-pass filter of every change of resolution.
pub(super) fn resample_filter() -> Filter {
    Filter::separable(&[1., 3., 3., 1.])
}

/// A fully connected layer, then leaky ReLU with gain sqrt(2).
#[derive(Debug, Clone)]
pub(super) struct ActivatedLinear(EqualizedLinear);

impl ActivatedLinear {
    pub(super) fn new(inputs: usize, outputs: usize, lr: f64, vb: VarBuilder) -> Result<Self> {
        Ok(Self(EqualizedLinear::new(inputs, outputs, LinearOptions { lr, ..LinearOptions::default() }, vb)?))
    }

    /// `[n, inputs]` to `[n, outputs]`. Other than in StyleGAN, the gain also scales the bias.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(bias_act(&self.0.forward(x)?, None, BiasAct { act: Activation::Lrelu, gain: SQRT_2, clamp: None })?)
    }
}

/// The learned affine map "A" from a style code to one factor per channel; its bias starts at 1.
pub(super) fn affine(w_dim: usize, channels: usize, vb: VarBuilder) -> Result<EqualizedLinear> {
    EqualizedLinear::new(w_dim, channels, LinearOptions { bias: Some(1.), ..LinearOptions::default() }, vb.pp("affine"))
}

/// An equalised convolution with a change of resolution.
#[derive(Debug, Clone)]
pub(super) struct ConvLayer {
    /// `[outputs, inputs, kernel, kernel]`
    weight: Tensor,
    /// Bias `[outputs]` and clamp of a layer with leaky ReLU; a bare convolution has neither.
    activation: Option<(Tensor, Option<f64>)>,
    direction: Direction,
    filter: Filter,
}

impl ConvLayer {
    /// A convolution with bias, leaky ReLU and clamp.
    pub(super) fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        direction: Direction,
        clamp: Option<f64>,
        vb: VarBuilder,
    ) -> Result<Self> {
        let bias = vb.get_with_hints(outputs, "bias", Init::Const(0.))?;
        let weight = vb.get_with_hints((outputs, inputs, kernel, kernel), "weight", NORMAL)?;
        Ok(Self { weight, activation: Some((bias, clamp)), direction, filter: resample_filter() })
    }

    /// The 1x1 convolution beside a residual block: no bias, no activation, no clamp.
    pub(super) fn shortcut(inputs: usize, outputs: usize, direction: Direction, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get_with_hints((outputs, inputs, 1, 1), "weight", NORMAL)?;
        Ok(Self { weight, activation: None, direction, filter: resample_filter() })
    }

    /// `x` is `[n, inputs, h, w]`. The result, and with it the clamp, is multiplied by `gain`.
    pub(super) fn forward(&self, x: &Tensor, gain: f64) -> Result<Tensor> {
        let (_, inputs, kernel, _) = self.weight.dims4()?;
        let scale = 1. / ((inputs * kernel * kernel) as f64).sqrt();
        let resample = self.direction.with(kernel, &self.filter);
        match &self.activation {
            None => Ok(conv2d_resample(x, &self.weight, scale * gain, &resample)?),
            Some((bias, clamp)) => {
                let y = conv2d_resample(x, &self.weight, scale, &resample)?;
                let clamp = clamp.map(|bound| bound * gain);
                Ok(bias_act(&y, Some(bias), BiasAct { act: Activation::Lrelu, gain: SQRT_2 * gain, clamp })?)
            }
        }
    }
}
