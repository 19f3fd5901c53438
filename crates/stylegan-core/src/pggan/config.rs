//! Configuration of the PGGAN generator and discriminator.

use crate::Result;
use crate::layers::{FusedScale, Pyramid, check_label, check_positive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of the progressive GAN generator (Karras et al. 2018), configuration A of
/// StyleGAN's Table 1. The defaults are those of the official code (`G_paper`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PgganConfig {
    /// Height and width of pictures in pixels, CelebA-HQ 1024x1024. Both are one power of two
    /// times a small base (4x4, 3x4, …).
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Width of the latent code, 512.
    pub z_dim: usize,
    /// Width of the label, 0 for none; the label is put beside the latent.
    pub c_dim: usize,
    /// Channels at resolution `r` are `channel_base / r`, at most `channel_max`; 16384
    /// (`fmap_base = 8192`, counted at twice the resolution).
    pub channel_base: usize,
    /// Upper bound of channels, 512 (`fmap_max`).
    pub channel_max: usize,
    /// Whether to scale the latent (with the label) to a mean square of 1, true.
    pub normalize_latents: bool,
    /// Pixel norm after each activation, true (section 4.2).
    pub pixel_norm: bool,
    /// Fused upsampling convolutions, always (`fused_scale = True`).
    pub fused_scale: FusedScale,
}

impl Default for PgganConfig {
    fn default() -> Self {
        Self {
            img_size: [1024, 1024],
            img_channels: 3,
            z_dim: 512,
            c_dim: 0,
            channel_base: 16384,
            channel_max: 512,
            normalize_latents: true,
            pixel_norm: true,
            fused_scale: FusedScale::Always,
        }
    }
}

impl PgganConfig {
    /// Checks that the fields describe a network.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) naming the field.
    pub fn validate(&self) -> Result<()> {
        Pyramid::new(self.img_size)?;
        check_label(self.c_dim)?;
        check_positive(&[
            ("img_channels", self.img_channels),
            ("z_dim", self.z_dim),
            ("channel_base", self.channel_base),
            ("channel_max", self.channel_max),
        ])
    }
}

/// Configuration of the progressive GAN discriminator. The defaults are those of the official code
/// (`D_paper`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PgganDiscriminatorConfig {
    /// Height and width of pictures in pixels, as in [`PgganConfig`].
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Width of the label, 0 for none: one more logit per class (AC-GAN).
    pub c_dim: usize,
    /// Channels at resolution `r` are `channel_base / r`, at most `channel_max`; 16384.
    pub channel_base: usize,
    /// Upper bound of channels, 512.
    pub channel_max: usize,
    /// Samples per group of the minibatch standard deviation, 4 (16 in the paper's runs); 0 leaves
    /// the layer out.
    pub mbstd_group: usize,
    /// Fused downsampling convolutions, always (`fused_scale = True`). Fused, the activation
    /// follows the averaging; apart, it comes before it: two different networks.
    pub fused_scale: FusedScale,
}

impl Default for PgganDiscriminatorConfig {
    fn default() -> Self {
        Self {
            img_size: [1024, 1024],
            img_channels: 3,
            c_dim: 0,
            channel_base: 16384,
            channel_max: 512,
            mbstd_group: 4,
            fused_scale: FusedScale::Always,
        }
    }
}

impl PgganDiscriminatorConfig {
    /// Checks that the fields describe a network.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) naming the field.
    pub fn validate(&self) -> Result<()> {
        Pyramid::new(self.img_size)?;
        check_label(self.c_dim)?;
        check_positive(&[
            ("img_channels", self.img_channels),
            ("channel_base", self.channel_base),
            ("channel_max", self.channel_max),
        ])
    }
}
