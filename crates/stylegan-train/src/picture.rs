//! From tensors to pictures: 8-bit conversion, grids, PNG files.

use crate::{Error, Result};
use candle_core::{DType, Tensor};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageEncoder, Rgb, RgbImage};
use std::io::Write;
use std::path::Path;

/// Turns images `[n, c, h, w]` of any float type, range [-1, 1], into `n` RGB pictures.
///
/// One channel becomes grey; of four channels the first three are shown. Values are mapped by
/// `x * 127.5 + 128`, clamped to [0, 255] and truncated, as in the original tools.
///
/// # Errors
/// If the shape is not `[n, c, h, w]` with `c` 1, 3 or 4.
pub fn to_pictures(images: &Tensor) -> Result<Vec<RgbImage>> {
    let &[n, c, h, w] = images.dims() else { return Err(shape_error(images)) };
    if !matches!(c, 1 | 3 | 4) {
        return Err(shape_error(images));
    }
    let values = images.to_dtype(DType::F32)?.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
    let plane = h * w;
    let pictures = (0..n).map(|i| {
        let image = &values[i * c * plane..(i + 1) * c * plane];
        RgbImage::from_fn(w as u32, h as u32, |x, y| {
            let at = y as usize * w + x as usize;
            Rgb(std::array::from_fn(|k| to_u8(image[if c == 1 { 0 } else { k } * plane + at])))
        })
    });
    Ok(pictures.collect())
}

/// One value in [-1, 1] as a byte. NaN becomes 0.
fn to_u8(x: f32) -> u8 {
    (x * 127.5 + 128.0).clamp(0.0, 255.0) as u8
}

fn shape_error(images: &Tensor) -> Error {
    Error::PictureShape { found: images.dims().to_vec() }
}

/// Lays pictures out row by row, `columns` per row, with `gap` white pixels between them. Columns are
/// as wide as the widest picture, each row as high as its highest; smaller ones sit in the top left
/// of their cell.
pub fn grid(pictures: &[RgbImage], columns: usize, gap: u32) -> RgbImage {
    let columns = columns.clamp(1, pictures.len().max(1)) as u32;
    let width = pictures.iter().map(RgbImage::width).max().unwrap_or(0);
    let rows = pictures.chunks(columns as usize);
    let heights: Vec<u32> = rows.clone().map(|row| row.iter().map(RgbImage::height).max().unwrap_or(0)).collect();
    let extent = |cells: u32, sizes: u32| sizes + cells.saturating_sub(1) * gap;
    let (w, h) = (extent(columns, columns * width), extent(heights.len() as u32, heights.iter().sum()));
    let mut sheet = RgbImage::from_pixel(w, h, Rgb([255; 3]));
    let mut top = 0;
    for (row, height) in rows.zip(heights) {
        for (column, picture) in row.iter().enumerate() {
            image::imageops::replace(&mut sheet, picture, (column as u32 * (width + gap)).into(), top.into());
        }
        top += height + gap;
    }
    sheet
}

/// The number of columns that makes a sheet of `count` pictures of `[h, w]` pixels about as wide
/// as 16:9, as contact sheets are.
pub fn sheet_columns(count: usize, [h, w]: [usize; 2]) -> usize {
    let area = count as f64 * h.max(1) as f64 * 16.0 / (9.0 * w.max(1) as f64);
    (area.sqrt().round() as usize).clamp(1, count.max(1))
}

/// Writes an RGB picture as PNG; the file appears whole or not at all.
///
/// # Errors
/// If the folder cannot be written to.
pub fn write_png(path: &Path, picture: &RgbImage) -> Result<()> {
    write_atomic(path, &encode_png(picture, path)?)
}

/// The bytes of a picture as PNG; the same picture gives the same bytes.
fn encode_png(picture: &RgbImage, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
        .write_image(picture, picture.width(), picture.height(), image::ExtendedColorType::Rgb8)
        .map_err(|e| Error::io("write", path)(std::io::Error::other(e)))?;
    Ok(bytes)
}

/// Writes `bytes` to `path`; the file appears whole or not at all.
///
/// # Errors
/// If the folder cannot be written to.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    stylegan_core::write_atomic(path, |file| file.write_all(bytes)).map_err(Error::io("write", path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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
    }

    #[test]
    fn other_shapes_are_refused() {
        let x = Tensor::zeros((1, 2, 4, 4), DType::F32, &Device::Cpu).unwrap();
        assert!(to_pictures(&x).unwrap_err().to_string().contains("[1, 2, 4, 4]"));
    }

    #[test]
    fn grids_keep_places_and_gaps() {
        let cell = |v: u8| RgbImage::from_pixel(2, 3, Rgb([v; 3]));
        let sheet = grid(&[cell(1), cell(2), cell(3)], 2, 1);
        assert_eq!(sheet.dimensions(), (5, 7));
        assert_eq!(sheet.get_pixel(0, 0).0[0], 1);
        assert_eq!(sheet.get_pixel(2, 0).0[0], 255);
        assert_eq!(sheet.get_pixel(3, 0).0[0], 2);
        assert_eq!(sheet.get_pixel(0, 4).0[0], 3);
        assert_eq!(sheet.get_pixel(4, 6).0[0], 255);
    }

    #[test]
    fn rows_are_as_high_as_they_need() {
        let cell = |height: u32| RgbImage::from_pixel(2, height, Rgb([7; 3]));
        let sheet = grid(&[cell(4), cell(1), cell(2)], 1, 2);
        assert_eq!(sheet.dimensions(), (2, 4 + 2 + 1 + 2 + 2));
        let column: Vec<u8> = (0..11).map(|y| sheet.get_pixel(0, y).0[0]).collect();
        assert_eq!(column, [7, 7, 7, 7, 255, 255, 7, 255, 255, 7, 7]);
    }

    #[test]
    fn png_files_come_back() {
        let path = std::env::temp_dir().join(format!("stylegan-picture-{}.png", std::process::id()));
        let picture = RgbImage::from_fn(5, 4, |x, y| Rgb([x as u8 * 50, y as u8 * 60, 7]));
        write_png(&path, &picture).unwrap();
        let back = image::open(&path).unwrap().to_rgb8();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(back, picture);
    }
}
