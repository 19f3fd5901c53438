//! PNG files whose pixels are numbers: label maps and instance maps, as they are stored.

use super::Problem;
use super::budget::Budget;
use super::decode::{self, damaged, guarded};
use super::limits::MAX_SIDE;
use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer, Luma, RgbImage};
use png::{BitDepth, ColorType, Transformations};
use std::io::Cursor;

/// What a PNG decoder may take besides the pixels, in bytes.
const MAX_DECODER: usize = 1 << 26;
/// Bytes that a pixel takes while a map is read.
const BYTES_PER_PIXEL: u64 = 8;

/// Refuses maps of some sizes `[h, w]`, before memory is taken for their pixels.
pub(super) type Admits<'a> = &'a dyn Fn([usize; 2]) -> Result<(), Problem>;

/// What each pixel of a map is, row by row.
#[derive(Debug)]
pub(super) enum Cells {
    /// Grey values, or places in a palette.
    Numbers(Vec<u16>),
    /// Colours.
    Colours(Vec<[u8; 3]>),
}

/// A map as it is stored: no value is stretched, and a palette is not looked up.
#[derive(Debug)]
pub(super) struct MapFile {
    /// `[h, w]` in pixels.
    pub(super) size: [usize; 2],
    pub(super) cells: Cells,
    /// The colours that numbers are places of, if they are.
    pub(super) palette: Vec<[u8; 3]>,
}

impl MapFile {
    /// Reads the bytes of a file whose upright size `[h, w]`, known by its head, `admits` lets pass.
    pub(super) fn read(bytes: &[u8], budget: &Budget, admits: Admits) -> Result<Self, Problem> {
        if bytes.is_empty() {
            return Err(Problem::NoBytes);
        }
        if image::guess_format(bytes).ok() != Some(image::ImageFormat::Png) {
            return Err(Problem::MapKind("not a PNG file".to_string()));
        }
        guarded(|| read(bytes, budget, admits))
    }

    /// Column and row of a pixel by its number.
    pub(super) fn at(&self, pixel: usize) -> [usize; 2] {
        [pixel % self.size[1], pixel / self.size[1]]
    }
}

fn read(bytes: &[u8], budget: &Budget, admits: Admits) -> Result<MapFile, Problem> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: MAX_DECODER });
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let info = reader.info();
    let (kind, depth) = (info.color_type, info.bit_depth);
    let (w, h) = (info.width as usize, info.height as usize);
    let too_large = || Problem::TooLarge { size: [h, w], most: MAX_SIDE };
    if w > MAX_SIDE || h > MAX_SIDE {
        return Err(too_large());
    }
    let wide = || Problem::MapKind(format!("in colour with {} bits", depth as u8));
    if matches!(kind, ColorType::Rgb | ColorType::Rgba) && depth != BitDepth::Eight {
        return Err(wide());
    }
    // The value or the colour that is transparent.
    let clear = info.trns.as_ref().filter(|_| kind != ColorType::Indexed).map(|clear| clear.to_vec());
    let palette = match (kind, &info.palette) {
        (ColorType::Indexed, Some(palette)) => palette.as_chunks().0.to_vec(),
        _ => Vec::new(),
    };
    let turn = info.exif_metadata.as_ref().and_then(|exif| Orientation::from_exif_chunk(exif));
    admits(decode::upright([h, w], turn.unwrap_or(Orientation::NoTransforms)))?;
    let _turn = budget.take((w * h) as u64 * BYTES_PER_PIXEL);
    let Some(length) = reader.output_buffer_size() else { return Err(too_large()) };
    decode::room([h, w], (w * h) as u64 * BYTES_PER_PIXEL)?;
    let mut stored = vec![0; length];
    let frame = reader.next_frame(&mut stored).map_err(damaged)?;
    let rows = stored.chunks_exact(frame.line_size.max(1));
    let mut opaque = true;
    let mut is_opaque = |all: bool| opaque &= all;
    let cells = match kind {
        ColorType::Rgb => Cells::Colours(stored.as_chunks().0.to_vec()),
        ColorType::Rgba => {
            let pixels = stored.as_chunks::<4>().0;
            is_opaque(pixels.iter().all(|pixel| pixel[3] == u8::MAX));
            Cells::Colours(pixels.iter().map(|&[r, g, b, _]| [r, g, b]).collect())
        }
        ColorType::GrayscaleAlpha => {
            let (values, all) = grey_with_alpha(&stored, depth);
            is_opaque(all);
            Cells::Numbers(values)
        }
        _ => Cells::Numbers(rows.flat_map(|row| numbers(row, depth, w)).collect()),
    };
    is_opaque(match (&cells, clear.as_deref()) {
        (_, None | Some([])) => true,
        (Cells::Numbers(values), Some(&[value])) => !values.contains(&value.into()),
        (Cells::Numbers(values), Some(&[high, low, ..])) => !values.contains(&u16::from_be_bytes([high, low])),
        (Cells::Colours(colours), Some(clear)) => !colours.iter().any(|colour| colour == clear),
    });
    if !opaque {
        return Err(Problem::MapKind("partly transparent".to_string()));
    }
    upright(MapFile { size: [h, w], cells, palette }, turn)
}

/// The values of pixels with alpha, of 8 or 16 bits each, and whether all are opaque.
fn grey_with_alpha(stored: &[u8], depth: BitDepth) -> (Vec<u16>, bool) {
    if depth == BitDepth::Sixteen {
        let pixels = stored.as_chunks::<4>().0;
        let opaque = pixels.iter().all(|pixel| pixel[2..] == [u8::MAX; 2]);
        return (pixels.iter().map(|pixel| u16::from_be_bytes([pixel[0], pixel[1]])).collect(), opaque);
    }
    let pixels = stored.as_chunks::<2>().0;
    (pixels.iter().map(|pixel| pixel[0].into()).collect(), pixels.iter().all(|pixel| pixel[1] == u8::MAX))
}

/// The `w` numbers of a row, of `depth` bits each.
fn numbers(row: &[u8], depth: BitDepth, w: usize) -> Vec<u16> {
    let bits = depth as usize;
    match depth {
        BitDepth::Sixteen => row.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect(),
        _ => {
            let (in_byte, mask) = (8 / bits, u8::MAX >> (8 - bits));
            let number = |x: usize| row[x / in_byte] >> (8 - bits - x % in_byte * bits) & mask;
            (0..w).map(|x| number(x).into()).collect()
        }
    }
}

/// Turns a map as its file says that it is to be turned, which its picture then is as well.
fn upright(map: MapFile, turn: Option<Orientation>) -> Result<MapFile, Problem> {
    let Some(turn) = turn.filter(|&turn| turn != Orientation::NoTransforms) else { return Ok(map) };
    let [h, w] = map.size.map(|side| side as u32);
    let damaged = || Problem::Damaged("it has no pixels".to_string());
    let mut picture: DynamicImage = match map.cells {
        Cells::Numbers(cells) => ImageBuffer::<Luma<u16>, _>::from_raw(w, h, cells).ok_or_else(damaged)?.into(),
        Cells::Colours(cells) => RgbImage::from_raw(w, h, cells.into_flattened()).ok_or_else(damaged)?.into(),
    };
    picture.apply_orientation(turn);
    let size = [picture.height() as usize, picture.width() as usize];
    let cells = match picture {
        DynamicImage::ImageLuma16(picture) => Cells::Numbers(picture.into_raw()),
        other => Cells::Colours(other.into_rgb8().into_raw().as_chunks().0.to_vec()),
    };
    Ok(MapFile { size, cells, palette: map.palette })
}
