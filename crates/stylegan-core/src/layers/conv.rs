//! Convolutions whose weights start small instead of being scaled at run time.

use super::semantic_map::SemanticMap;
use super::spectral_norm::SpectralNorm;
use super::weight_init::WeightInit;
use crate::Result;
use crate::error::bad_argument;
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use stylegan_kernels::{self as kernels, Activation};

/// What a [`Conv`] is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvOptions {
    pub inputs: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    pub bias: bool,
    /// Whether the weight is divided by its largest singular value.
    pub spectral: bool,
    pub init: WeightInit,
}

impl ConvOptions {
    /// A convolution with bias that keeps the size.
    pub(crate) fn same(inputs: usize, outputs: usize, kernel: usize) -> Self {
        let padding = kernel / 2;
        Self { inputs, outputs, kernel, stride: 1, padding, bias: true, spectral: false, init: WeightInit::Glorot }
    }
}

#[derive(Debug, Clone)]
enum Weight {
    Plain(Tensor),
    Spectral(SpectralNorm),
}

impl Weight {
    fn new(shape: [usize; 4], transposed: bool, spectral: bool, init: WeightInit, vb: &VarBuilder) -> Result<Self> {
        Ok(if spectral {
            Self::Spectral(SpectralNorm::new(shape, transposed, init, vb)?)
        } else {
            Self::Plain(vb.get_with_hints(shape.to_vec(), "weight", init.of(shape))?)
        })
    }

    /// The weight, and the factor that it is yet to be multiplied by.
    fn scaled(&self) -> Result<(Tensor, f64)> {
        match self {
            Self::Plain(weight) => Ok((weight.clone(), 1.)),
            Self::Spectral(weight) => weight.scaled(),
        }
    }
}

/// A convolution with `weight` `[outputs, inputs, kernel, kernel]` and, if it has one, `bias` `[outputs]`.
#[derive(Debug, Clone)]
pub(crate) struct Conv {
    weight: Weight,
    bias: Option<Tensor>,
    options: ConvOptions,
}

impl Conv {
    /// `weight` (or `weight_orig`, `weight_u` and `weight_v`) and `bias` of `vb`.
    pub(crate) fn new(options: ConvOptions, vb: VarBuilder) -> Result<Self> {
        let ConvOptions { inputs, outputs, kernel, spectral, init, .. } = options;
        let weight = Weight::new([outputs, inputs, kernel, kernel], false, spectral, init, &vb)?;
        let bias = options.bias.then(|| vb.get_with_hints(outputs, "bias", Init::Const(0.))).transpose()?;
        Ok(Self { weight, bias, options })
    }

    /// `x` `[n, inputs, h, w]`, convolved, with bias and activation.
    pub(crate) fn forward(&self, x: &Tensor, act: Activation) -> Result<Tensor> {
        let ((weight, gain), ConvOptions { stride, padding, .. }) = (self.weight.scaled()?, self.options);
        match &self.bias {
            Some(bias) => Ok(kernels::conv2d_bias_act(x, &weight, bias, stride, padding, gain, act.into())?),
            None => self.activate(&kernels::conv2d(x, &weight, stride, padding, gain)?, act),
        }
    }

    /// As [`forward`](Self::forward), of a map.
    pub(crate) fn forward_map(&self, map: &SemanticMap, act: Activation) -> Result<Tensor> {
        let ConvOptions { inputs, stride, padding, .. } = self.options;
        match map {
            SemanticMap::Channels(x) => self.forward(x, act),
            SemanticMap::Labels(_) if map.channels()? != inputs => self.wrong_map(map, inputs),
            SemanticMap::Labels(labels) => {
                let weight = whole(self.weight.scaled()?)?;
                self.activate(&kernels::label_conv2d(labels, &weight, stride, padding)?, act)
            }
        }
    }

    /// As [`forward`](Self::forward), of a map with `x` behind it, `[n, map channels + channels, h, w]`; the
    /// two are never joined.
    pub(crate) fn forward_joined(&self, map: &SemanticMap, x: &Tensor, act: Activation) -> Result<Tensor> {
        let ConvOptions { inputs, stride, padding, .. } = self.options;
        let (m, c) = (map.channels()?, x.dim(1)?);
        if m + c != inputs {
            return self.wrong_map(map, inputs.saturating_sub(c));
        }
        let weight = whole(self.weight.scaled()?)?;
        let (of_map, of_x) = (weight.narrow(1, 0, m)?, weight.narrow(1, m, c)?);
        let y = kernels::conv2d(x, &of_x, stride, padding, 1.)?;
        let y = match map {
            SemanticMap::Labels(labels) => (y + kernels::label_conv2d(labels, &of_map, stride, padding)?)?,
            SemanticMap::Channels(map) => (y + kernels::conv2d(map, &of_map, stride, padding, 1.)?)?,
        };
        self.activate(&y, act)
    }

    fn activate(&self, y: &Tensor, act: Activation) -> Result<Tensor> {
        Ok(kernels::bias_act(y, self.bias.as_ref(), act.into())?)
    }

    fn wrong_map<T>(&self, map: &SemanticMap, expected: usize) -> Result<T> {
        bad_argument!("the map has {} channels, the network reads {expected}", map.channels()?)
    }
}

/// A weight times its factor.
fn whole((weight, gain): (Tensor, f64)) -> Result<Tensor> {
    if gain == 1. { Ok(weight) } else { Ok((weight * gain)?) }
}

/// A transposed convolution of stride 2 that doubles the size: `weight` `[inputs, outputs, 3, 3]`.
#[derive(Debug, Clone)]
pub(crate) struct UpConv {
    weight: Weight,
    bias: Option<Tensor>,
}

impl UpConv {
    /// `weight` (or `weight_orig`, `weight_u` and `weight_v`) and `bias` of `vb`; kernel, stride and padding
    /// of `options` are not asked.
    pub(crate) fn new(options: ConvOptions, vb: VarBuilder) -> Result<Self> {
        let ConvOptions { inputs, outputs, spectral, init, bias, .. } = options;
        let weight = Weight::new([inputs, outputs, 3, 3], true, spectral, init, &vb)?;
        let bias = bias.then(|| vb.get_with_hints(outputs, "bias", Init::Const(0.))).transpose()?;
        Ok(Self { weight, bias })
    }

    /// `[n, inputs, h, w]` to `[n, outputs, 2h, 2w]`.
    pub(crate) fn forward(&self, x: &Tensor, act: Activation) -> Result<Tensor> {
        let (weight, gain) = self.weight.scaled()?;
        let y = kernels::conv_transpose2d(x, &weight, 2, 1, 1, gain)?;
        Ok(kernels::bias_act(&y, self.bias.as_ref(), act.into())?)
    }
}
