//! Maxima of windows.

use crate::autodiff::{apply1, apply2, wants_grad};
use crate::cpu::slice;
use crate::elementwise::{Real, by_dtype};
use crate::threads::for_each_item;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, WithDType};
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
/// Windows without pixels, or more padding than half a window.
pub fn max_pool2d(x: &Tensor, windows: Windows) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let Windows { size, stride, padding, over } = windows;
    let starts_inside = |side: usize| (windows.count(side) - 1) * stride < side + padding;
    if stride == 0 || size == 0 || 2 * padding > size || h.min(w) + 2 * padding < size {
        candle_core::bail!("max_pool2d: {windows:?} do not fit {h}x{w} pixels")
    }
    if over && !(starts_inside(h) && starts_inside(w)) {
        candle_core::bail!("max_pool2d: the last of {windows:?} would begin outside {h}x{w} pixels")
    }
    apply1(x, MaxPool(windows))
}

#[derive(Clone, Copy)]
struct MaxPool(Windows);

impl MaxPool {
    /// Calls `f` for each window of a plane with its number and the place of its maximum.
    fn each_maximum<T: Real>(self, plane: &[T], [h, w]: [usize; 2], mut f: impl FnMut(usize, usize)) {
        let (oh, ow) = (self.0.count(h), self.0.count(w));
        for y in 0..oh {
            let rows = self.0.span(y, h);
            for x in 0..ow {
                let columns = self.0.span(x, w);
                let mut best = rows.start * w + columns.start;
                for row in rows.clone() {
                    for at in row * w + columns.start..row * w + columns.end {
                        if plane[at] > plane[best] {
                            best = at;
                        }
                    }
                }
                f(y * ow + x, best);
            }
        }
    }

    /// `[n, c, …]` of planes that `f` makes of planes of `x` and their numbers.
    fn planes<T: Real + WithDType>(
        dims: (usize, usize, usize, usize),
        out: [usize; 2],
        f: impl Fn(usize, &mut [T]) + Sync + Send,
    ) -> (CpuStorage, Shape) {
        let (n, c, _, _) = dims;
        let mut y = vec![T::zero(); n * c * out[0] * out[1]];
        for_each_item(y.chunks_mut((out[0] * out[1]).max(1)).enumerate(), |(i, plane)| f(i, plane));
        (T::to_cpu_storage_owned(y), (n, c, out[0], out[1]).into())
    }
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "stylegan-max-pool"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = layout.shape().dims4()?;
        let (_, _, h, w) = dims;
        by_dtype!("max_pool2d", storage, T => {
            let x = slice::<T>(storage, layout)?;
            Ok(Self::planes::<T>(dims, [self.0.count(h), self.0.count(w)], |i, out| {
                let plane = &x[i * h * w..][..h * w];
                self.each_maximum(plane, [h, w], |window, at| out[window] = plane[at]);
            }))
        })
    }

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
        let (_, _, h, w) = dims;
        let (oh, ow) = (self.pool.0.count(h), self.pool.0.count(w));
        by_dtype!("max_pool2d", s1, T => {
            let (x, g) = (slice::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            let plane = |i: usize| &x[i * h * w..][..h * w];
            Ok(if self.back {
                MaxPool::planes::<T>(dims, [h, w], |i, out| {
                    let g = &g[i * oh * ow..][..oh * ow];
                    self.pool.each_maximum(plane(i), [h, w], |window, at| out[at] += g[window]);
                })
            } else {
                MaxPool::planes::<T>(dims, [oh, ow], |i, out| {
                    let g = &g[i * h * w..][..h * w];
                    self.pool.each_maximum(plane(i), [h, w], |window, at| out[window] = g[at]);
                })
            })
        })
    }

    fn bwd(&self, x: &Tensor, g: &Tensor, _res: &Tensor, gg: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let other = Self { back: !self.back, ..*self };
        Ok((None, wants_grad(g).then(|| apply2(&x.detach(), gg, other)).transpose()?))
    }
}
