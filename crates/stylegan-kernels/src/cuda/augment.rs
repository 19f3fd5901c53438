//! Launches of `augment.cu`: what augmentation does to images. With a launch come the numbers that differ between images,
//! as the kernel reads them.

use super::epilogue::Epilogue;
use super::launch::{Elements, Kernel, Launch, int};
use super::upfirdn2d::{UpFirDn, UpFirDnParams, upfirdn2d};
use crate::augment::{AffineMap, ColorMatrix, Lattice, OUTSIDE, Rectangle, SYM6, grey};
use crate::upfirdn2d::Filter;
use candle_core::Result;

/// Results of a tile along each axis; a warp has as many lanes.
const SIDE: usize = 32;
/// Floats of a tile's shared memory before its samples: the numbers of an image, the taps and zeros around them.
const HEAD: usize = NUMBERS + SYM6.len() + 4;
/// Numbers of an image.
const NUMBERS: usize = 28;
/// Pixels of a side whose samples, twice as many and some more, are counted in f32.
const LONGEST: usize = 1 << 22;
/// In place of numbers without end, whose products would be none: an image of this many pixels is on no GPU.
const MOST: f64 = 1e25;

/// Parameters of `affine_resample` and `affine_resample_adjoint`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffineParams {
    height: i32,
    width: i32,
    channels: i32,
    rows: i32,
    columns: i32,
    tiles_x: i32,
    tiles_y: i32,
}

/// # Errors
/// When a side is too long for what is counted along it.
fn check_sides(op: &str, size: [usize; 2]) -> Result<()> {
    match size.into_iter().find(|&side| side > LONGEST) {
        Some(side) => candle_core::bail!("cuda: {op} of {side} pixels, expected at most {LONGEST} along a side"),
        None => Ok(()),
    }
}

/// The filter that upsamples, of sum 2.
fn rise() -> Vec<f32> {
    let sum: f64 = SYM6.iter().sum();
    SYM6.iter().map(|tap| (2. * tap / sum) as f32).collect()
}

/// (x `[n, channels, h, w]`, taps, maps) -> the same shape: see
/// [`affine_resample`](crate::augment::affine_resample). Then the taps, and the numbers of the maps.
///
/// # Errors
/// When the samples of a plane have more than 31 bits, or a side more than 4194304 pixels.
pub fn affine_resample(
    maps: &[AffineMap],
    channels: usize,
    size: [usize; 2],
) -> Result<(Launch<AffineParams>, [Vec<f32>; 2])> {
    affine("affine_resample", maps, channels, size)
}

/// The same filter as [`affine_resample`]'s upsamples g `[planes, h, w]` to the gradients of the samples
/// `[planes, 2 h + 10, 2 w + 10]`.
///
/// # Errors
/// As [`affine_resample`].
pub fn affine_samples(planes: usize, [h, w]: [usize; 2]) -> Result<(Launch<UpFirDnParams>, Vec<f32>)> {
    let filter = Filter::separable(&SYM6);
    let pad = [SYM6.len() as i64 - 1; 2];
    let op = UpFirDn { filter: &filter, up: [2; 2], down: [1; 2], pad, flip: false, gain: 1. };
    upfirdn2d(planes, [h, w], samples([h, w]), op, Epilogue::none())
}

/// Rows of samples, and samples of a row.
pub(crate) fn samples(size: [usize; 2]) -> [usize; 2] {
    size.map(|side| 2 * side + 2 * OUTSIDE)
}

/// (gradients of the samples `[n, channels, 2 h + 10, 2 w + 10]`, g `[n, channels, h, w]`, taps, maps) -> the gradient of x:
/// the adjoint of [`affine_resample`]. Then the taps, and the numbers of the maps.
///
/// # Errors
/// As [`affine_resample`].
pub fn affine_resample_adjoint(
    maps: &[AffineMap],
    channels: usize,
    size: [usize; 2],
) -> Result<(Launch<AffineParams>, [Vec<f32>; 2])> {
    affine("affine_resample_adjoint", maps, channels, size)
}

