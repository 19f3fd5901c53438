//! The style of a StyleGAN layer.

use super::{EqualizedLinear, LinearOptions};
use crate::Result;
use candle_core::Tensor;
use candle_nn::VarBuilder;
use stylegan_kernels as kernels;

/// Adaptive instance normalisation: a learned affine map "A" turns a style code into a scale and a
/// shift per channel (StyleGAN, section 2, equation 1, with the scale counted from 1).
#[derive(Debug, Clone)]
pub struct Style {
    affine: EqualizedLinear,
    channels: usize,
    eps: f64,
}

impl Style {
    /// `weight` `[2 channels, w_dim]` and `bias` `[2 channels]` of `vb`: scales, then shifts. `eps`
    /// is added to the variance of a map before its root.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub fn new(w_dim: usize, channels: usize, eps: f64, vb: VarBuilder) -> Result<Self> {
        Ok(Self { affine: EqualizedLinear::new(w_dim, 2 * channels, LinearOptions::default(), vb)?, channels, eps })
    }

    /// The style `[n, 2 channels]` of codes `w` `[n, w_dim]`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn affine(&self, w: &Tensor) -> Result<Tensor> {
        self.affine.forward(w)
    }

    /// `x` `[n, channels, h, w]` in the style `[n, 2 channels]`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn apply(&self, x: &Tensor, style: &Tensor) -> Result<Tensor> {
        let scale = (style.narrow(1, 0, self.channels)?.contiguous()? + 1.)?;
        let shift = style.narrow(1, self.channels, self.channels)?.contiguous()?;
        Ok(kernels::instance_style(x, &scale, &shift, self.eps)?)
    }
}
