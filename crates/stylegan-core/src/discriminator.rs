//! What every discriminator of the family can do.

use crate::Result;
use candle_core::Tensor;

/// A discriminator: pictures (and labels) to one logit each, high for real.
pub trait Discriminator: Send + Sync {
    /// Height and width of pictures, in pixels.
    fn img_size(&self) -> [usize; 2];
    /// Channels of pictures.
    fn img_channels(&self) -> usize;
    /// Width of the label, 0 for unconditional networks.
    fn c_dim(&self) -> usize;
    /// See [`Generator::max_lod`](crate::Generator::max_lod).
    fn max_lod(&self) -> f64;

    /// Pictures `[n, img_channels, h, w]` and labels `[n, c_dim]` to logits `[n, 1]`. Pictures come
    /// at full size, then a growing network first averages them down `floor(lod)` times; or they
    /// come at `size / 2^floor(lod)` already.
    ///
    /// # Errors
    /// When shapes do not fit, the label is missing or not wanted, or `lod` lies outside
    /// `0..=max_lod`.
    fn forward(&self, img: &Tensor, c: Option<&Tensor>, lod: f64) -> Result<Tensor>;
}
