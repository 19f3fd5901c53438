//! Configuration of the image encoder.

use crate::layers::check_positive;
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of SPADE's image encoder. The defaults are those of the official code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpadeEncoderConfig {
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Side that pictures are resized to, in pixels, 256; a power of two from 8. A convolution halves it until
    /// 4 are left.
    pub resolution: usize,
    /// Channels of the first convolution, 64 (the official code takes those of the generator, `ngf`);
    /// they double up to 8 times as many.
    pub channels: usize,
    /// Width of the latent, 256.
    pub z_dim: usize,
    /// Spectral normalisation of the convolutions, true.
    pub spectral: bool,
}

impl Default for SpadeEncoderConfig {
    fn default() -> Self {
        Self { img_channels: 3, resolution: 256, channels: 64, z_dim: 256, spectral: true }
    }
}

impl SpadeEncoderConfig {
    /// Checks that the fields describe a network.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        check_positive(&[("img_channels", self.img_channels), ("channels", self.channels), ("z_dim", self.z_dim)])?;
        if self.resolution < 8 || !self.resolution.is_power_of_two() {
            return Err(Error::Config(format!("resolution must be a power of two from 8, found {}", self.resolution)));
        }
        Ok(())
    }

    /// Channels of each convolution.
    pub(crate) fn widths(&self) -> Vec<usize> {
        let layers = self.resolution.trailing_zeros() - 2;
        (0..layers).map(|layer| self.channels << layer.min(3)).collect()
    }
}
