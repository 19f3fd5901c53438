//! Resizing and cropping, with the two filters that published sets were made with.
//!
//! FID depends on the filter (FFHQ at 256 pixels made by box or Lanczos differs by more than a
//! point), so a set says which one it was made with.

use crate::{Error, Result};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

/// The filter of a resize.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Averages whole pixels; the choice of the StyleGAN tools.
    #[default]
    Box,
    /// Lanczos with three lobes; sharper.
    Lanczos,
}

/// What happens to pictures that do not have the aspect of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crop {
    /// The whole picture is stretched.
    None,
    /// The largest part of the right aspect around the centre is kept.
    #[default]
    Center,
}

/// Resizes an RGB picture to `[h, w]` pixels.
///
/// # Errors
/// If a side is 0.
pub fn resize(picture: &RgbImage, [h, w]: [usize; 2], filter: Filter, crop: Crop) -> Result<RgbImage> {
    let algorithm = ResizeAlg::Convolution(match filter {
        Filter::Box => FilterType::Box,
        Filter::Lanczos => FilterType::Lanczos3,
    });
    let from = [picture.height() as usize, picture.width() as usize];
    let pixels = run(picture.as_raw(), from, [h, w], PixelType::U8x3, algorithm, crop)?;
    RgbImage::from_raw(w as u32, h as u32, pixels).ok_or_else(|| failed(&"the result has another size"))
}

/// Resizes a label map from `[h, w]` pixels to others as [`resize`] does its picture; each pixel
/// keeps one of the classes (nearest neighbour).
///
/// # Errors
/// If a side is 0.
pub fn resize_map(map: &[u8], from: [usize; 2], to: [usize; 2], crop: Crop) -> Result<Vec<u8>> {
    run(map, from, to, PixelType::U8, ResizeAlg::Nearest, crop)
}

fn run(
    pixels: &[u8],
    from: [usize; 2],
    to: [usize; 2],
    kind: PixelType,
    algorithm: ResizeAlg,
    crop: Crop,
) -> Result<Vec<u8>> {
    if from == to {
        return Ok(pixels.to_vec());
    }
    let mut options = ResizeOptions::new().resize_alg(algorithm);
    if crop == Crop::Center {
        options = options.fit_into_destination(None);
    }
    let source = ImageRef::new(from[1] as u32, from[0] as u32, pixels, kind).map_err(|e| failed(&e))?;
    let mut out = Image::new(to[1] as u32, to[0] as u32, kind);
    Resizer::new().resize(&source, &mut out, &options).map_err(|e| failed(&e))?;
    Ok(out.into_vec())
}

fn failed(why: &dyn std::fmt::Display) -> Error {
    Error::Tensor(candle_core::Error::Msg(format!("cannot resize: {why}")))
}
