//! Convolutions that double or halve the resolution.

use super::EqualizedConv;
use crate::Result;
use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;
use stylegan_kernels::{self as kernels, Activation, Filter};

/// The direction of a [`ResamplingConv`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resample {
    /// Repeat pixels, then convolve.
    Up,
    /// Convolve, then average 2x2 pixels.
    Down,
}

/// A 3x3 convolution with a change of resolution, as two steps or fused into one with a 4x4 kernel
/// (the 3x3 one summed over the four shifts of a 2x2 block).
///
/// Fused or not is the same function of `x` downwards. Upwards the official code leaves the kernel
/// of its transposed convolution unflipped, so that fused weights are those of the two steps
/// rotated by 180 degrees: `fused` belongs to the weights.
#[derive(Debug, Clone)]
pub struct ResamplingConv {
    conv: EqualizedConv,
    direction: Resample,
    /// `[9, 16]`: from the 3x3 kernel to the 4x4 one.
    spread: Option<Tensor>,
}

impl ResamplingConv {
    /// The layer `weight` `[outputs, inputs, 3, 3]` and `bias` `[outputs]` of `vb`.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub fn new(
        inputs: usize,
        outputs: usize,
        direction: Resample,
        fused: bool,
        gain: f64,
        vb: VarBuilder,
    ) -> Result<Self> {
        let spread = fused.then(|| spread(vb.device(), vb.dtype())).transpose()?;
        Ok(Self { conv: EqualizedConv::new(inputs, outputs, 3, gain, vb)?, direction, spread })
    }

    /// Convolution and change of resolution, `[n, inputs, h, w]` to `[n, outputs, 2h, 2w]` or
    /// `[n, outputs, h/2, w/2]`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn convolve(&self, x: &Tensor) -> Result<Tensor> {
        let Some(spread) = &self.spread else {
            return match self.direction {
                Resample::Up => self.conv.convolve(&kernels::upsample_nearest2x(x)?),
                Resample::Down => Ok(kernels::avg_pool2x(&self.conv.convolve(x)?)?),
            };
        };
        let (o, i, _, _) = self.conv.weight.dims4()?;
        let weight = self.conv.weight.reshape((o * i, 9))?.matmul(spread)?.reshape((o, i, 4, 4))?;
        Ok(match self.direction {
            Resample::Up => {
                kernels::conv_transpose2d(x, &weight.transpose(0, 1)?.contiguous()?, 2, 1, 0, self.conv.gain)?
            }
            Resample::Down => kernels::conv2d(x, &weight, 2, 1, self.conv.gain / 4.)?,
        })
    }

    /// The bias `[outputs]`.
    pub fn bias(&self) -> &Tensor {
        &self.conv.bias
    }

    /// Bias and leaky ReLU of an already convolved `x`.
    pub(crate) fn activate(&self, x: &Tensor) -> Result<Tensor> {
        self.conv.activate(x, Activation::Lrelu)
    }

    /// The unscaled convolution apart from the change of resolution.
    pub(crate) fn conv(&self) -> &EqualizedConv {
        &self.conv
    }

    /// Whether both steps are one.
    pub(crate) fn is_fused(&self) -> bool {
        self.spread.is_some()
    }
}

/// Entry `(3u + v, 4a + b)` is 1 where tap `(u, v)` of the 3x3 kernel adds to tap `(a, b)` of the
/// 4x4 kernel: `a - u` and `b - v` are 0 or 1.
fn spread(device: &candle_core::Device, dtype: DType) -> Result<Tensor> {
    let touches = |small: usize, large: usize| large == small || large == small + 1;
    let mut values = vec![0f64; 9 * 16];
    for (index, value) in values.iter_mut().enumerate() {
        let (row, column) = (index / 16, index % 16);
        if touches(row / 3, column / 4) && touches(row % 3, column % 4) {
            *value = 1.;
        }
    }
    Ok(Tensor::from_vec(values, (9, 16), device)?.to_dtype(dtype)?)
}

/// The low-pass filter of a network's config: `None` when it has no taps.
pub(crate) fn blur_filter(taps: &[f64]) -> Option<Filter> {
    (!taps.is_empty()).then(|| Filter::separable(taps))
}

/// `x` through `filter` at the same size, or as it is.
pub(crate) fn blur(x: Tensor, filter: Option<&Filter>) -> Result<Tensor> {
    match filter {
        Some(filter) => Ok(kernels::filter2d(&x, filter, 1.)?),
        None => Ok(x),
    }
}
