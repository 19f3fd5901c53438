//! Resizing and cropping, with the two filters that published sets were made with, and one that enlarges.
//!
//! FID depends on the filter (FFHQ at 256 pixels made by box or Lanczos differs by more than a
//! point), so a set says which one it was made with.

pub use super::resample::{bicubic, bilinear};

use crate::{Error, Result};
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use std::borrow::Cow;

/// The filter of a resize.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Averages whole pixels.
    #[default]
    Box,
    /// Lanczos with three lobes; sharper. StyleGAN2-ADA's tools take it unless told otherwise.
    Lanczos,
    /// Along straight lines between pixels: what enlarges without showing them as blocks.
    Bilinear,
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

/// Resizes a picture of 1, 3 or 4 interleaved channels from `[h, w]` pixels to others.
///
/// # Errors
/// If a side is 0, or `pixels` are not those of `channels` and `from`.
pub fn resize(
    pixels: &[u8],
    channels: usize,
    from: [usize; 2],
    to: [usize; 2],
    filter: Filter,
    crop: Crop,
) -> Result<Vec<u8>> {
    let algorithm = ResizeAlg::Convolution(match filter {
        Filter::Box => FilterType::Box,
        Filter::Lanczos => FilterType::Lanczos3,
        Filter::Bilinear => FilterType::Bilinear,
    });
    let (pixels, from) = kept(pixels, channels, from, to, crop);
    match channels {
        1 => run::<U8>(&pixels, from, to, algorithm),
        3 => run::<U8x3>(&pixels, from, to, algorithm),
        4 => run::<U8x4>(&pixels, from, to, algorithm),
        other => Err(failed(&format_args!("pictures of {other} channels"))),
    }
}

/// Resizes a label map from `[h, w]` pixels to others as [`resize`] does its picture; each pixel
/// keeps one of the classes (nearest neighbour).
///
/// # Errors
/// If a side is 0.
pub fn resize_map(map: &[u8], from: [usize; 2], to: [usize; 2], crop: Crop) -> Result<Vec<u8>> {
    let (map, from) = kept(map, 1, from, to, crop);
    run::<U8>(&map, from, to, ResizeAlg::Nearest)
}

/// What a crop leaves, in whole pixels: nothing between them would be blurred by it.
fn kept(pixels: &[u8], channels: usize, from: [usize; 2], to: [usize; 2], crop: Crop) -> (Cow<'_, [u8]>, [usize; 2]) {
    // Damaged sizes are for the resize to refuse.
    if crop == Crop::None || from == to || to.contains(&0) || pixels.len() != from[0] * from[1] * channels {
        return (pixels.into(), from);
    }
    let (part, size) = middle(pixels, channels, from, to);
    (part.into(), size)
}

/// The largest part, around the centre of a picture of `[h, w]` pixels with interleaved channels, that has the aspect of
/// `to` to within a pixel, and its size.
pub fn middle(pixels: &[u8], channels: usize, [h, w]: [usize; 2], to: [usize; 2]) -> (Vec<u8>, [usize; 2]) {
    let side = |other: usize, this: usize, by: usize| ((other * this + by / 2) / by.max(1)).max(1);
    let [rows, columns] = if w * to[0] > h * to[1] { [h, side(h, to[1], to[0])] } else { [side(w, to[0], to[1]), w] };
    let (rows, columns) = (rows.min(h), columns.min(w));
    let (top, left) = ((h - rows) / 2, (w - columns) / 2);
    let row = |y: usize| &pixels[((top + y) * w + left) * channels..][..columns * channels];
    ((0..rows).flat_map(row).copied().collect(), [rows, columns])
}

/// A picture of `[h, w]` pixels in the middle of a square, the rest of which is of the colour
/// `around` (one byte per channel).
pub fn onto_square(pixels: &[u8], [h, w]: [usize; 2], around: &[u8]) -> Vec<u8> {
    let side = h.max(w);
    let (top, left, c) = ((side - h) / 2, (side - w) / 2, around.len());
    let mut square = around.repeat(side * side);
    for (y, row) in pixels.chunks_exact(w * c).enumerate() {
        let at = ((top + y) * side + left) * c;
        square[at..at + w * c].copy_from_slice(row);
    }
    square
}

