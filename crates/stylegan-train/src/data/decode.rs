//! From the bytes of a file to 8-bit pixels, upright, refusing what the set cannot hold.

use super::Problem;
use super::budget::{Budget, Turn};
use super::limits::MAX_SIDE;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most memory that the pixels of a picture may take, in bytes (1 GiB), and what its decoder may take besides.
const MAX_PIXELS: u64 = 1 << 30;
const MAX_DECODER: u64 = 1 << 26;

/// The kind of the pictures of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Header {
    /// `[h, w]` in pixels.
    pub(super) size: [usize; 2],
    /// 1 (grey), 3 (RGB) or 4 (RGB with alpha).
    pub(super) channels: usize,
}

/// What the head of a picture file says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// `[h, w]` in pixels of the upright picture.
    pub(super) size: [usize; 2],
    /// 1 (grey), 2 (grey with alpha), 3 (RGB) or 4 (RGB with alpha).
    pub(super) channels: usize,
    /// Bytes of the decoded pixels.
    pub(super) bytes: u64,
    /// How the stored pixels are to be turned.
    pub(super) orientation: Orientation,
    /// Whether a channel has more than 8 bits.
    deep: bool,
}

impl Head {
    /// The kind of the picture, if sets can have it.
    pub(super) fn header(&self) -> Result<Header, Problem> {
        match self.channels {
            _ if self.deep => Err(Problem::Deep),
            2 => Err(Problem::Alpha),
            channels => Ok(Header { size: self.size, channels }),
        }
    }

    /// All that keeps the picture out of a set of this kind.
    pub(super) fn faults(&self, usual: Header) -> Vec<Problem> {
        let size = (self.size != usual.size).then_some(Problem::Size { found: self.size, expected: usual.size });
        let channels = match self.channels {
            found if found == usual.channels => None,
            2 | 4 => Some(Problem::Alpha),
            found => Some(Problem::Channels { found, expected: usual.channels }),
        };
        let deep = self.deep.then_some(Problem::Deep);
        [deep, size, channels].into_iter().flatten().collect()
    }

    /// Whether the stored pixels lie or stand on their head.
    pub(super) fn is_turned(&self) -> bool {
        self.orientation != Orientation::NoTransforms
    }
}

/// A picture of any kind.
pub struct Picture {
    /// The bytes of its file.
    pub file: Vec<u8>,
    /// Its pixels, upright.
    pub pixels: DynamicImage,
    /// Whether the stored pixels were turned to be upright.
    pub turned: bool,
}

impl Picture {
    /// Decodes the bytes of a PNG, JPEG or WebP file.
    ///
    /// # Errors
    /// If they are none, or damaged.
    pub fn decode(file: Vec<u8>) -> Result<Self, Problem> {
        any(file)
    }
}

/// Reads the head of a picture.
pub(super) fn head(bytes: &[u8]) -> Result<Head, Problem> {
    guarded(|| head_of(&mut decoder(bytes)?))
}

/// Whether a WebP file says that its orientation stands behind its pixels.
pub(super) fn orientation_is_at_the_end(bytes: &[u8]) -> bool {
    const EXIF: u8 = 1 << 3;
    bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & EXIF != 0)
}

/// Decodes a picture of the kind `expected` into `[c, h, w]` bytes.
pub(super) fn pixels(bytes: &[u8], expected: Header, budget: &Budget) -> Result<Vec<u8>, Problem> {
    let (decoded, _turn) = guarded(|| expect(bytes, expected, budget, false))?;
    Ok(planar(decoded.as_bytes(), expected.channels))
}

/// Decodes a picture of the kind `expected`, or a grey one of that size where RGB is expected, into `[h, w, c]` bytes.
pub(super) fn interleaved(bytes: &[u8], expected: Header, budget: &Budget) -> Result<Vec<u8>, Problem> {
    let (decoded, _turn) = guarded(|| expect(bytes, expected, budget, true))?;
    Ok(if expected.channels == 3 { decoded.into_rgb8().into_raw() } else { decoded.into_bytes() })
}

/// Decodes a picture that must be of a kind; of the same size in grey as well, if `grey` says so.
fn expect<'a>(
    bytes: &[u8],
    expected: Header,
    budget: &'a Budget,
    grey: bool,
) -> Result<(DynamicImage, Turn<'a>), Problem> {
    let mut decoder = decoder(bytes)?;
    let head = head_of(&mut decoder)?;
    let colourless = grey && head.channels == 1 && expected.channels == 3;
    let expected = if colourless { Header { channels: 1, ..expected } } else { expected };
    if let Some(problem) = head.faults(expected).into_iter().next() {
        return Err(problem);
    }
    // The pixels as they are stored, and planes of them.
    let turn = budget.take(2 * head.bytes);
    Ok((decode(bytes, decoder, &head)?, turn))
}

