//! Configuration of the segmenter.

use crate::layers::check_positive;
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Times that the segmenter halves pictures.
pub(super) const LEVELS: usize = 4;
/// What channels grow by at most.
const GROWTH: usize = 8;

/// Configuration of the segmenter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SegmenterConfig {
    /// Height and width of pictures in pixels, multiples of 16.
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Classes that it tells apart.
    pub classes: usize,
    /// Channels at full resolution, 16; they double with each halving up to 8 times as many.
    pub channels: usize,
}

impl Default for SegmenterConfig {
    fn default() -> Self {
        Self { img_size: [64, 64], img_channels: 3, classes: 2, channels: 16 }
    }
}

impl SegmenterConfig {
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
        ])?;
        let step = 1 << LEVELS;
        if h % step != 0 || w % step != 0 {
            return Err(Error::Config(format!("img_size must be multiples of {step} for a segmenter, found {h}x{w}")));
        }
        Ok(())
    }

    /// Channels of pictures that were halved `level` times.
    pub(super) fn width(&self, level: usize) -> usize {
        self.channels * (1 << level).min(GROWTH)
    }
}
