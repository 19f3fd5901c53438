//! Maxima of windows.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use crate::autodiff::{apply1, apply2, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use std::ops::Range;

/// How windows lie on a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Pixels across and down.
    pub size: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Pixels of nothing around the picture.
    pub padding: usize,
    /// Whether the last windows may reach over the edge (PyTorch's `ceil_mode`).
    pub over: bool,
}

impl Windows {
    /// Windows along a side of `pixels`.
    ///
    /// # Panics
    /// With a stride of 0, which [`max_pool2d`] refuses.
    pub fn count(self, pixels: usize) -> usize {
        let room = (pixels + 2 * self.padding).saturating_sub(self.size);
        if self.over { room.div_ceil(self.stride) + 1 } else { room / self.stride + 1 }
    }

    /// The pixels of window `i` along a side of `pixels`.
    pub fn span(self, i: usize, pixels: usize) -> Range<usize> {
        let end = (i * self.stride + self.size).saturating_sub(self.padding);
        (i * self.stride).saturating_sub(self.padding)..end.min(pixels)
    }
}

/// The maximum of each of the `windows` of `x` `[n, c, h, w]`. The gradient goes to the first of equals.
///
/// # Errors
/// Windows without pixels, a picture without any, or more padding than half a window.
pub fn max_pool2d(x: &Tensor, windows: Windows) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let Windows { size, stride, padding, over } = windows;
    let starts_inside = |side: usize| (windows.count(side) - 1) * stride < side + padding;
    if [stride, size, h, w].contains(&0) || 2 * padding > size || h.min(w) + 2 * padding < size {
        candle_core::bail!("max_pool2d: {windows:?} do not fit {h}x{w} pixels")
    }
    if over && !(starts_inside(h) && starts_inside(w)) {
        candle_core::bail!("max_pool2d: the last of {windows:?} would begin outside {h}x{w} pixels")
    }
    apply1(x, MaxPool(windows))
}

#[derive(Clone, Copy)]
struct MaxPool(Windows);

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "stylegan-max-pool"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = layout.shape().dims4()?;
        by_dtype!("max_pool2d", storage, T => Ok(self.cpu::<T>(slice(storage, layout)?, dims)))
    }

    cuda_fwd!(|op, x| {
        // The values of a picture at its own maxima.
        Routed { pool: *op, back: false }.cuda(x, x)
    });

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| apply2(&x.detach(), g, Routed { pool: *self, back: true })).transpose()
    }
}

/// (x, g) -> `g` carried to the maxima of `x`, or (x, g) -> the values of `g` there.
#[derive(Clone, Copy)]
struct Routed {
    pool: MaxPool,
    back: bool,
}

impl CustomOp2 for Routed {
    fn name(&self) -> &'static str {
        "stylegan-max-pool-route"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = l1.shape().dims4()?;
        by_dtype!("max_pool2d", s1, T => Ok(self.cpu::<T>(slice(s1, l1)?, slice(s2, l2)?, dims)))
    }

    cuda_fwd!(|op, x, g| op.cuda(x, g));

    fn bwd(&self, x: &Tensor, g: &Tensor, _res: &Tensor, gg: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let other = Self { back: !self.back, ..*self };
        Ok((None, wants_grad(g).then(|| apply2(&x.detach(), gg, other)).transpose()?))
    }
}
