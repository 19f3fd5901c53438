//! PNG files, with text that says where the picture comes from.

use crate::{Error, Result, write_file};
use image::{ImageBuffer, PixelWithColorType};
use std::io;
use std::path::Path;

/// Writes a picture, RGB or with alpha, as PNG; the file appears whole or not at all. `text` are pairs of a keyword (1
/// to 79 Latin letters) and any text, which viewers show as properties of the picture.
///
/// # Errors
/// If the folder cannot be written to, or the picture has no pixels.
pub fn write_png<P: PixelWithColorType<Subpixel = u8>>(
    path: &Path,
    picture: &ImageBuffer<P, Vec<u8>>,
    text: &[(&str, String)],
) -> Result<()> {
    let bytes = encode_png(picture, text).map_err(|source| Error::Io { verb: "write", path: path.into(), source })?;
    write_file(path, &bytes)
}

/// The bytes of a picture as PNG; the same picture and text give the same bytes.
///
/// # Errors
/// If the picture has no pixels, or a keyword is longer than the format allows.
pub fn encode_png<P: PixelWithColorType<Subpixel = u8>>(
    picture: &ImageBuffer<P, Vec<u8>>,
    text: &[(&str, String)],
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_color(match P::CHANNEL_COUNT {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::Adaptive);
    add_text(&mut encoder, text)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.as_raw())?;
    writer.finish()?;
    Ok(bytes)
}

/// Puts text into a PNG file that is about to be written: pairs of a keyword (1 to 79 Latin letters) and any text.
///
/// # Errors
/// If a keyword is longer than the format allows.
pub fn add_text<W: io::Write>(encoder: &mut png::Encoder<'_, W>, text: &[(&str, String)]) -> io::Result<()> {
    for (keyword, text) in text {
        let keyword = (*keyword).to_owned();
        // Only the younger kind of chunk holds all of Unicode; every program reads the older.
        if text.is_ascii() {
            encoder.add_text_chunk(keyword, text.clone())?;
        } else {
            encoder.add_itxt_chunk(keyword, text.clone())?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use image::RgbImage;

    #[test]
    fn files_come_back_with_their_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let picture = RgbImage::from_fn(5, 4, |x, y| image::Rgb([x as u8 * 50, y as u8 * 60, 7]));
        let text = [("stylegan:seed", "85".to_owned()), ("stylegan:class", "Fräulein ψ".to_owned())];
        write_png(&path, &picture, &text).unwrap();
        assert_eq!(image::open(&path).unwrap().to_rgb8(), picture);
        let reader = png::Decoder::new(io::BufReader::new(std::fs::File::open(&path).unwrap())).read_info().unwrap();
        let info = reader.info();
        assert_eq!(info.uncompressed_latin1_text[0].keyword, "stylegan:seed");
        assert_eq!(info.uncompressed_latin1_text[0].text, "85");
        assert_eq!(info.utf8_text[0].get_text().unwrap(), "Fräulein ψ");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let picture = RgbImage::new(1, 1);
        assert!(write_png(Path::new("absent/folder/a.png"), &picture, &[]).is_err());
        assert!(encode_png(&RgbImage::new(0, 0), &[]).is_err());
        assert!(encode_png(&picture, &[(&"k".repeat(80), String::new())]).is_err());
    }
}
