//! Resizing and cropping, with the two filters that published sets were made with.
//!
//! FID depends on the filter (FFHQ at 256 pixels made by box or Lanczos differs by more than a
//! point), so a set says which one it was made with.

use crate::{Error, Result};
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
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
    let pixels = run::<U8x3>(picture.as_raw(), from, [h, w], algorithm, crop)?;
    RgbImage::from_raw(w as u32, h as u32, pixels).ok_or_else(|| failed(&"the result has another size"))
}

/// Resizes a label map from `[h, w]` pixels to others as [`resize`] does its picture; each pixel
/// keeps one of the classes (nearest neighbour).
///
/// # Errors
/// If a side is 0.
pub fn resize_map(map: &[u8], from: [usize; 2], to: [usize; 2], crop: Crop) -> Result<Vec<u8>> {
    run::<U8>(map, from, to, ResizeAlg::Nearest, crop)
}

/// One instance per pixel type that is used: the untyped function of the crate would be compiled
/// here for all its thirteen, which takes minutes.
fn run<P: PixelTrait>(
    pixels: &[u8],
    from: [usize; 2],
    to: [usize; 2],
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
    let source = TypedImageRef::<P>::from_buffer(from[1] as u32, from[0] as u32, pixels).map_err(|e| failed(&e))?;
    let mut resized = vec![0; to[0] * to[1] * P::size()];
    let mut out = TypedImage::<P>::from_buffer(to[1] as u32, to[0] as u32, &mut resized).map_err(|e| failed(&e))?;
    Resizer::new().resize_typed(&source, &mut out, &options).map_err(|e| failed(&e))?;
    Ok(resized)
}

fn failed(why: &dyn std::fmt::Display) -> Error {
    Error::Tensor(candle_core::Error::Msg(format!("cannot resize: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn box_halves_by_the_mean_of_four_pixels() -> Result<()> {
        let picture = RgbImage::from_fn(8, 4, |x, y| Rgb([(x * 4 + y * 40) as u8, 7, 200]));
        let half = resize(&picture, [2, 4], Filter::Box, Crop::None)?;
        // The mean of 4x, 4(x + 1), 40 more below: 4x + 2 + 20 + 40 * 2 * row.
        let expected = RgbImage::from_fn(4, 2, |x, y| Rgb([(8 * x + 22 + 80 * y) as u8, 7, 200]));
        assert_eq!(half, expected);
        assert_ne!(resize(&picture, [2, 4], Filter::Lanczos, Crop::None)?, expected);
        Ok(())
    }

    #[test]
    fn the_middle_is_kept_or_everything_is_stretched() -> Result<()> {
        // Three squares side by side: black, white, black.
        let picture = RgbImage::from_fn(24, 8, |x, _| Rgb([if x / 8 == 1 { 255 } else { 0 }; 3]));
        let middle = resize(&picture, [4, 4], Filter::Box, Crop::Center)?;
        assert!(middle.iter().all(|&v| v == 255));
        let all = resize(&picture, [4, 3], Filter::Box, Crop::None)?;
        assert!(all.enumerate_pixels().all(|(x, _, p)| p.0[0] == if x == 1 { 255 } else { 0 }));
        Ok(())
    }

    #[test]
    fn maps_keep_their_classes_and_their_place() -> Result<()> {
        let map: Vec<u8> = (0..24 * 8).map(|i| [3, 9, 5][i % 24 / 8]).collect();
        assert_eq!(resize_map(&map, [8, 24], [4, 4], Crop::Center)?, [9; 16]);
        assert_eq!(resize_map(&map, [8, 24], [1, 6], Crop::None)?, [3, 3, 9, 9, 5, 5]);
        assert_eq!(resize_map(&map, [8, 24], [8, 24], Crop::Center)?, map);
        Ok(())
    }
}
