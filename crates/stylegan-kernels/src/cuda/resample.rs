//! Launches of `resample.cu`: nearest, average and bilinear changes of size, maxima of windows.

use super::launch::{Elements, Kernel, Launch, int};
use candle_core::Result;

/// Parameters of `repeat_pixels` and `sum_blocks`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlocksParams {
    at: Elements,
    width: i32,
    factor: i32,
    gain: f32,
}

/// x `[rows, h, w]` -> `[rows, factor h, factor w]`: pixels repeated, times `gain`.
///
/// # Errors
/// When a size has more than 31 bits (so for all of these).
pub fn repeat_pixels(rows: usize, [h, w]: [usize; 2], factor: usize, gain: f64) -> Result<Launch<BlocksParams>> {
    blocks(Kernel::new("resample", "repeat_pixels"), rows, [h * factor, w * factor], factor, gain)
}

/// x `[rows, factor h, factor w]` -> `[rows, h, w]`: sums of blocks, times `gain`.
///
/// # Errors
/// As [`repeat_pixels`].
pub fn sum_blocks(rows: usize, [h, w]: [usize; 2], factor: usize, gain: f64) -> Result<Launch<BlocksParams>> {
    int(h * w * factor * factor, "pixels")?;
    blocks(Kernel::new("resample", "sum_blocks"), rows, [h, w], factor, gain)
}

fn blocks(kernel: Kernel, rows: usize, [h, w]: [usize; 2], factor: usize, gain: f64) -> Result<Launch<BlocksParams>> {
    let (width, factor) = (int(w.max(1), "pixels")?, int(factor, "pixels")?);
    Launch::elementwise(
        kernel,
        rows * h * w,
        BlocksParams { at: Elements::new(rows, h * w)?, width, factor, gain: gain as f32 },
    )
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    input: i32,
    output: i32,
    aligned: i32,
}

/// Parameters of `bilinear` and `bilinear_adjoint`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BilinearParams {
    at: Elements,
    y: Axis,
    x: Axis,
}

/// x `[rows, from]` -> `[rows, to]`: see [`resize_bilinear`](crate::resize_bilinear()).
///
/// # Errors
/// When sides have more than 30000 pixels.
pub fn bilinear(rows: usize, from: [usize; 2], to: [usize; 2], align_corners: bool) -> Result<Launch<BilinearParams>> {
    interpolation(Kernel::new("resample", "bilinear"), rows, from, to, align_corners, to)
}

/// g `[rows, to]` -> `[rows, from]`: the adjoint of [`bilinear`].
///
/// # Errors
/// As [`bilinear`].
pub fn bilinear_adjoint(
    rows: usize,
    from: [usize; 2],
    to: [usize; 2],
    align_corners: bool,
) -> Result<Launch<BilinearParams>> {
    interpolation(Kernel::new("resample", "bilinear_adjoint"), rows, from, to, align_corners, from)
}

fn interpolation(
    kernel: Kernel,
    rows: usize,
    from: [usize; 2],
    to: [usize; 2],
    align_corners: bool,
    result: [usize; 2],
) -> Result<Launch<BilinearParams>> {
    // Positions are products of two sides, twice, in 31 bits.
    if let Some(side) = from.iter().chain(&to).find(|&&side| side > 30_000) {
        candle_core::bail!("cuda: bilinear interpolation of {side} pixels, expected at most 30000 along a side")
    }
    let axis = |i: usize| -> Result<Axis> {
        Ok(Axis { input: int(from[i], "pixels")?, output: int(to[i], "pixels")?, aligned: align_corners.into() })
    };
    let plane = result[0] * result[1];
    let params = BilinearParams { at: Elements::new(rows, plane)?, y: axis(0)?, x: axis(1)? };
    Launch::elementwise(kernel, rows * plane, params)
}

/// Parameters of `max_pool` and `max_pool_adjoint`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowsParams {
    at: Elements,
    sides: [i32; 2],
    counts: [i32; 2],
    size: i32,
    stride: i32,
    padding: i32,
}

/// (x `[rows, h, w]`, values `[rows, h, w]`) -> `[rows, counts]`: the values where each window of x has its maximum, the
/// first of equals. `windows` are their size, the pixels from one to the next, and those of nothing around the picture:
/// see [`Windows`](crate::resize::Windows), which counts them.
///
/// # Errors
/// When a size has more than 31 bits.
pub fn max_pool(
    rows: usize,
    sides: [usize; 2],
    counts: [usize; 2],
    windows: [usize; 3],
) -> Result<Launch<WindowsParams>> {
    maxima(Kernel::new("resample", "max_pool"), rows, [sides, counts], windows, counts)
}

/// (x `[rows, h, w]`, g `[rows, counts]`) -> `[rows, h, w]`: g carried to the maxima of x, the adjoint of [`max_pool`].
///
/// # Errors
/// As [`max_pool`].
pub fn max_pool_adjoint(
    rows: usize,
    sides: [usize; 2],
    counts: [usize; 2],
    windows: [usize; 3],
) -> Result<Launch<WindowsParams>> {
    maxima(Kernel::new("resample", "max_pool_adjoint"), rows, [sides, counts], windows, sides)
}

fn maxima(
    kernel: Kernel,
    rows: usize,
    [[h, w], [oh, ow]]: [[usize; 2]; 2],
    [size, stride, padding]: [usize; 3],
    [height, width]: [usize; 2],
) -> Result<Launch<WindowsParams>> {
    int((h + 2 * padding) * (w + 2 * padding), "pixels")?;
    let params = WindowsParams {
        at: Elements::new(rows, height * width)?,
        sides: [int(h, "pixels")?, int(w, "pixels")?],
        counts: [int(oh, "windows")?, int(ow, "windows")?],
        size: int(size, "pixels")?,
        stride: int(stride, "pixels")?,
        padding: int(padding, "pixels")?,
    };
    Launch::elementwise(kernel, rows * height * width, params)
}
