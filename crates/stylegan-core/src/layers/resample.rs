//! Convolutions that double or halve the resolution.

use super::EqualizedConv;
use crate::Result;
use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_kernels::{self as kernels, Activation, Filter};

/// The direction of a [`ResamplingConv`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resample {
    /// Repeat pixels, then convolve.
    Up,
    /// Convolve, then average 2x2 pixels.
    Down,
}

/// Which of two ways a resampling convolution takes.
///
/// Upsampling then convolving is one transposed convolution with a 4x4 kernel, convolving then
/// averaging is one strided convolution (PGGAN, official code: `fused_scale`): the same function at
/// another cost. (In the official generators fused weights are stored rotated by 180 degrees, as
/// their transposed convolutions take kernels unflipped; importers turn them round.)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FusedScale {
    /// Fused from 128 pixels (the shorter side of the larger picture), as published.
    #[default]
    Auto,
    /// Always fused.
    Always,
    /// Never fused.
    Never,
}

impl FusedScale {
    /// Whether to fuse a change of resolution whose larger picture has `[h, w]` pixels.
    pub fn fuses(self, [h, w]: [usize; 2]) -> bool {
        match self {
            FusedScale::Auto => h.min(w) >= 128,
            FusedScale::Always => true,
            FusedScale::Never => false,
        }
    }
}

/// A 3x3 convolution with a change of resolution, as two steps or fused into one with a 4x4 kernel
/// (the 3x3 one summed over the four shifts of a 2x2 block): the same function, another cost.
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
        let spread = fused.then(|| spread(direction, vb.device(), vb.dtype())).transpose()?;
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
/// 4x4 kernel: where `a - u` and `b - v` are 0 or 1. A transposed convolution sees its kernel
/// rotated by 180 degrees, hence `(2 - u, 2 - v)` upwards.
pub(crate) fn spread(direction: Resample, device: &candle_core::Device, dtype: DType) -> Result<Tensor> {
    let touches = |small: usize, large: usize| {
        let small = if direction == Resample::Up { 2 - small } else { small };
        large == small || large == small + 1
    };
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;
    use candle_nn::VarBuilder;
    use std::collections::HashMap;

    fn layer(weight: &Tensor, direction: Resample, fused: bool) -> ResamplingConv {
        let (o, i, _, _) = weight.dims4().unwrap();
        let bias = Tensor::zeros(o, DType::F64, &Device::Cpu).unwrap();
        let tensors = HashMap::from([("weight".into(), weight.clone()), ("bias".into(), bias)]);
        let vb = VarBuilder::from_tensors(tensors, DType::F64, &Device::Cpu);
        ResamplingConv::new(i, o, direction, fused, 1., vb).unwrap()
    }

    /// f64, sums of at most 64 products: 1e-12.
    #[test]
    fn fused_is_the_two_steps() {
        let key = crate::latent::StreamKey::new(0, "test", 0);
        let weight = key.normal_rows(&[0, 1, 2], 0, &[4, 3, 3], DType::F64, &Device::Cpu).unwrap();
        let x = key.normal_rows(&[3, 4], 0, &[4, 6, 10], DType::F64, &Device::Cpu).unwrap();
        for (direction, size) in [(Resample::Down, (3, 5)), (Resample::Up, (12, 20))] {
            let fused = layer(&weight, direction, true).convolve(&x).unwrap();
            let apart = layer(&weight, direction, false).convolve(&x).unwrap();
            assert_eq!(fused.dims4().unwrap(), (2, 3, size.0, size.1));
            let differences = (fused - apart).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            // Each: `max` passes over what is no number.
            assert!(differences.iter().all(|x| x.abs() < 1e-12), "{direction:?}");
        }
    }
}
