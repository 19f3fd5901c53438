//! What becomes of a picture and its maps before a network that paints maps sees them: resized, cut, mirrored, all in
//! the same way.

use super::resample::{bicubic, nearest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_core::latent::StreamKey;

/// How pictures are resized and cut: the eight ways of the official code of SPADE, under its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreprocessMode {
    /// To a square of `load_size`, whatever the shape; then a square of `crop_size` is cut out.
    ResizeAndCrop,
    /// A square of `crop_size` is cut out.
    Crop,
    /// To the width `load_size`.
    ScaleWidth,
    /// To the width `load_size`; then a square of `crop_size` is cut out.
    ScaleWidthAndCrop,
    /// The long side becomes `load_size` times itself over the short side, and the short side stays, as the official
    /// code has it: what its name says holds only where the short side is `load_size` already. The height of a square is
    /// its long side, and becomes `load_size`.
    ScaleShortside,
    /// The same; then a square of `crop_size` is cut out.
    ScaleShortsideAndCrop,
    /// To the width `crop_size` and the height `crop_size / aspect_ratio`.
    Fixed,
    /// Each side to the nearest multiple of 32.
    None,
}

/// A way of preprocessing with its sizes, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Preprocess {
    /// How pictures are resized and cut, `resize_and_crop`.
    pub mode: PreprocessMode,
    /// What pictures are resized to, 286.
    pub load_size: usize,
    /// What is cut out of them, 256.
    pub crop_size: usize,
    /// Width over height of `fixed`, 1.
    pub aspect_ratio: f64,
}

impl Default for Preprocess {
    fn default() -> Self {
        Self { mode: PreprocessMode::ResizeAndCrop, load_size: 286, crop_size: 256, aspect_ratio: 1. }
    }
}

/// Where a sample is cut out of the resized picture, and whether it is mirrored: the same for the picture and its maps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cut {
    /// Column of the first pixel.
    pub x: usize,
    /// Row of the first pixel.
    pub y: usize,
    /// Whether the cut is mirrored left to right.
    pub flip: bool,
}

impl Preprocess {
    /// `[h, w]` that a picture of `[h, w]` pixels is resized to.
    pub fn resized(&self, [h, w]: [usize; 2]) -> [usize; 2] {
        let load = self.load_size;
        match self.mode {
            PreprocessMode::ResizeAndCrop => [load; 2],
            PreprocessMode::Crop => [h, w],
            PreprocessMode::ScaleWidth | PreprocessMode::ScaleWidthAndCrop => [load * h / w.max(1), load],
            PreprocessMode::ScaleShortside | PreprocessMode::ScaleShortsideAndCrop => {
                let long = load * h.max(w) / h.min(w).max(1);
                if w <= h { [long, w] } else { [h, long] }
            }
            PreprocessMode::Fixed => {
                [(self.crop_size as f64 / self.aspect_ratio).round_ties_even() as usize, self.crop_size]
            }
            PreprocessMode::None => [h, w].map(|side| (side as f64 / 32.).round_ties_even() as usize * 32),
        }
    }

    /// `[h, w]` of the sample that a picture of `[h, w]` pixels becomes.
    pub fn size(&self, size: [usize; 2]) -> [usize; 2] {
        if self.crops() { [self.crop_size; 2] } else { self.resized(size) }
    }

    /// Column and row of the first pixel of sample `index` in a picture of `[h, w]` pixels, drawn from its stream of
    /// `key`: any place with the same chance.
    pub fn corner(&self, size: [usize; 2], key: &StreamKey, index: u64) -> [usize; 2] {
        let mut stream = key.stream(index, 0);
        let [h, w] = self.resized(size);
        let mut place = |side: usize| stream.below(side.saturating_sub(self.crop_size) as u64 + 1) as usize;
        if self.crops() { [place(w), place(h)] } else { [0, 0] }
    }

    /// How pictures are seen where nothing is drawn, by evaluations and sample grids: what is cut is resized to
    /// `crop_size`, as the official code tests, and cut in the middle.
    #[must_use]
    pub fn whole(&self) -> Self {
        if self.crops() { Self { load_size: self.crop_size, ..*self } } else { *self }
    }

    /// The cut in the middle of a picture of `[h, w]` pixels.
    pub fn middle(&self, size: [usize; 2]) -> Cut {
        let [h, w] = self.resized(size);
        let place = |side: usize| if self.crops() { side.saturating_sub(self.crop_size) / 2 } else { 0 };
        Cut { x: place(w), y: place(h), flip: false }
    }

    /// A picture of `[h, w]` pixels with interleaved channels of 8 bits, resized as Pillow's bicubic filter does it, cut
    /// and mirrored. What lies beyond it is black.
    pub fn picture(&self, pixels: &[u8], channels: usize, size: [usize; 2], cut: Cut) -> Vec<u8> {
        self.cut_out(&self.resized_picture(pixels, channels, size), channels, self.resized(size), cut)
    }

    /// A picture resized and not yet cut.
    pub(super) fn resized_picture(&self, pixels: &[u8], channels: usize, size: [usize; 2]) -> Vec<u8> {
        bicubic(pixels, channels, size, self.resized(size))
    }

    /// The values of a label or instance map of `[h, w]` pixels, resized by nearest neighbours, cut and mirrored. What
    /// lies beyond it is 0.
    pub fn map<T: Copy + Default>(&self, values: &[T], size: [usize; 2], cut: Cut) -> Vec<T> {
        let to = self.resized(size);
        self.cut_out(&nearest(values, size, to), 1, to, cut)
    }

    fn crops(&self) -> bool {
        use PreprocessMode::{Crop, ResizeAndCrop, ScaleShortsideAndCrop, ScaleWidthAndCrop};
        matches!(self.mode, Crop | ResizeAndCrop | ScaleShortsideAndCrop | ScaleWidthAndCrop)
    }

    /// The part of `values` (`[h, w]` pixels of interleaved channels) that `cut` says, mirrored if it says so.
    pub(super) fn cut_out<T: Copy + Default>(
        &self,
        values: &[T],
        channels: usize,
        [h, w]: [usize; 2],
        cut: Cut,
    ) -> Vec<T> {
        let [rows, columns] = if self.crops() { [self.crop_size; 2] } else { [h, w] };
        let (top, left) = if self.crops() { (cut.y, cut.x) } else { (0, 0) };
        let mut out = Vec::with_capacity(rows * columns * channels);
        for y in top..top + rows {
            for x in 0..columns {
                let x = left + if cut.flip { columns - 1 - x } else { x };
                let at = (y * w + x) * channels;
                match values.get(at..at + channels).filter(|_| x < w && y < h) {
                    Some(pixel) => out.extend_from_slice(pixel),
                    None => out.extend(std::iter::repeat_n(T::default(), channels)),
                }
            }
        }
        out
    }
}
