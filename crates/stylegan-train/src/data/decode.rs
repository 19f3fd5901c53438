//! From the bytes of a file to 8-bit pixels, refusing what the set cannot hold.

use super::{MAX_SIDE, Problem};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most memory that the pixels of a picture may take, in bytes (1 GiB), and what its decoder may take besides.
const MAX_PIXELS: u64 = 1 << 30;
const MAX_DECODER: u64 = 1 << 26;

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
    guarded(|| {
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
    })
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
    label_map_kind(bytes)?;
    let found = guarded(|| dimensions(&decoder(bytes)?))?;
    if found != size {
        return Err(Problem::MapSize { found, expected: size });
    }
    Ok(decode(bytes)?.into_bytes())
}

/// Refuses what is no 8-bit grey PNG, by its head.
///
/// # Errors
/// What it is instead.
pub fn label_map_kind(bytes: &[u8]) -> Result<(), Problem> {
    if image::guess_format(bytes).ok() != Some(ImageFormat::Png) {
        return Err(Problem::MapFormat("not a PNG file".to_string()));
    }
    // The depth and the kind of colour in a PNG's head. Below 8 bits the decoder would spread the values over 0 to
    // 255, and class 1 become 17.
    if let Some(&[depth, kind]) = bytes.get(24..26)
        && (depth, kind) != (8, 0)
    {
        let kind = match kind {
            0 => "grey",
            2 => "in colour",
            3 => "in the colours of a palette",
            _ => "partly transparent",
        };
        return Err(Problem::MapFormat(format!("{kind} with {depth} bits")));
    }
    Ok(())
}

/// Decodes any picture of the formats that are read, with its stored orientation applied; and whether that moved
/// its pixels.
pub fn any_picture(bytes: &[u8]) -> Result<(DynamicImage, bool), Problem> {
    let orientation = guarded(|| {
        let mut decoder = decoder(bytes)?;
        dimensions(&decoder)?;
        decoder.orientation().map_err(damaged)
    })?;
    let mut picture = decode(bytes)?;
    picture.apply_orientation(orientation);
    Ok((picture, orientation != Orientation::NoTransforms))
}

/// Decoders of others panic on some broken files, and on some that are whole.
fn guarded<R>(decode: impl FnOnce() -> Result<R, Problem>) -> Result<R, Problem> {
    let given_up = |_| Err(Problem::Damaged("its decoder gave up on it; save it again with another program".into()));
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(given_up)
}

fn decoder(bytes: &[u8]) -> Result<impl ImageDecoder + '_, Problem> {
    let format = image::guess_format(bytes).map_err(|_| Problem::NotAPicture)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) {
        return Err(Problem::NotAPicture);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER);
    reader.limits(limits);
    reader.into_decoder().map_err(damaged)
}

fn dimensions(decoder: &impl ImageDecoder) -> Result<[usize; 2], Problem> {
    let (w, h) = decoder.dimensions();
    let size = [h as usize, w as usize];
    if size.contains(&0) {
        return Err(Problem::Damaged("it has no pixels".to_string()));
    }
    let large = size.iter().any(|&side| side > MAX_SIDE) || decoder.total_bytes() > MAX_PIXELS;
    if large { Err(Problem::TooLarge(size)) } else { Ok(size) }
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, Problem> {
    // JPEG decoders fill what is missing with grey; the end marker shows that nothing is.
    if bytes.starts_with(&[0xff, 0xd8]) && !jpeg_pixels(bytes).windows(2).rev().any(|pair| pair == [0xff, 0xd9]) {
        return Err(Problem::Damaged("the JPEG ends without its end marker".to_string()));
    }
    guarded(|| DynamicImage::from_decoder(decoder(bytes)?).map_err(damaged))
}

/// A JPEG from its first scan on: what stands before may hold a small JPEG of its own.
fn jpeg_pixels(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes.get(2..).unwrap_or_default();
    // A marker, and how long its segment is.
    while let [0xff, marker, a, b, ..] = *rest {
        if marker == 0xda {
            break;
        }
        // A marker may be filled up to its place.
        let skip = if marker == 0xff { 1 } else { 2 + usize::from(u16::from_be_bytes([a, b])) };
        rest = rest.get(skip..).unwrap_or_default();
    }
    rest
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