/// One instance per pixel type that is used: the untyped function of the crate would be compiled
/// here for all its thirteen, which takes minutes.
fn run<P: PixelTrait>(pixels: &[u8], from: [usize; 2], to: [usize; 2], algorithm: ResizeAlg) -> Result<Vec<u8>> {
    if from == to {
        return Ok(pixels.to_vec());
    }
    let options = ResizeOptions::new().resize_alg(algorithm);
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
    use image::{Rgb, RgbImage};

    fn rgb(picture: &RgbImage, to: [usize; 2], filter: Filter, crop: Crop) -> Result<Vec<u8>> {
        resize(picture, 3, [picture.height() as usize, picture.width() as usize], to, filter, crop)
    }

    #[test]
    fn box_halves_by_the_mean_of_four_pixels() -> Result<()> {
        let picture = RgbImage::from_fn(8, 4, |x, y| Rgb([(x * 4 + y * 40) as u8, 7, 200]));
        let half = rgb(&picture, [2, 4], Filter::Box, Crop::None)?;
        // The mean of 4x, 4(x + 1), 40 more below: 4x + 2 + 20 + 40 * 2 * row.
        let expected = RgbImage::from_fn(4, 2, |x, y| Rgb([(8 * x + 22 + 80 * y) as u8, 7, 200]));
        assert_eq!(half, expected.into_raw());
        assert_ne!(rgb(&picture, [2, 4], Filter::Lanczos, Crop::None)?, half);
        Ok(())
    }

    #[test]
    fn bilinear_enlarges_without_blocks() -> Result<()> {
        let row = [0, 100, 200];
        // The centres of the twice as many pixels lie a quarter beside those of the three.
        assert_eq!(resize(&row, 1, [1, 3], [1, 6], Filter::Bilinear, Crop::None)?, [0, 25, 75, 125, 175, 200]);
        assert_eq!(resize(&row, 1, [1, 3], [1, 6], Filter::Box, Crop::None)?, [0, 0, 100, 100, 200, 200]);
        Ok(())
    }

    #[test]
    fn grey_is_resized_as_each_channel_of_colour_is() -> Result<()> {
        let grey: Vec<u8> = (0..8 * 4).map(|i| (i * 7) as u8).collect();
        let colour: Vec<u8> = grey.iter().flat_map(|&v| [v; 3]).collect();
        let halves = resize(&grey, 1, [4, 8], [2, 4], Filter::Lanczos, Crop::None)?;
        let expected: Vec<u8> = halves.iter().flat_map(|&v| [v; 3]).collect();
        assert_eq!(resize(&colour, 3, [4, 8], [2, 4], Filter::Lanczos, Crop::None)?, expected);
        Ok(())
    }

    #[test]
    fn pillow_makes_the_same() {
        let pixels: Vec<u8> = (0..35u32).map(|i| (i * i % 251) as u8).collect();
        // `Image.resize` of Pillow 13.0 with BILINEAR and BICUBIC: smaller, and wider but lower.
        assert_eq!(bilinear(&pixels, 1, [5, 7], [2, 3]), [72, 61, 104, 138, 97, 138]);
        assert_eq!(bicubic(&pixels, 1, [5, 7], [2, 3]), [69, 53, 104, 144, 92, 143]);
        let wide = [
            [21, 26, 32, 39, 48, 58, 69, 82, 93],
            [162, 181, 118, 34, 60, 87, 116, 145, 171],
            [99, 133, 126, 108, 151, 83, 97, 143, 184],
        ];
        assert_eq!(bilinear(&pixels, 1, [5, 7], [3, 9]), wide.concat());
        let wide = [
            [16, 19, 29, 41, 48, 57, 68, 80, 90],
            [171, 204, 125, 17, 57, 91, 122, 153, 179],
            [99, 140, 128, 103, 152, 76, 88, 147, 188],
        ];
        assert_eq!(bicubic(&pixels, 1, [5, 7], [3, 9]), wide.concat());
        // With alpha, by which colours weigh.
        let alpha = [255, 0, 128, 77, 3];
        let pixel = |i: usize| [(i * 37) as u8, (i * 91 + 13) as u8, (i * 53 + 200) as u8, alpha[(i % 5 + i / 5) % 5]];
        let pixels = (0..15).flat_map(pixel).collect::<Vec<u8>>();
        let small = [62, 62, 119, 98, 83, 90, 106, 79, 151, 151, 90, 79, 167, 136, 125, 108];
        assert_eq!(bilinear(&pixels, 4, [3, 5], [2, 2]), small);
        let small = [56, 58, 122, 100, 80, 93, 104, 76, 159, 159, 88, 75, 166, 134, 125, 110];
        assert_eq!(bicubic(&pixels, 4, [3, 5], [2, 2]), small);
        let first = [0, 15, 223, 255, 0, 0, 216, 106, 159, 255, 0, 8, 75, 196, 48, 131];
        assert_eq!(bicubic(&pixels, 4, [3, 5], [4, 7])[..16], first);
    }

    #[test]
    fn the_middle_has_the_aspect_that_is_asked_for() {
        let pixels: Vec<u8> = (0..4 * 7).collect();
        assert_eq!(
            middle(&pixels, 1, [4, 7], [2, 2]),
            (vec![1, 2, 3, 4, 8, 9, 10, 11, 15, 16, 17, 18, 22, 23, 24, 25], [4; 2])
        );
        assert_eq!(middle(&pixels, 1, [7, 4], [10, 10]).1, [4, 4]);
        assert_eq!(middle(&pixels, 2, [7, 2], [1, 2]), (pixels[12..16].to_vec(), [1, 2]));
        assert_eq!(middle(&pixels, 1, [4, 7], [8, 14]), (pixels.clone(), [4, 7]));
    }

    /// Where half the margin is no whole number: a picture that needs no resizing comes out as it is.
    #[test]
    fn whole_pixels_are_cut_away() -> Result<()> {
        let (picture, map): (Vec<u8>, Vec<u8>) = ((0..3 * 8).map(|i| i * 9).collect(), (0..8).collect());
        for filter in [Filter::Box, Filter::Lanczos, Filter::Bilinear] {
            let cut = resize(&picture, 3, [1, 8], [1, 1], filter, Crop::Center)?;
            assert_eq!(cut, picture[9..12], "{filter:?}");
        }
        assert_eq!(resize_map(&map, [1, 8], [1, 1], Crop::Center)?, [3]);
        assert_eq!(resize_map(&map, [8, 1], [1, 1], Crop::Center)?, [3]);
        assert!(resize(&picture, 3, [1, 9], [1, 1], Filter::Box, Crop::Center).is_err());
        Ok(())
    }

    #[test]
    fn transparent_pixels_do_not_bleed() -> Result<()> {
        // Opaque red beside transparent green: the mean is half transparent red.
        let pixels = [255, 0, 0, 255, 0, 255, 0, 0].repeat(2);
        assert_eq!(resize(&pixels, 4, [2, 2], [1, 1], Filter::Box, Crop::None)?, [255, 0, 0, 128]);
        Ok(())
    }

    #[test]
    fn the_middle_is_kept_or_everything_is_stretched() -> Result<()> {
        // Three squares side by side: black, white, black.
        let picture = RgbImage::from_fn(24, 8, |x, _| Rgb([if x / 8 == 1 { 255 } else { 0 }; 3]));
        let middle = rgb(&picture, [4, 4], Filter::Box, Crop::Center)?;
        assert!(middle.iter().all(|&v| v == 255));
        let all = rgb(&picture, [4, 3], Filter::Box, Crop::None)?;
        assert!(all.chunks(3).enumerate().all(|(i, p)| p[0] == if i % 3 == 1 { 255 } else { 0 }));
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

    #[test]
    fn squares_have_bars_above_and_below_or_beside() {
        assert_eq!(onto_square(&[1, 2, 3, 4], [1, 4], &[9]), [9, 9, 9, 9, 1, 2, 3, 4, 9, 9, 9, 9, 9, 9, 9, 9]);
        assert_eq!(onto_square(&[1, 2, 3, 4], [2, 1], &[0, 9]), [1, 2, 0, 9, 3, 4, 0, 9]);
    }
}
