//! Launches of `im2col.cu` and `winograd.cu`: what surrounds the matrix products of convolutions.

use super::epilogue::Epilogue;
use super::launch::{Elements, Kernel, Launch, THREADS, int};
use candle_core::Result;

/// Points of a tile.
pub const POINTS: usize = 36;

/// A convolution, `x` `[n, c, h, w]` with kernels of `r` x `s`.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// Dimensions of the image.
    pub x: [usize; 4],
    /// Height and width of a kernel.
    pub kernel: [usize; 2],
    /// Height and width of the result.
    pub out: [usize; 2],
    /// The stride.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
}

/// Parameters of `im2col` and `col2im`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Im2colParams {
    at: Elements,
    channels: i32,
    windows: Windows,
}

/// Windows of taps on an image, a part of parameters.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Windows {
    h: i32,
    w: i32,
    r: i32,
    s: i32,
    oh: i32,
    ow: i32,
    stride: i32,
    padding: i32,
}

impl Columns {
    /// (x, scale `[n, c]`) -> columns `[n, c r s, oh ow]`.
    ///
    /// # Errors
    /// When a size has more than 31 bits (so for all of these).
    pub fn im2col(&self) -> Result<Launch<Im2colParams>> {
        let ([n, c, _, _], [r, s], [oh, ow]) = (self.x, self.kernel, self.out);
        self.launch(Kernel::new("im2col", "im2col"), n * c * r * s, oh * ow)
    }

    /// columns -> x: the adjoint.
    ///
    /// # Errors
    /// As [`im2col`](Self::im2col).
    pub fn col2im(&self) -> Result<Launch<Im2colParams>> {
        let [n, c, h, w] = self.x;
        self.launch(Kernel::new("im2col", "col2im"), n * c, h * w)
    }

    fn launch(&self, kernel: Kernel, rows: usize, plane: usize) -> Result<Launch<Im2colParams>> {
        let params = Im2colParams {
            at: Elements::new(rows, plane)?,
            channels: int(self.x[1], "channels")?,
            windows: self.windows()?,
        };
        Launch::elementwise(kernel, rows * plane, params)
    }

    /// Its windows as kernels read them.
    ///
    /// # Errors
    /// When a size has more than 31 bits.
    pub(super) fn windows(&self) -> Result<Windows> {
        let ([_, _, h, w], [r, s], [oh, ow]) = (self.x, self.kernel, self.out);
        int((oh.max(ow) + 1) * self.stride + r + s, "pixels")?;
        Ok(Windows {
            h: int(h, "pixels")?,
            w: int(w, "pixels")?,
            r: int(r, "taps")?,
            s: int(s, "taps")?,
            oh: int(oh, "pixels")?,
            ow: int(ow, "pixels")?,
            stride: int(self.stride, "pixels")?,
            padding: int(self.padding, "pixels")?,
        })
    }
}

/// A convolution with 3x3 taps and stride 1 by tiles of 4x4 outputs.
#[derive(Debug, Clone, Copy)]
pub struct Winograd {
    /// Samples.
    pub n: usize,
    /// Height and width of the result.
    pub out: [usize; 2],
    /// Zeros around the image.
    pub padding: usize,
}

/// Parameters of the kernels that transform patches of images.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TilesParams {
    samples: i32,
    channels: i32,
    h: i32,
    w: i32,
    padding: i32,
    tiles_y: i32,
    tiles_x: i32,
}

/// Parameters of `winograd_output`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WinogradOutputParams {
    tiles: TilesParams,
    end: Epilogue,
}

impl Winograd {
    /// Tiles of all samples.
    pub fn tiles(&self) -> usize {
        self.n * self.out[0].div_ceil(4) * self.out[1].div_ceil(4)
    }

    /// (x `[n, channels, h, w]`, scale `[n, channels]`) -> `[36, channels, tiles]`.
    ///
    /// # Errors
    /// When a size has more than 31 bits (so for all of these).
    pub fn input(&self, channels: usize) -> Result<Launch<TilesParams>> {
        let [oh, ow] = self.out;
        let side = |out: usize| (out + 2).saturating_sub(2 * self.padding);
        self.launch(Kernel::new("winograd", "winograd_input"), channels, self.params(channels, [side(oh), side(ow)])?)
    }

    /// (M `[36, channels, tiles]`, scale, noise, strength, bias) -> `[n, channels, oh, ow]`, then `end`.
    ///
    /// # Errors
    /// As [`input`](Self::input).
    pub fn output(&self, channels: usize, end: Epilogue) -> Result<Launch<WinogradOutputParams>> {
        let tiles = self.params(channels, self.out)?;
        self.launch(Kernel::new("winograd", "winograd_output"), channels, WinogradOutputParams { tiles, end })
    }

    /// dy `[n, channels, oh, ow]` -> `[36, channels, tiles]`.
    ///
    /// # Errors
    /// As [`input`](Self::input).
    pub fn output_transposed(&self, channels: usize) -> Result<Launch<TilesParams>> {
        self.launch(Kernel::new("winograd", "winograd_output_transposed"), channels, self.params(channels, self.out)?)
    }

    fn params(&self, channels: usize, [h, w]: [usize; 2]) -> Result<TilesParams> {
        int(h * w, "pixels")?;
        let tiles = |side: usize| int(side.div_ceil(4).max(1), "tiles");
        Ok(TilesParams {
            samples: int(self.n.max(1), "samples")?,
            channels: int(channels, "channels")?,
            h: int(h, "pixels")?,
            w: int(w, "pixels")?,
            padding: int(self.padding, "pixels")?,
            tiles_y: tiles(self.out[0])?,
            tiles_x: tiles(self.out[1])?,
        })
    }

    fn launch<P>(&self, kernel: Kernel, channels: usize, params: P) -> Result<Launch<P>> {
        Launch::new(kernel, (channels * self.tiles()).div_ceil(THREADS as usize), 0, params)
    }
}

/// Parameters of the kernels that transform filters.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FiltersParams {
    k: i32,
    c: i32,
    turned: i32,
    gain: f32,
}

/// w `[k, c, 3, 3]` -> `[36, k, c]`, times `gain`; `turned`: `[36, c, k]` of kernels turned by 180 degrees, as the
/// gradient of the input takes them.
///
/// # Errors
/// As [`Winograd::input`].
pub fn winograd_filter(k: usize, c: usize, turned: bool, gain: f64) -> Result<Launch<FiltersParams>> {
    filters(Kernel::new("winograd", "winograd_filter"), k, c, turned, gain)
}

/// `[36, k, c]` -> the gradient of a weight `[k, c, 3, 3]`, times `gain`.
///
/// # Errors
/// As [`Winograd::input`].
pub fn winograd_filter_transposed(k: usize, c: usize, gain: f64) -> Result<Launch<FiltersParams>> {
    filters(Kernel::new("winograd", "winograd_filter_transposed"), k, c, false, gain)
}

fn filters(kernel: Kernel, k: usize, c: usize, turned: bool, gain: f64) -> Result<Launch<FiltersParams>> {
    let params =
        FiltersParams { k: int(k, "channels")?, c: int(c, "channels")?, turned: turned.into(), gain: gain as f32 };
    Launch::new(kernel, (k * c).div_ceil(THREADS as usize), 0, params)
}