fn affine(
    name: &'static str,
    maps: &[AffineMap],
    channels: usize,
    size @ [h, w]: [usize; 2],
) -> Result<(Launch<AffineParams>, [Vec<f32>; 2])> {
    check_sides("affine_resample", size)?;
    let [deep, wide] = samples(size);
    int(deep.saturating_mul(wide), "samples")?;
    let [rows, columns] = size.map(|side| SIDE.min(side.max(1)));
    let [tiles_y, tiles_x] = [h.div_ceil(rows), w.div_ceil(columns)];
    let params = AffineParams {
        height: int(h, "pixels")?,
        width: int(w, "pixels")?,
        channels: int(channels.max(1), "channels")?,
        rows: int(rows, "pixels")?,
        columns: int(columns, "pixels")?,
        tiles_x: int(tiles_x, "tiles")?,
        tiles_y: int(tiles_y, "tiles")?,
    };
    let [tile_deep, tile_wide] = samples([rows, columns]);
    let floats = HEAD + tile_deep * (tile_wide + columns);
    let shared = int(floats * size_of::<f32>(), "bytes")? as u32;
    let kernel = Kernel::new("augment", name);
    let launch = Launch::new(kernel, maps.len() * channels * tiles_x * tiles_y, shared, params)?;
    Ok((launch, [rise(), maps.iter().flat_map(|map| numbers(map, size)).collect()]))
}

/// The numbers of an image: whether it stays, four margins, the reach of pixels in rows of samples, samples per pixel along
/// x and y; then doubles, in two words each: start, the ways along and across, and the ways back.
fn numbers(map: &AffineMap, size: [usize; 2]) -> [f32; NUMBERS] {
    let Lattice { start, right, down } = Lattice::new(map, size);
    let none = [start, right, down].iter().flatten().any(|number| number.is_nan());
    let bounded = |way: [f64; 2]| if none { [0.; 2] } else { way.map(|number| number.clamp(-MOST, MOST)) };
    let [start, right, down] = [start, right, down].map(bounded);
    // A pixel's neighbours lie in a square of two pixels: by the inverse in a parallelogram of samples. A map that has no
    // inverse to speak of may have all samples anywhere.
    let determinant = right[0] * down[1] - right[1] * down[0];
    let regular = determinant.abs() > 1e-9 * right[0].hypot(right[1]) * down[0].hypot(down[1]);
    let back = |way: [f64; 2]| if regular { way.map(|number| number / determinant) } else { [0.; 2] };
    let (column, row) = (back([down[1], -down[0]]), back([-right[1], right[0]]));
    let reach = if none {
        -1.
    } else if regular {
        row[0].abs() + row[1].abs() + 1e-3
    } else {
        MOST
    };
    let mut numbers = [0.; NUMBERS];
    numbers[0] = f32::from(u8::from(map.is_identity()));
    for (number, margin) in numbers[1..5].iter_mut().zip(map.margins()) {
        *number = margin as f32;
    }
    numbers[5] = reach.min(MOST) as f32;
    for (number, step) in numbers[6..8].iter_mut().zip(right) {
        *number = step.recip().clamp(-MOST, MOST) as f32;
    }
    for (words, number) in numbers[8..].chunks_mut(2).zip([start, right, down, column, row].concat()) {
        let bits = number.to_bits();
        words.copy_from_slice(&[f32::from_bits(bits as u32), f32::from_bits((bits >> 32) as u32)]);
    }
    numbers
}

/// Parameters of `image_filter` and `image_filter_adjoint`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageFilterParams {
    at: Elements,
    channels: i32,
    taps: i32,
    length: i32,
    step: i32,
}

/// An axis of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// Each row is filtered.
    Rows,
    /// Each column is.
    Columns,
}

/// (x `[n, channels, h, w]`, filters) -> the same shape, filtered along one axis: see
/// [`filter_images`](crate::augment::filter_images). Then the numbers of the filters.
///
/// # Errors
/// When a size has more than 31 bits (so for all that follow).
pub fn image_filter(
    filters: &[Option<Vec<f64>>],
    channels: usize,
    size: [usize; 2],
    along: Along,
) -> Result<(Launch<ImageFilterParams>, Vec<f32>)> {
    filter("image_filter", filters, channels, size, along)
}

