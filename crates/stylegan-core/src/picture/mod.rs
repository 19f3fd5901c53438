//! From image tensors to pictures: 8-bit conversion, sheets with captions, PNG files that say what is in them.
//!
//! ```
//! use candle_core::Device;
//! use stylegan_core::{Model, SynthesisOptions, picture};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("network.safetensors");
//! # stylegan_core::doc::save_tiny_network(&path)?;
//! # let out = folder.path().join("pictures.png");
//! let model = Model::load(path, &Device::Cpu)?;
//! let images = model.synthesize(&model.styles(&model.latents(&[0, 1, 2, 3])?, None)?, &SynthesisOptions::default())?;
//! picture::save_images(out, &images)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod png;
mod sheet;
mod text;

pub use png::{add_text, encode_png, write_png};
pub use sheet::{Band, Sheet, columns};

use crate::error::bad_argument;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use image::{ImageBuffer, Pixel, Rgb, RgbImage, Rgba, RgbaImage};
use std::path::Path;

/// Turns images `[n, c, h, w]` of any float type, range [-1, 1], into `n` RGB pictures.
///
/// One channel becomes grey; the fourth of four is alpha, by which the others are laid over white ([`to_transparent`]
/// keeps it). Values are mapped by `x * 127.5 + 128`, clamped to [0, 255] and truncated, as in the original tools.
///
/// # Errors
/// If the shape is not `[n, c, h, w]` with `c` 1, 3 or 4.
pub fn to_pictures(images: &Tensor) -> Result<Vec<RgbImage>> {
    let over_white = |[r, g, b, a]: [u8; 4]| {
        let part = |v: u8| (u32::from(v) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255;
        Rgb([r, g, b].map(|v| part(v) as u8))
    };
    pixels(images, over_white)
}

/// Turns images `[n, 4, h, w]` of any float type, range [-1, 1], into `n` pictures with alpha, as [`to_pictures`] does.
/// Those without alpha become opaque ones.
///
/// # Errors
/// If the shape is not `[n, c, h, w]` with `c` 1, 3 or 4.
pub fn to_transparent(images: &Tensor) -> Result<Vec<RgbaImage>> {
    pixels(images, Rgba)
}

/// Pictures of `pixel`s, each of red, green, blue and alpha.
fn pixels<P: Pixel<Subpixel = u8>>(
    images: &Tensor,
    pixel: impl Fn([u8; 4]) -> P,
) -> Result<Vec<ImageBuffer<P, Vec<u8>>>> {
    let &[n, c @ (1 | 3 | 4), h, w] = images.dims() else {
        bad_argument!("pictures need a tensor [n, c, h, w] with c = 1, 3 or 4, found {:?}", images.dims())
    };
    let values = images.to_dtype(DType::F32)?.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
    let plane = h * w;
    let pictures = (0..n).map(|i| {
        let image = &values[i * c * plane..(i + 1) * c * plane];
        ImageBuffer::from_fn(w as u32, h as u32, |x, y| {
            let at = y as usize * w + x as usize;
            let value = |k: usize| to_u8(image[if c == 1 { 0 } else { k } * plane + at]);
            pixel([value(0), value(1), value(2), if c == 4 { value(3) } else { u8::MAX }])
        })
    });
    Ok(pictures.collect())
}

/// An image `[1, c, h, w]` f32 in [-1, 1] of interleaved bytes of `[h, w]` pixels: 0 is -1 and 255 is 1.
///
/// # Errors
/// When there are not `h * w * c` bytes.
pub fn to_image(bytes: &[u8], [h, w]: [usize; 2], c: usize) -> Result<Tensor> {
    let values: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 127.5 - 1.).collect();
    Ok(Tensor::from_vec(values, (1, h, w, c), &Device::Cpu)?.permute((0, 3, 1, 2))?.contiguous()?)
}

/// One value in [-1, 1] as a byte. NaN becomes 0.
fn to_u8(x: f32) -> u8 {
    (x * 127.5 + 128.0).clamp(0.0, 255.0) as u8
}

/// Saves images `[n, c, h, w]`, range [-1, 1], as one PNG file: a single one pixel by pixel, with its alpha if it has
/// any, several as a [`Sheet`].
///
/// # Errors
/// If the shape is not `[n, c, h, w]` with `c` 1, 3 or 4, or the folder cannot be written to.
pub fn save_images(path: impl AsRef<Path>, images: &Tensor) -> Result<()> {
    let pictures = to_pictures(images)?;
    match &pictures[..] {
        [] => Err(Error::Argument("there are no images to save: the tensor's first dimension is 0".into())),
        [_] if images.dim(1)? == 4 => write_png(path.as_ref(), &to_transparent(images)?[0], &[]),
        [picture] => write_png(path.as_ref(), picture, &[]),
        _ => write_png(path.as_ref(), &Sheet::of(pictures, vec![]).draw(), &[]),
    }
}

