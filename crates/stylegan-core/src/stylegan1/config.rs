//! Configuration of the StyleGAN generator and discriminator.

use crate::layers::{FusedScale, Pyramid, check_label, check_positive};
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of the StyleGAN generator. The defaults are those of the official code
/// (`G_mapping`, `G_synthesis` and `train.py`), which are configuration F of the paper; the
/// switches give configurations B to F of Table 1 and the rows of Table 4.
///
/// Table 1: C is `const_input = false, use_noise = false`; D is `use_noise = false`; E and F are the
/// defaults (mixing is the trainer's). B, the traditional generator, is
/// `use_styles = false, pixel_norm = true, const_input = false, use_noise = false,
/// mapping_layers = 0`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StyleGan1Config {
    /// Height and width of pictures in pixels; FFHQ 1024x1024. Both are one power of two times a
    /// small base (4x4, 3x4, …).
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Width of the latent code z, 512 (section 2).
    pub z_dim: usize,
    /// Width of the label, 0 for none (`label_size`).
    pub c_dim: usize,
    /// Width of the style code w, 512 (section 2).
    pub w_dim: usize,
    /// Fully connected layers of the mapping network, 8 (section 2; Table 4 varies it). With 0 the
    /// style is the normalised latent itself, and `w_dim` must be the width of that.
    pub mapping_layers: usize,
    /// Width of the mapping network's hidden layers, 512 (`mapping_fmaps`).
    pub mapping_width: usize,
    /// Learning rate of the mapping network relative to the rest, 0.01 (appendix C).
    pub mapping_lr: f64,
    /// Whether to scale latents (with the embedded label) to a mean square of 1, true
    /// (`normalize_latents`).
    pub normalize_latents: bool,
    /// Channels at resolution `r` are `channel_base / r`, at most `channel_max`; 16384
    /// (`fmap_base = 8192`, counted at twice the resolution).
    pub channel_base: usize,
    /// Upper bound of channels, 512 (`fmap_max`).
    pub channel_max: usize,
    /// Start from a learned constant instead of a layer fed with w, true (section 2.2, config D).
    pub const_input: bool,
    /// Normalise every layer's maps per picture, then scale and shift them by the style, true
    /// (AdaIN, config C; the official code's `use_styles` with `use_instance_norm`).
    pub use_styles: bool,
    /// Noise inputs, true (config E).
    pub use_noise: bool,
    /// Pixel norm after each activation, false (true in the traditional generator).
    pub pixel_norm: bool,
    /// Taps of the separable low-pass filter after each upsampling, `[1, 2, 1]` (appendix C,
    /// config B: bilinear sampling); empty for none.
    pub blur_filter: Vec<f64>,
    /// Fused upsampling convolutions.
    pub fused_scale: FusedScale,
    /// Added to the variance of a map before its root, 1e-8 (1e-5 in rosinality's networks).
    pub norm_eps: f64,
    /// Whether the bias of an upsampling convolution is added before the low-pass filter, which
    /// darkens or brightens the border, instead of after the noise; false (true in rosinality's
    /// networks).
    pub bias_before_blur: bool,
    /// Whether both layers of a resolution receive the same random noise, false (true in
    /// rosinality's networks).
    pub share_noise: bool,
}

impl Default for StyleGan1Config {
    fn default() -> Self {
        Self {
            img_size: [1024, 1024],
            img_channels: 3,
            z_dim: 512,
            c_dim: 0,
            w_dim: 512,
            mapping_layers: 8,
            mapping_width: 512,
            mapping_lr: 0.01,
            normalize_latents: true,
            channel_base: 16384,
            channel_max: 512,
            const_input: true,
            use_styles: true,
            use_noise: true,
            pixel_norm: false,
            blur_filter: vec![1., 2., 1.],
            fused_scale: FusedScale::Auto,
            norm_eps: 1e-8,
            bias_before_blur: false,
            share_noise: false,
        }
    }
}

