//! From the bytes of a file to 8-bit pixels, refusing what the set cannot hold.

use super::{MAX_SIDE, Problem, palette};
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// The most memory that decoding one picture may take, in bytes (1 GiB).
const MAX_DECODE_BYTES: u64 = 1 << 30;

/// What the head of a picture file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Header {
    /// `[h, w]` in pixels.
    pub(super) size: [usize; 2],
    /// 1 (grey) or 3 (RGB).
    pub(super) channels: usize,
}

/// Reads the head of a picture.
pub(super) fn header(bytes: &[u8]) -> Result<Header, Problem> {
    let decoder = decoder(bytes)?;
    let size = dimensions(&decoder)?;
    let color = decoder.color_type();
    if color.bytes_per_pixel() != color.channel_count() {
        return Err(Problem::Deep);
    }
    if color.has_alpha() {
        return Err(Problem::Alpha);
    }
    Ok(Header { size, channels: color.channel_count().into() })
}

/// Decodes a picture of the kind `expected` into `[c, h, w]` bytes.
pub(super) fn pixels(bytes: &[u8], expected: Header) -> Result<Vec<u8>, Problem> {
    let found = header(bytes)?;
    matches(found, expected)?;
    let interleaved = decode(bytes)?;
    Ok(planar(interleaved.as_bytes(), found.channels))
}

/// Compares a picture with the others of its set.
pub(super) fn matches(found: Header, expected: Header) -> Result<(), Problem> {
    if found.size != expected.size {
        return Err(Problem::Size { found: found.size, expected: expected.size });
    }
    if found.channels != expected.channels {
        return Err(Problem::Channels { found: found.channels, expected: expected.channels });
    }
    Ok(())
}

/// Decodes a label map for pictures of `size` into `[h, w]` class numbers.
pub(super) fn label_map(bytes: &[u8], size: [usize; 2]) -> Result<Vec<u8>, Problem> {
    if image::guess_format(bytes).ok() != Some(ImageFormat::Png) {
        return Err(Problem::MapFormat("not a PNG file".to_string()));
    }
    let decoder = decoder(bytes)?;
    // Below 8 bits the decoder would spread the values over 0 to 255, and class 1 become 17.
    if decoder.original_color_type() != ExtendedColorType::L8 {
        return Err(Problem::MapFormat(format!("of type {:?}", decoder.original_color_type())));
    }
    let found = dimensions(&decoder)?;
    if found != size {
        return Err(Problem::MapSize { found, expected: size });
    }
    Ok(decode(bytes)?.into_bytes())
}

/// Decodes any picture of the formats that are read, with its stored orientation applied.
pub fn any_picture(bytes: &[u8]) -> Result<DynamicImage, Problem> {
    let mut decoder = decoder(bytes)?;
    dimensions(&decoder)?;
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut picture = decode(bytes)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn decoder(bytes: &[u8]) -> Result<impl ImageDecoder + '_, Problem> {
    let format = image::guess_format(bytes).map_err(|_| Problem::NotAPicture)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) {
        return Err(Problem::NotAPicture);
    }
    if format == ImageFormat::Png {
        palette::check(bytes)?;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits);
    reader.into_decoder().map_err(damaged)
}

fn dimensions(decoder: &impl ImageDecoder) -> Result<[usize; 2], Problem> {
    let (w, h) = decoder.dimensions();
    let size = [h as usize, w as usize];
    if size.iter().any(|&side| side > MAX_SIDE) { Err(Problem::TooLarge(size)) } else { Ok(size) }
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, Problem> {
    // JPEG decoders fill what is missing with grey; the end marker shows that nothing is.
    if bytes.starts_with(&[0xff, 0xd8]) && !bytes.windows(2).rev().take(1 << 16).any(|pair| pair == [0xff, 0xd9]) {
        return Err(Problem::Damaged("the JPEG ends without its end marker".to_string()));
    }
    DynamicImage::from_decoder(decoder(bytes)?).map_err(damaged)
}

fn damaged(error: image::ImageError) -> Problem {
    Problem::Damaged(error.to_string())
}

/// `[h, w, c]` to `[c, h, w]`.
fn planar(interleaved: &[u8], channels: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(interleaved.len());
    for c in 0..channels {
        out.extend(interleaved.iter().skip(c).step_by(channels));
    }
    out
}