/// Decodes a picture of any kind.
pub(super) fn any(file: Vec<u8>) -> Result<Picture, Problem> {
    let (pixels, turned) = guarded(|| {
        let mut decoder = decoder(&file)?;
        let head = head_of(&mut decoder)?;
        Ok((decode(&file, decoder, &head)?, head.is_turned()))
    })?;
    Ok(Picture { file, pixels, turned })
}

/// Decodes a picture to see whether it can be; its head, and what is wrong with the rest.
pub(super) fn examine(bytes: &[u8], budget: &Budget) -> Result<(Head, Option<Problem>), Problem> {
    let head = head(bytes)?;
    let _turn = budget.take(head.bytes);
    let fault = guarded(|| decode(bytes, decoder(bytes)?, &head)).err();
    Ok((head, fault))
}

/// Refuses what is no 8-bit grey PNG, by its head: maps that are read as pictures are.
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

/// Decoders of others panic on some broken files, and on some that are whole.
pub(super) fn guarded<R>(decode: impl FnOnce() -> Result<R, Problem>) -> Result<R, Problem> {
    let given_up = |_| Err(Problem::Damaged("its decoder gave up on it; save it again with another program".into()));
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(given_up)
}

fn decoder(bytes: &[u8]) -> Result<impl ImageDecoder + '_, Problem> {
    if bytes.is_empty() {
        return Err(Problem::NoBytes);
    }
    let format = image::guess_format(bytes).map_err(|_| Problem::NotAPicture)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) {
        let ending = format.extensions_str().first().copied().unwrap_or_default();
        return Err(Problem::OtherPicture(ending.to_uppercase()));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| match error {
        ImageError::Limits(_) => Problem::Damaged("its head tells of more pixels than fit into memory".to_string()),
        error => damaged(error),
    })
}

fn head_of(decoder: &mut impl ImageDecoder) -> Result<Head, Problem> {
    let (w, h) = decoder.dimensions();
    let size = [h as usize, w as usize];
    if size.contains(&0) {
        return Err(Problem::Damaged("it has no pixels".to_string()));
    }
    if size.iter().any(|&side| side > MAX_SIDE) || decoder.total_bytes() > MAX_PIXELS {
        return Err(Problem::TooLarge { size, most: MAX_SIDE });
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let color = decoder.color_type();
    Ok(Head {
        size: upright(size, orientation),
        channels: color.channel_count().into(),
        bytes: decoder.total_bytes(),
        orientation,
        deep: color.bytes_per_pixel() != color.channel_count(),
    })
}

/// The size of a picture that was turned as its file says that it is to be.
pub(super) fn upright([h, w]: [usize; 2], turn: Orientation) -> [usize; 2] {
    match turn {
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => [h, w],
        _ => [w, h],
    }
}

fn decode(bytes: &[u8], decoder: impl ImageDecoder, head: &Head) -> Result<DynamicImage, Problem> {
    // JPEG decoders fill what is missing with grey; the end marker shows that nothing is.
    if bytes.starts_with(&[0xff, 0xd8]) && !jpeg_pixels(bytes).windows(2).rev().any(|pair| pair == [0xff, 0xd9]) {
        return Err(Problem::Damaged("the JPEG ends without its end marker".to_string()));
    }
    let [h, w] = head.size;
    room(head.size, head.bytes + 4 * (h * w) as u64)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(head.orientation);
    Ok(picture)
}

/// Refuses a picture of `[h, w]` pixels that, as they are and changed to other colours or turned, take more bytes than this
/// process may have: decoders would end it.
pub(super) fn room(size: [usize; 2], bytes: u64) -> Result<(), Problem> {
    let mut pixels: Vec<u8> = Vec::new();
    // Beyond what `usize` counts there is none either.
    pixels
        .try_reserve_exact(usize::try_from(bytes).unwrap_or(usize::MAX))
        .map_err(|_| Problem::NoMemory { size, bytes })
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

/// What a decoder says, in one line: some break it, and some show the break and quotes as code has them.
pub(super) fn damaged(error: impl std::error::Error) -> Problem {
    let text = error.to_string().replace("\\n", " ").replace('"', "");
    Problem::Damaged(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `[h, w, c]` to `[c, h, w]`.
pub(super) fn planar(interleaved: &[u8], channels: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(interleaved.len());
    for c in 0..channels {
        out.extend(interleaved.iter().skip(c).step_by(channels));
    }
    out
}
