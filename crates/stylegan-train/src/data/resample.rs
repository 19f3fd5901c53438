//! Resizing and cropping, with the two filters that published sets were made with.
//!
//! FID depends on the filter (FFHQ at 256 pixels made by box or Lanczos differs by more than a
//! point), so a set says which one it was made with.

use crate::{Error, Result};
use fast_image_resize::images::Image;
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
    if (picture.width() as usize, picture.height() as usize) == (w, h) {
        return Ok(picture.clone());
    }
    let failed = |e: &dyn std::fmt::Display| Error::Tensor(candle_core::Error::Msg(format!("cannot resize: {e}")));
    let filter = match filter {
        Filter::Box => FilterType::Box,
        Filter::Lanczos => FilterType::Lanczos3,
    };
    let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    if crop == Crop::Center {
        options = options.fit_into_destination(None);
    }
    let source = Image::from_vec_u8(picture.width(), picture.height(), picture.as_raw().clone(), PixelType::U8x3);
    let source = source.map_err(|e| failed(&e))?;
    let mut out = Image::new(w as u32, h as u32, PixelType::U8x3);
    Resizer::new().resize(&source, &mut out, &options).map_err(|e| failed(&e))?;
    RgbImage::from_raw(w as u32, h as u32, out.into_vec()).ok_or_else(|| failed(&"the result has another size"))
}
