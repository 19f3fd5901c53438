//! Launches of `pad.cu`: mirrored borders.

use super::launch::{Elements, Kernel, Launch, int};
use candle_core::Result;

/// Parameters of `reflect_pad` and `reflect_pad_adjoint`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReflectParams {
    at: Elements,
    h: i32,
    w: i32,
    padding: i32,
}

/// x `[rows, h, w]` -> `[rows, h + 2 padding, w + 2 padding]`: see [`reflect_pad2d`](crate::reflect_pad2d()).
///
/// # Errors
/// When a size has more than 31 bits (so for both).
pub fn reflect_pad(rows: usize, size: [usize; 2], padding: usize) -> Result<Launch<ReflectParams>> {
    let plane = (size[0] + 2 * padding) * (size[1] + 2 * padding);
    reflect(Kernel::new("pad", "reflect_pad"), rows, plane, size, padding)
}

/// g `[rows, h + 2 padding, w + 2 padding]` -> `[rows, h, w]`: the adjoint.
///
/// # Errors
/// As [`reflect_pad`].
pub fn reflect_pad_adjoint(rows: usize, size: [usize; 2], padding: usize) -> Result<Launch<ReflectParams>> {
    reflect(Kernel::new("pad", "reflect_pad_adjoint"), rows, size[0] * size[1], size, padding)
}

fn reflect(
    kernel: Kernel,
    rows: usize,
    plane: usize,
    [h, w]: [usize; 2],
    padding: usize,
) -> Result<Launch<ReflectParams>> {
    let side = |pixels: usize| int(2 * (pixels + padding), "pixels").and(int(pixels, "pixels"));
    let params =
        ReflectParams { at: Elements::new(rows, plane)?, h: side(h)?, w: side(w)?, padding: int(padding, "pixels")? };
    Launch::elementwise(kernel, rows * plane, params)
}