impl StyleGan1Config {
    /// Checks that the fields describe a network.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        Pyramid::new(self.img_size)?;
        check_label(self.c_dim)?;
        let positive = [
            ("img_channels", self.img_channels),
            ("z_dim", self.z_dim),
            ("w_dim", self.w_dim),
            ("mapping_width", self.mapping_width),
            ("channel_base", self.channel_base),
            ("channel_max", self.channel_max),
        ];
        check_positive(&positive)?;
        if !self.use_styles && self.const_input {
            return Err(Error::Config(
                "const_input = true with use_styles = false leaves the latent without any way into the picture; \
                 set const_input = false"
                    .into(),
            ));
        }
        let width = self.mapping_input();
        if self.mapping_layers == 0 && self.w_dim != width {
            return Err(Error::Config(format!(
                "mapping_layers = 0 passes the latent on as the style, so w_dim must be {width}, found {}",
                self.w_dim
            )));
        }
        if !(self.mapping_lr > 0. && self.mapping_lr.is_finite()) {
            return Err(Error::Config(format!("mapping_lr must be above 0, found {}", self.mapping_lr)));
        }
        if !(self.norm_eps > 0. && self.norm_eps.is_finite()) {
            return Err(Error::Config(format!("norm_eps must be above 0, found {}", self.norm_eps)));
        }
        check_filter(&self.blur_filter)
    }

    /// Width of the latent with the embedded label beside it.
    pub(crate) fn mapping_input(&self) -> usize {
        if self.c_dim > 0 { 2 * self.z_dim } else { self.z_dim }
    }
}

/// Configuration of the StyleGAN discriminator. The defaults are those of the official code
/// (`D_basic`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StyleGan1DiscriminatorConfig {
    /// Height and width of pictures in pixels, as in [`StyleGan1Config`].
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Width of the label, 0 for none: the logit is the label's product with one logit per class.
    pub c_dim: usize,
    /// Channels at resolution `r` are `channel_base / r`, at most `channel_max`; 16384.
    pub channel_base: usize,
    /// Upper bound of channels, 512.
    pub channel_max: usize,
    /// Samples per group of the minibatch standard deviation, 4; 0 leaves the layer out.
    pub mbstd_group: usize,
    /// Features of the minibatch standard deviation, 1.
    pub mbstd_channels: usize,
    /// Taps of the separable low-pass filter before each downsampling, `[1, 2, 1]`; empty for none.
    pub blur_filter: Vec<f64>,
    /// Fused downsampling convolutions.
    pub fused_scale: FusedScale,
}

impl Default for StyleGan1DiscriminatorConfig {
    fn default() -> Self {
        Self {
            img_size: [1024, 1024],
            img_channels: 3,
            c_dim: 0,
            channel_base: 16384,
            channel_max: 512,
            mbstd_group: 4,
            mbstd_channels: 1,
            blur_filter: vec![1., 2., 1.],
            fused_scale: FusedScale::Auto,
        }
    }
}

impl StyleGan1DiscriminatorConfig {
    /// Checks that the fields describe a network.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        Pyramid::new(self.img_size)?;
        check_label(self.c_dim)?;
        check_positive(&[
            ("img_channels", self.img_channels),
            ("channel_base", self.channel_base),
            ("channel_max", self.channel_max),
            ("mbstd_channels", self.mbstd_channels),
        ])?;
        check_filter(&self.blur_filter)
    }
}

/// The longest low-pass filter.
const MAX_TAPS: usize = 15;

fn check_filter(taps: &[f64]) -> Result<()> {
    let sum: f64 = taps.iter().sum();
    if taps.len() > MAX_TAPS {
        return Err(Error::Config(format!("blur_filter has {} taps, more than {MAX_TAPS}", taps.len())));
    }
    if taps.is_empty() || (sum.is_finite() && sum != 0.) {
        return Ok(());
    }
    Err(Error::Config(format!("blur_filter must have a finite sum other than 0, found {taps:?}")))
}