/// Enlarges a picture `zoom` times, each pixel to a square.
pub fn enlarge<P: Pixel<Subpixel = u8> + 'static>(
    picture: &ImageBuffer<P, Vec<u8>>,
    zoom: u32,
) -> ImageBuffer<P, Vec<u8>> {
    let size = [picture.width(), picture.height()].map(|side| side * zoom);
    image::imageops::resize(picture, size[0], size[1], image::imageops::FilterType::Nearest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn bytes_follow_the_rule_of_the_original_tools() {
        // x * 127.5 + 128, clamped, truncated: -1 gives 0 (0.5 truncated), 0 gives 128, 1 gives 255.
        let x = Tensor::new(&[-2f32, -1.0, 0.0, 0.5, 1.0, 2.0], &Device::Cpu).unwrap().reshape((1, 1, 2, 3)).unwrap();
        let picture = &to_pictures(&x).unwrap()[0];
        let row: Vec<u8> = picture.pixels().map(|p| p.0[0]).collect();
        assert_eq!(row, [0, 0, 128, 191, 255, 255]);
        assert!(picture.pixels().all(|p| p.0[0] == p.0[1] && p.0[1] == p.0[2]));
    }

    #[test]
    fn channels_stay_in_order() {
        let x = Tensor::new(&[-1f32, 0.0, 1.0], &Device::Cpu).unwrap().reshape((1, 3, 1, 1)).unwrap();
        assert_eq!(to_pictures(&x).unwrap()[0].get_pixel(0, 0).0, [0, 128, 255]);
        assert_eq!(to_transparent(&x).unwrap()[0].get_pixel(0, 0).0, [0, 128, 255, 255]);
    }

    /// Red that is not there, half of it and all of it.
    #[test]
    fn alpha_is_kept_or_laid_over_white() {
        let rows = [[1f32; 3], [-1.; 3], [-1.; 3], [-1., 0., 1.]].concat();
        let x = Tensor::from_vec(rows, (1, 4, 1, 3), &Device::Cpu).unwrap();
        let kept = &to_transparent(&x).unwrap()[0];
        assert_eq!([0, 1, 2].map(|i| kept.get_pixel(i, 0).0), [[255, 0, 0, 0], [255, 0, 0, 128], [255, 0, 0, 255]]);
        let white = &to_pictures(&x).unwrap()[0];
        assert_eq!([0, 1, 2].map(|i| white.get_pixel(i, 0).0), [[255; 3], [255, 127, 127], [255, 0, 0]]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        save_images(&path, &x).unwrap();
        assert_eq!(image::open(path).unwrap().as_rgba8(), Some(kept));
    }

    #[test]
    fn other_shapes_are_refused() {
        let x = Tensor::zeros((1, 2, 4, 4), DType::F32, &Device::Cpu).unwrap();
        assert!(to_pictures(&x).unwrap_err().to_string().contains("[1, 2, 4, 4]"));
        let none = Tensor::zeros((0, 3, 4, 4), DType::F32, &Device::Cpu).unwrap();
        assert!(save_images("none.png", &none).is_err());
    }

    #[test]
    fn one_image_is_saved_as_it_is_and_several_as_a_sheet() {
        let folder = tempfile::tempdir().unwrap();
        let images = Tensor::zeros((4, 3, 8, 8), DType::F64, &Device::Cpu).unwrap();
        let size = |images: &Tensor| {
            let path = folder.path().join("a.png");
            save_images(&path, images).unwrap();
            image::image_dimensions(path).unwrap()
        };
        assert_eq!(size(&images.narrow(0, 0, 1).unwrap()), (8, 8));
        let (w, h) = size(&images);
        assert!(w == h && (900..1100).contains(&w), "{w}x{h}");
    }

    #[test]
    fn pixels_become_squares() {
        let picture = RgbImage::from_fn(2, 1, |x, _| Rgb([x as u8; 3]));
        let large = enlarge(&picture, 3);
        assert_eq!(large.dimensions(), (6, 3));
        assert!(large.enumerate_pixels().all(|(x, _, pixel)| pixel.0[0] == (x / 3) as u8));
    }
}
