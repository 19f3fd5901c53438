//! Configuration of the pix2pixHD generator.

use crate::layers::check_positive;
use crate::layers::{NormKind, WeightInit};
use crate::spade::{Conditioning, check_kernel};
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of pix2pixHD's global generator. The defaults are those of the official code. pix2pixHD++
/// has batch normalisation, spectral normalisation and Glorot's start; its variants with SPADE and with
/// concatenation another `conditioning` (Park et al. 2019, section 4.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pix2PixHdConfig {
    /// Height and width of pictures in pixels, 512x1024; multiples of `2^downsamplings`.
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Classes of the map, 35 (Cityscapes).
    pub classes: usize,
    /// Whether the map has a channel of edges between instances behind the classes, true.
    pub edges: bool,
    /// Channels at full resolution, 64 (`ngf`); each halving doubles them.
    pub channels: usize,
    /// How often the resolution is halved, and doubled again, 4.
    pub downsamplings: usize,
    /// Residual blocks at the smallest resolution, 9.
    pub blocks: usize,
    /// How the map reaches the layers behind the first, `input`: not at all. `concat` joins it to what enters
    /// each residual block, which gives the paper's number of parameters.
    pub conditioning: Conditioning,
    /// The normalisations, `instance`.
    pub norm: NormKind,
    /// Spectral normalisation of all convolutions but the last, false.
    pub spectral: bool,
    /// What weights start from, `normal`.
    pub init: WeightInit,
    /// Channels between the two convolutions of a SPADE normalisation, 128.
    pub hidden: usize,
    /// Side of their kernels, 3; odd.
    pub kernel: usize,
}

impl Default for Pix2PixHdConfig {
    fn default() -> Self {
        Self {
            img_size: [512, 1024],
            img_channels: 3,
            classes: 35,
            edges: true,
            channels: 64,
            downsamplings: 4,
            blocks: 9,
            conditioning: Conditioning::Input,
            norm: NormKind::Instance,
            spectral: false,
            init: WeightInit::Normal,
            hidden: 128,
            kernel: 3,
        }
    }
}

impl Pix2PixHdConfig {
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
            ("channels", self.channels),
            ("hidden", self.hidden),
        ])?;
        if self.downsamplings > 8 {
            return Err(Error::Config(format!("downsamplings must be at most 8, found {}", self.downsamplings)));
        }
        let step = 1 << self.downsamplings;
        // The first and the last convolution mirror 3 pixels, those of the residual blocks one.
        if h % step != 0 || w % step != 0 || h.min(w) < 4 || self.blocks > 0 && h.min(w) / step < 2 {
            return Err(Error::Config(format!(
                "img_size must be multiples of {step}, at least {}, for {} downsamplings, found {h}x{w}",
                (2 * step).max(4),
                self.downsamplings
            )));
        }
        check_kernel(self.kernel)
    }
}
