//! Upsample, pad, FIR filter, downsample: one linear operation, closed under differentiation.
//!
//! Separable filters (found by themselves) take one pass over the rows: the input rows that reach
//! an output row are summed with the filter's column, the sum is filtered with its row.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod filter;

pub use filter::Filter;

use crate::autodiff::{apply1, wants_grad};
use crate::bias_act::Epilogue;
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// Inserts `up - 1` zeros after each pixel, pads by `padding` = `[x0, x1, y0, y1]` (negative
/// crops), convolves with `filter` (correlates if `flip`), keeps every `down`-th pixel, multiplies
/// by `gain`. `up` and `down` are `[x, y]`. `x` is `[n, c, h, w]`.
///
/// # Errors
/// When the padded image is smaller than the filter, or a factor is 0.
pub fn upfirdn2d(
    x: &Tensor,
    filter: &Filter,
    up: [usize; 2],
    down: [usize; 2],
    padding: [i64; 4],
    flip: bool,
    gain: f64,
) -> Result<Tensor> {
    if up.contains(&0) || down.contains(&0) {
        candle_core::bail!("upfirdn2d: up {up:?} and down {down:?} must be at least 1")
    }
    apply1(x, UpFirDn { filter: filter.clone(), up, down, padding, flip, gain })
}

/// Filters `x` at its resolution, multiplies the result by `demodulation` `[n, channels]` and applies
/// `epilogue`, row by row; records no gradients.
pub(crate) fn upfirdn2d_fused(
    x: &Tensor,
    filter: &Filter,
    padding: [i64; 4],
    flip: bool,
    gain: f64,
    demodulation: Option<&Tensor>,
    epilogue: Epilogue,
) -> Result<Tensor> {
    let op = UpFirDn { flip, gain, ..UpFirDn::at_one_resolution(filter, padding) };
    x.contiguous()?.apply_op1_no_bwd(&FusedUpFirDn { op, demodulation, epilogue })
}

/// Height and width of what [`upfirdn2d_fused`] makes of `[h, w]`; none where that is smaller than the filter.
pub(crate) fn filtered_size([h, w]: [usize; 2], filter: &Filter, padding: [i64; 4]) -> Option<[usize; 2]> {
    UpFirDn::at_one_resolution(filter, padding).out_size(h, w).ok().map(|(h, w)| [h, w])
}

/// Upsamples by 2 in both directions: zeros between pixels, then `filter` times 4.
///
/// # Errors
/// As [`upfirdn2d`].
pub fn upsample2d(x: &Tensor, filter: &Filter, gain: f64) -> Result<Tensor> {
    let side = |taps: usize| [(taps as i64 + 1) / 2, (taps as i64 - 2).div_euclid(2)];
    resample(x, filter, [2, 2], [1, 1], side, 4. * gain)
}

/// Filters, then keeps every second pixel in both directions.
///
/// # Errors
/// As [`upfirdn2d`].
pub fn downsample2d(x: &Tensor, filter: &Filter, gain: f64) -> Result<Tensor> {
    let side = |taps: usize| [(taps as i64 - 1) / 2, (taps as i64 - 2).div_euclid(2)];
    resample(x, filter, [1, 1], [2, 2], side, gain)
}

/// Filters at the same size.
///
/// # Errors
/// As [`upfirdn2d`].
pub fn filter2d(x: &Tensor, filter: &Filter, gain: f64) -> Result<Tensor> {
    resample(x, filter, [1, 1], [1, 1], same, gain)
}

/// [`filter2d`], then `epilogue`, row by row; records no gradients.
pub(crate) fn filter2d_fused(x: &Tensor, filter: &Filter, epilogue: Epilogue) -> Result<Tensor> {
    upfirdn2d_fused(x, filter, padding(filter, same), false, 1., None, epilogue)
}

/// `side` gives the padding before and after for a number of taps.
fn resample(
    x: &Tensor,
    filter: &Filter,
    up: [usize; 2],
    down: [usize; 2],
    side: impl Fn(usize) -> [i64; 2],
    gain: f64,
) -> Result<Tensor> {
    upfirdn2d(x, filter, up, down, padding(filter, side), false, gain)
}

