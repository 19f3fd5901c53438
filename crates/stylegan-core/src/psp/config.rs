//! Configuration of the pSp encoders.

use crate::layers::check_positive;
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an encoder makes style rows of feature maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// A small network for each row, on the level of a feature pyramid that the row belongs to (pSp, section
    /// 3): `GradualStyleEncoder`.
    Pyramid,
    /// As `pyramid`, but rows from 1 on are offsets from row 0 (e4e, Tov et al. 2021, section 4.1): `Encoder4Editing`.
    Offsets,
    /// One vector for all rows, of the mean of the last map: `BackboneEncoderUsingLastLayerIntoW`.
    W,
    /// All rows from one vector, "naive W+": `BackboneEncoderUsingLastLayerIntoWPlus`.
    WPlus,
    /// A small network for each row, all on the last map, of an encoder that looks at a picture beside what the generator
    /// made of it so far, and changes the rows (ReStyle, Alaluf et al. 2021, section 3): `BackboneEncoder`.
    Restyle,
    /// As `restyle`, but rows from 1 on are offsets from row 0: `ProgressiveBackboneEncoder`, ReStyle on top of e4e.
    RestyleOffsets,
}

impl Head {
    /// Whether the encoder looks at what was found so far, and is run several times.
    pub fn is_iterative(self) -> bool {
        matches!(self, Self::Restyle | Self::RestyleOffsets)
    }
}

/// Configuration of a pSp encoder. The defaults are those published for faces of 1024 pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PspConfig {
    /// Height and width that the encoder looks at pictures in, in pixels, 256x256; one power of two from 32 up.
    pub img_size: [usize; 2],
    /// Channels of its input, 3; classes for label maps, 1 for sketches, 6 for a picture and what was made of it.
    pub img_channels: usize,
    /// Style rows of the generator, 18 for 1024 pixels.
    pub num_ws: usize,
    /// Width of a style row, 512.
    pub w_dim: usize,
    /// Channels of the first stage, 64; each of the four doubles them.
    pub channels: usize,
    /// How rows are made, `pyramid`.
    pub head: Head,
    /// Width of the vector between the last map and the rows, 512; read by `w-plus` alone.
    pub hidden: usize,
}

impl Default for PspConfig {
    fn default() -> Self {
        Self {
            img_size: [256, 256],
            img_channels: 3,
            num_ws: 18,
            w_dim: 512,
            channels: 64,
            head: Head::Pyramid,
            hidden: 512,
        }
    }
}

impl PspConfig {
    /// Channels of the pictures that it looks at: half of its input's where it looks at two of them.
    pub fn picture_channels(&self) -> usize {
        if self.head.is_iterative() { self.img_channels / 2 } else { self.img_channels }
    }

    /// Channels of the last feature map.
    pub(crate) fn last_channels(&self) -> usize {
        self.channels << 3
    }

    /// Halvings from the last map of the backbone to one pixel.
    pub(crate) fn last_halvings(&self) -> usize {
        (self.img_size[0] / 16).ilog2() as usize
    }

    /// Refuses sizes of which no network can be made.
    ///
    /// # Errors
    /// When a size is 0 or absurd, or the input is no square power of two.
    pub fn validate(&self) -> Result<()> {
        check_positive(&[
            ("img_channels", self.img_channels),
            ("num_ws", self.num_ws),
            ("w_dim", self.w_dim),
            ("channels", self.channels),
            ("hidden", self.hidden),
        ])?;
        if self.head.is_iterative() && !self.img_channels.is_multiple_of(2) {
            return Err(Error::Config(format!(
                "img_channels {} does not fit an encoder that looks at two pictures; expected an even number, such as 6",
                self.img_channels
            )));
        }
        let [h, w] = self.img_size;
        if h != w || !h.is_power_of_two() || !(32..=1024).contains(&h) {
            return Err(Error::Config(format!(
                "img_size {h}x{w} does not fit a pSp encoder; choose a square power of two from 32x32 to 1024x1024, such as \
                 256x256"
            )));
        }
        Ok(())
    }
}
