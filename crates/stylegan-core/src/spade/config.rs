//! Configuration of the SPADE generator.

use super::conditioning::Conditioning;
use crate::layers::NormKind;
use crate::layers::check_positive;
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often the SPADE generator doubles its resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// 5 times: 256 pixels from 8.
    Normal,
    /// 6 times: once more between the two middle blocks.
    More,
    /// 7 times: and once more at the end, in a block of half the channels.
    Most,
}

/// Configuration of the SPADE generator. The defaults are those of the official code for COCO-Stuff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpadeConfig {
    /// Height and width of pictures in pixels, 256x256; multiples of 32 (of 64 or 128 for a greater
    /// `depth`).
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Classes of the map, 183: 182 of COCO-Stuff, and one for what has no label.
    pub classes: usize,
    /// Whether the map has a channel of edges between instances behind the classes, true.
    pub edges: bool,
    /// Width of the latent that the picture starts from, 256 with an encoder; 0 starts from the map
    /// made small, as the released networks do.
    pub z_dim: usize,
    /// Channels at full resolution, 64 (`ngf`); 16 times as many at the smallest.
    pub channels: usize,
    /// How often the resolution doubles, `normal` (`num_upsampling_layers`).
    pub depth: Depth,
    /// How the map reaches the layers, `spade`.
    pub conditioning: Conditioning,
    /// The normalisation under the maps, `batch`.
    pub norm: NormKind,
    /// Spectral normalisation of the blocks' convolutions, true.
    pub spectral: bool,
    /// Channels between the two convolutions of a SPADE normalisation, 128.
    pub hidden: usize,
    /// Side of their kernels, 3; odd.
    pub kernel: usize,
}

impl Default for SpadeConfig {
    fn default() -> Self {
        Self {
            img_size: [256, 256],
            img_channels: 3,
            classes: 183,
            edges: true,
            z_dim: 0,
            channels: 64,
            depth: Depth::Normal,
            conditioning: Conditioning::Spade,
            norm: NormKind::Batch,
            spectral: true,
            hidden: 128,
            kernel: 3,
        }
    }
}

impl SpadeConfig {
    /// Channels of the map: classes, and 1 for edges.
    pub fn map_channels(&self) -> usize {
        self.classes + usize::from(self.edges)
    }

    /// Height and width of what the generator starts from, in pixels.
    pub(crate) fn start(&self) -> [usize; 2] {
        self.img_size.map(|side| side >> self.doublings())
    }

    /// How often the resolution doubles.
    pub(crate) fn doublings(&self) -> usize {
        match self.depth {
            Depth::Normal => 5,
            Depth::More => 6,
            Depth::Most => 7,
        }
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
        let step = 1 << self.doublings();
        if h % step != 0 || w % step != 0 {
            return Err(Error::Config(format!(
                "img_size must be multiples of {step} for a depth of {:?}, found {h}x{w}",
                self.depth
            )));
        }
        check_kernel(self.kernel)?;
        if self.depth == Depth::Most && self.channels < 2 {
            return Err(Error::Config("channels must be at least 2 for a depth of Most, found 1".into()));
        }
        Ok(())
    }
}

/// Checks the side of SPADE's kernels.
pub(crate) fn check_kernel(kernel: usize) -> Result<()> {
    if kernel.is_multiple_of(2) {
        return Err(Error::Config(format!("kernel must be odd, found {kernel}")));
    }
    Ok(())
}