/// (g `[n, channels, h, w]`, filters) -> the same shape: the adjoint of [`image_filter`]. Then the numbers of the filters.
///
/// # Errors
/// As [`image_filter`].
pub fn image_filter_adjoint(
    filters: &[Option<Vec<f64>>],
    channels: usize,
    size: [usize; 2],
    along: Along,
) -> Result<(Launch<ImageFilterParams>, Vec<f32>)> {
    filter("image_filter_adjoint", filters, channels, size, along)
}

fn filter(
    name: &'static str,
    filters: &[Option<Vec<f64>>],
    channels: usize,
    [h, w]: [usize; 2],
    along: Along,
) -> Result<(Launch<ImageFilterParams>, Vec<f32>)> {
    let (length, step) = match along {
        Along::Rows => (w, 1),
        Along::Columns => (h, w),
    };
    let taps = filters.iter().flatten().map(Vec::len).max().unwrap_or(1);
    let rows = filters.len() * channels;
    let at = Elements::new(rows, h * w)?;
    int(2 * (length + taps), "pixels")?;
    let params = ImageFilterParams {
        at,
        channels: int(channels.max(1), "channels")?,
        taps: int(taps, "taps")?,
        length: int(length.max(1), "pixels")?,
        step: int(step.max(1), "pixels")?,
    };
    // Shorter filters lie in the middle of zeros.
    let mut numbers = vec![0.; filters.len() * (taps + 1)];
    for (numbers, own) in numbers.chunks_mut(taps + 1).zip(filters) {
        let Some(own) = own else { continue };
        numbers[0] = 1.;
        let middle = &mut numbers[1 + (taps - own.len()) / 2..];
        middle.iter_mut().zip(own).for_each(|(number, &tap)| *number = tap as f32);
    }
    Ok((Launch::elementwise(Kernel::new("augment", name), rows * h * w, params)?, numbers))
}

/// Parameters of `color_transform`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorParams {
    at: Elements,
    channels: i32,
}

/// (x `[n, channels, h, w]`, matrices) -> the same shape: see
/// [`color_transform`](crate::augment::color_transform). Then the numbers of the matrices.
///
/// # Errors
/// As [`image_filter`].
pub fn color_transform(
    matrices: &[ColorMatrix],
    channels: usize,
    [h, w]: [usize; 2],
) -> Result<(Launch<ColorParams>, Vec<f32>)> {
    let at = Elements::new(matrices.len(), h * w)?;
    let params = ColorParams { at, channels: int(channels, "channels")? };
    let of_image = |matrix: &ColorMatrix| -> Vec<f64> {
        if channels >= 3 {
            return matrix.concat();
        }
        let [factor, shift] = grey(matrix);
        [vec![factor, 0., 0., shift], vec![0.; 8]].concat()
    };
    let numbers = matrices.iter().flat_map(of_image).map(|number| number as f32).collect();
    // A thread has all channels of a pixel: without channels nothing is to be done.
    let pixels = matrices.len() * h * w * usize::from(channels > 0);
    Ok((Launch::elementwise(Kernel::new("augment", "color_transform"), pixels, params)?, numbers))
}

/// Parameters of `cutout`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutoutParams {
    at: Elements,
    channels: i32,
    width: i32,
}

/// (x `[n, channels, h, w]`, rectangles) -> the same shape: see [`cutout`](crate::augment::cutout). Then the numbers of the
/// rectangles.
///
/// # Errors
/// As [`affine_resample`].
pub fn cutout(
    rectangles: &[Rectangle],
    channels: usize,
    [h, w]: [usize; 2],
) -> Result<(Launch<CutoutParams>, Vec<f32>)> {
    check_sides("cutout", [h, w])?;
    let rows = rectangles.len() * channels;
    let at = Elements::new(rows, h * w)?;
    let params = CutoutParams { at, channels: int(channels.max(1), "channels")?, width: int(w.max(1), "pixels")? };
    let of_image = |hole: &Rectangle| {
        [hole.x.start.min(w), hole.x.end.min(w), hole.y.start.min(h), hole.y.end.min(h)].map(|side| side as f32)
    };
    let launch = Launch::elementwise(Kernel::new("augment", "cutout"), rows * h * w, params)?;
    Ok((launch, rectangles.iter().flat_map(of_image).collect()))
}
