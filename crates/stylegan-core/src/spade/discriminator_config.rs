//! Configuration of the multi-scale patch discriminator.

use crate::layers::WeightInit;
use crate::layers::check_positive;
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of the multi-scale patch discriminator of pix2pixHD and SPADE. The defaults are those of
/// SPADE's official code for COCO-Stuff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MultiscaleDiscriminatorConfig {
    /// Height and width of pictures in pixels, 256x256.
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Classes of the map, as in [`SpadeConfig`](super::SpadeConfig).
    pub classes: usize,
    /// Whether the map has a channel of edges, as there.
    pub edges: bool,
    /// Discriminators, each of which sees half the resolution of the one before, 2 (`num_D`).
    pub scales: usize,
    /// Convolutions of each before the last, 4 (`n_layers_D`; pix2pixHD counts 3 for the same depth).
    pub layers: usize,
    /// Channels of the first convolution, 64 (`ndf`); they double up to 512.
    pub channels: usize,
    /// Spectral normalisation of the convolutions between the first and the last, true; false in pix2pixHD.
    pub spectral: bool,
    /// What weights start from, `glorot`; `normal` in pix2pixHD.
    pub init: WeightInit,
}

impl Default for MultiscaleDiscriminatorConfig {
    fn default() -> Self {
        Self {
            img_size: [256, 256],
            img_channels: 3,
            classes: 183,
            edges: true,
            scales: 2,
            layers: 4,
            channels: 64,
            spectral: true,
            init: WeightInit::Glorot,
        }
    }
}

impl MultiscaleDiscriminatorConfig {
    /// Channels of the map: classes, and 1 for edges.
    pub fn map_channels(&self) -> usize {
        self.classes + usize::from(self.edges)
    }

    /// Checks that the fields describe a network.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let [h, w] = self.img_size;
        check_positive(&[
            ("img_size", h),
            ("img_size", w),
            ("img_channels", self.img_channels),
            ("classes", self.classes),
            ("scales", self.scales),
            ("layers", self.layers),
            ("channels", self.channels),
        ])?;
        // Each scale halves the picture, and so does each layer but the last.
        let halvings = self.scales - 1 + self.layers - 1;
        if h.min(w).checked_shr(halvings as u32).unwrap_or(0) == 0 {
            return Err(Error::Config(format!(
                "pictures of {h}x{w} pixels are too small for {} scales of {} layers",
                self.scales, self.layers
            )));
        }
        Ok(())
    }
}
