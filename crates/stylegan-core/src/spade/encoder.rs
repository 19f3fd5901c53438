//! The image encoder, which gives pictures a style (Park et al. 2019, section 3.2 and figure 14).

use super::encoder_config::SpadeEncoderConfig;
use crate::Result;
use crate::error::bad_argument;
use crate::layers::{Conv, ConvOptions, Linear, WeightInit, instance_norm};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use stylegan_kernels::{Activation, resize_bilinear};

/// Pixels along a side of the last features.
const LAST: usize = 4;

/// Normal distributions of latents, one for each picture.
#[derive(Debug, Clone)]
pub struct GaussianCode {
    /// Means `[n, z_dim]`.
    pub mean: Tensor,
    /// Logarithms of the variances `[n, z_dim]`.
    pub log_variance: Tensor,
}

impl GaussianCode {
    /// Latents `mean + noise * exp(log_variance / 2)` of standard normal `noise` `[n, z_dim]`.
    ///
    /// # Errors
    /// When the noise has another shape.
    pub fn sample(&self, noise: &Tensor) -> Result<Tensor> {
        if noise.dims() != self.mean.dims() {
            bad_argument!("noise has shape {:?}, expected {:?}", noise.dims(), self.mean.dims())
        }
        Ok((&self.mean + (noise * (&self.log_variance * 0.5)?.exp()?)?)?)
    }
}

/// The image encoder of SPADE: pictures to distributions of latents. Instance normalisation and leaky ReLU follow
/// its convolutions; it computes the same in training and afterwards.
#[derive(Debug, Clone)]
pub struct SpadeEncoder {
    config: SpadeEncoderConfig,
    layers: Vec<Conv>,
    mean: Linear,
    log_variance: Linear,
}

impl SpadeEncoder {
    /// `layer{i}.0`, from 1, `fc_mu` and `fc_var` of `vb`.
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &SpadeEncoderConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let mut inputs = config.img_channels;
        let mut layers = Vec::new();
        for (i, outputs) in config.widths().into_iter().enumerate() {
            let vb = vb.pp(format!("layer{}", i + 1));
            let options = ConvOptions {
                stride: 2,
                bias: false,
                spectral: config.spectral,
                ..ConvOptions::same(inputs, outputs, 3)
            };
            layers.push(Conv::new(options, vb.pp("0"))?);
            inputs = outputs;
        }
        let features = inputs * LAST * LAST;
        let start = [WeightInit::Glorot.of([config.z_dim, features, 1, 1]), Init::Const(0.)];
        let head = |name: &str| Linear::new(features, config.z_dim, start, vb.pp(name));
        let (mean, log_variance) = (head("fc_mu")?, head("fc_var")?);
        Ok(Self { config: config.clone(), layers, mean, log_variance })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &SpadeEncoderConfig {
        &self.config
    }

    /// Pictures `[n, img_channels, h, w]` of any size, in [-1, 1], to distributions of latents.
    ///
    /// # Errors
    /// When pictures have other channels.
    pub fn forward(&self, img: &Tensor) -> Result<GaussianCode> {
        let (_, c, h, w) = img.dims4()?;
        let side = self.config.resolution;
        if c != self.config.img_channels {
            bad_argument!("pictures have {c} channels, the encoder reads {}", self.config.img_channels)
        }
        let mut x = if [h, w] == [side; 2] { img.clone() } else { resize_bilinear(img, side, side, false)? };
        for conv in &self.layers {
            x = instance_norm(&conv.forward(&x, Activation::Linear)?, Activation::Lrelu)?;
        }
        let x = x.flatten_from(1)?;
        Ok(GaussianCode { mean: self.mean.forward(&x)?, log_variance: self.log_variance.forward(&x)? })
    }
}
