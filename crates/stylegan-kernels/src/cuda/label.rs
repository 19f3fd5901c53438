//! Launches of `label.cu`: convolutions of label maps.

use super::conv::{Columns, Windows};
use super::launch::{Elements, Kernel, Launch, MOST_SHARED, THREADS, int, slices};
use candle_core::Result;

/// Classes from which on a cell, twice its class and 1, would be rounded.
const CLASSES: usize = 1 << 23;

/// Channels that a block of the adjoint adds up, a number for each of its threads.
const AT_ONCE: usize = MOST_SHARED / (THREADS as usize * size_of::<f32>());

/// A convolution of label maps that stand for `[n, channels, h, w]`.
#[derive(Debug, Clone, Copy)]
pub struct LabelWindows {
    /// The convolution of the tensor that the maps stand for.
    pub columns: Columns,
    /// Channels of the result.
    pub outputs: usize,
    /// Channels of the tensor without that of edges.
    pub classes: usize,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct LookUp {
    outputs: i32,
    channels: i32,
    classes: i32,
    windows: Windows,
}

/// Parameters of `label_conv`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelConvParams {
    at: Elements,
    look_up: LookUp,
}

/// Parameters of `label_conv_adjoint`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelConvAdjointParams {
    look_up: LookUp,
    samples: i32,
    slices: i32,
    at_once: i32,
}

impl LabelWindows {
    /// (weight `[outputs, channels, r, s]`, cells `[n, h, w]`) -> `[n, outputs, oh, ow]`; a cell is twice the class, and 1
    /// more on an edge.
    ///
    /// # Errors
    /// When a size has more than 31 bits, or there are more than 2^23 classes (so for both).
    pub fn conv(&self) -> Result<Launch<LabelConvParams>> {
        let (n, [oh, ow]) = (self.columns.x[0], self.columns.out);
        let (rows, plane) = (n * self.outputs, oh * ow);
        let params = LabelConvParams { at: Elements::new(rows, plane)?, look_up: self.look_up()? };
        Launch::elementwise(Kernel::new("label", "label_conv"), rows * plane, params)
    }

    /// (g `[n, outputs, oh, ow]`, cells) -> `[outputs, channels, r, s, slices]`: the gradient of the weight; then
    /// [`row_sum`](super::bias_act::row_sum) where there is more than one slice. The second number is that of slices.
    ///
    /// # Errors
    /// As [`conv`](Self::conv).
    pub fn adjoint(&self) -> Result<(Launch<LabelConvAdjointParams>, usize)> {
        let ([n, channels, _, _], [r, s], [oh, ow]) = (self.columns.x, self.columns.kernel, self.columns.out);
        int(n * oh * ow, "pixels")?;
        let (slices, at_once) = (slices(n * oh * ow), channels.clamp(1, AT_ONCE));
        let blocks = (self.outputs * r * s).div_ceil(THREADS as usize) * slices * channels.div_ceil(at_once);
        let shared = at_once as u32 * THREADS * size_of::<f32>() as u32;
        let params = LabelConvAdjointParams {
            look_up: self.look_up()?,
            samples: int(n, "samples")?,
            slices: int(slices, "slices")?,
            at_once: int(at_once, "channels")?,
        };
        Ok((Launch::new(Kernel::new("label", "label_conv_adjoint"), blocks, shared, params)?, slices))
    }

    fn look_up(&self) -> Result<LookUp> {
        let Columns { x: [_, channels, h, w], kernel: [r, s], .. } = self.columns;
        if self.classes > CLASSES {
            candle_core::bail!("cuda: label maps of {} classes, expected at most {CLASSES}", self.classes)
        }
        int(h * w, "pixels")?;
        int(self.outputs * channels * r * s, "weights")?;
        Ok(LookUp {
            outputs: int(self.outputs.max(1), "channels")?,
            channels: int(channels, "channels")?,
            classes: int(self.classes, "classes")?,
            windows: self.columns.windows()?,
        })
    }
}