/// The padding that keeps the size.
fn same(taps: usize) -> [i64; 2] {
    [taps as i64 / 2, (taps as i64 - 1) / 2]
}

fn padding(filter: &Filter, side: impl Fn(usize) -> [i64; 2]) -> [i64; 4] {
    let (height, width) = filter.size();
    let ([x0, x1], [y0, y1]) = (side(width), side(height));
    [x0, x1, y0, y1]
}

#[derive(Clone)]
struct UpFirDn {
    filter: Filter,
    up: [usize; 2],
    down: [usize; 2],
    padding: [i64; 4],
    flip: bool,
    gain: f64,
}

/// With what comes after it, where no gradients are recorded.
struct FusedUpFirDn<'a> {
    op: UpFirDn,
    demodulation: Option<&'a Tensor>,
    epilogue: Epilogue<'a>,
}

impl UpFirDn {
    fn at_one_resolution(filter: &Filter, padding: [i64; 4]) -> Self {
        Self { filter: filter.clone(), up: [1; 2], down: [1; 2], padding, flip: false, gain: 1. }
    }

    /// (height, width) of the result for an input of that size.
    fn out_size(&self, h: usize, w: usize) -> Result<(usize, usize)> {
        let side = |n: usize, up: usize, p: i64, taps: usize, down: usize| {
            let room = (n * up) as i64 + p - taps as i64;
            (room >= 0).then(|| room as usize / down + 1)
        };
        let [x0, x1, y0, y1] = self.padding;
        let (fh, fw) = self.filter.size();
        match (side(h, self.up[1], y0 + y1, fh, self.down[1]), side(w, self.up[0], x0 + x1, fw, self.down[0])) {
            (Some(oh), Some(ow)) => Ok((oh, ow)),
            _ => candle_core::bail!(
                "upfirdn2d: {h}x{w} pixels upsampled by {:?} and padded by {:?} are smaller than the filter of {fh}x{fw}",
                self.up,
                self.padding
            ),
        }
    }
}

impl CustomOp1 for UpFirDn {
    fn name(&self) -> &'static str {
        "stylegan-upfirdn2d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims @ (n, c, h, w) = layout.shape().dims4()?;
        let size @ (oh, ow) = self.out_size(h, w)?;
        by_dtype!("upfirdn2d", storage, T => {
            Ok((self.cpu::<T>(slice(storage, layout)?, dims, size, None), (n, c, oh, ow).into()))
        })
    }

    cuda_fwd!(|op, x| op.cuda(x, None));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        if !wants_grad(x) {
            return Ok(None);
        }
        let ((_, _, h, w), (_, _, oh, ow)) = (x.dims4()?, g.dims4()?);
        let (fh, fw) = self.filter.size();
        let pads = |n: usize, out: usize, taps: usize, up: usize, down: usize, p0: i64| {
            (taps as i64 - p0 - 1, (n * up) as i64 - (out * down) as i64 + p0 - up as i64 + 1)
        };
        let (x0, x1) = pads(w, ow, fw, self.up[0], self.down[0], self.padding[0]);
        let (y0, y1) = pads(h, oh, fh, self.up[1], self.down[1], self.padding[2]);
        upfirdn2d(g, &self.filter, self.down, self.up, [x0, x1, y0, y1], !self.flip, self.gain).map(Some)
    }
}

impl CustomOp1 for FusedUpFirDn<'_> {
    fn name(&self) -> &'static str {
        "stylegan-upfirdn2d-fused"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims @ (n, c, h, w) = layout.shape().dims4()?;
        let size @ (oh, ow) = self.op.out_size(h, w)?;
        by_dtype!("upfirdn2d", storage, T => {
            let epilogue = self.epilogue.data::<T>(self.demodulation)?;
            Ok((self.op.cpu::<T>(slice(storage, layout)?, dims, size, Some(&epilogue)), (n, c, oh, ow).into()))
        })
    }

    cuda_fwd!(|fused, x| fused.epilogue.cuda(fused.demodulation, |end| fused.op.cuda(x, Some(end))));
}
