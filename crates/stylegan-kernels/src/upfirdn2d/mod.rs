//! Upsample, pad, FIR filter, downsample: one linear operation, closed under differentiation.

use crate::autodiff::wants_grad;
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, WithDType};
use std::sync::Arc;

/// A FIR filter `[h, w]`, a constant: it never enters the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    taps: Arc<[f64]>,
    height: usize,
    width: usize,
}

impl Filter {
    /// The outer product of `taps` with themselves, scaled to a sum of 1 (`[1, 3, 3, 1]` in
    /// StyleGAN2, `[1, 2, 1]` in StyleGAN).
    pub fn separable(taps: &[f64]) -> Self {
        let sum: f64 = taps.iter().sum();
        let n = taps.len();
        let taps = (0..n * n).map(|i| taps[i / n] * taps[i % n] / (sum * sum)).collect();
        Self { taps, height: n, width: n }
    }

    /// A filter from its taps in row-major order, unscaled.
    ///
    /// # Errors
    /// When the number of taps is not `height * width`, or is zero.
    pub fn new(taps: &[f64], height: usize, width: usize) -> Result<Self> {
        if taps.len() != height * width || taps.is_empty() {
            candle_core::bail!("filter: {} taps do not fill {height}x{width}", taps.len())
        }
        Ok(Self { taps: taps.into(), height, width })
    }

    /// Height and width in taps.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }
}

/// Inserts `up - 1` zeros after each pixel, pads by `padding` = `[x0, x1, y0, y1]` (negative
/// crops), convolves with `filter` (correlates if `flip`), keeps every `down`-th pixel, multiplies
/// by `gain`. `up` and `down` are `[x, y]`. `x` is `[n, c, h, w]`.
///
/// # Errors
/// When the padded image is smaller than the filter.
pub fn upfirdn2d(
    x: &Tensor,
    filter: &Filter,
    up: [usize; 2],
    down: [usize; 2],
    padding: [i64; 4],
    flip: bool,
    gain: f64,
) -> Result<Tensor> {
    let op = UpFirDn { filter: filter.clone(), up, down, padding, flip, gain };
    x.contiguous()?.apply_op1(op)
}

/// Upsamples by 2 in both directions: zeros between pixels, then `filter` times 4.
pub fn upsample2d(x: &Tensor, filter: &Filter, gain: f64) -> Result<Tensor> {
    let (p0, p1) = (filter.width as i64 + 1, filter.width as i64 - 2);
    upfirdn2d(x, filter, [2, 2], [1, 1], [p0 / 2, p1 / 2, p0 / 2, p1 / 2], false, 4. * gain)
}

/// Filters, then keeps every second pixel in both directions.
pub fn downsample2d(x: &Tensor, filter: &Filter, gain: f64) -> Result<Tensor> {
    let (p0, p1) = (filter.width as i64 - 1, filter.width as i64 - 2);
    upfirdn2d(x, filter, [1, 1], [2, 2], [p0 / 2, p1 / 2, p0 / 2, p1 / 2], false, gain)
}

/// Filters at the same size.
pub fn filter2d(x: &Tensor, filter: &Filter, gain: f64) -> Result<Tensor> {
    let f = filter.width as i64;
    upfirdn2d(x, filter, [1, 1], [1, 1], [f / 2, (f - 1) / 2, f / 2, (f - 1) / 2], false, gain)
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

impl UpFirDn {
    /// (height, width) of the result for an input of that size.
    fn out_size(&self, h: usize, w: usize) -> Result<(usize, usize)> {
        let side = |n: usize, up: usize, p: i64, taps: usize, down: usize| {
            let room = (n * up) as i64 + p - taps as i64;
            (room >= 0).then(|| room as usize / down + 1)
        };
        let [x0, x1, y0, y1] = self.padding;
        match (
            side(h, self.up[1], y0 + y1, self.filter.height, self.down[1]),
            side(w, self.up[0], x0 + x1, self.filter.width, self.down[0]),
        ) {
            (Some(oh), Some(ow)) => Ok((oh, ow)),
            _ => candle_core::bail!(
                "upfirdn2d: {h}x{w} with padding {:?} is smaller than the filter {:?}",
                self.padding,
                self.filter.size()
            ),
        }
    }

    fn run<T: WithDType>(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = crate::cpu::slice::<T>(storage, layout)?;
        let (n, c, h, w) = layout.shape().dims4()?;
        let (oh, ow) = self.out_size(h, w)?;
        let (fh, fw) = self.filter.size();
        let taps: Vec<T> = (0..fh * fw)
            .map(|i| T::from_f64(self.gain * self.filter.taps[if self.flip { i } else { fh * fw - 1 - i }]))
            .collect();
        let mut out = vec![T::zero(); n * c * oh * ow];
        crate::threads::for_each_chunk(&mut out, oh * ow, |plane, o| {
            let x = &x[plane * h * w..][..h * w];
            for oy in 0..oh {
                for ox in 0..ow {
                    let mut sum = T::zero();
                    for ty in 0..fh {
                        let y = (oy * self.down[1] + ty) as i64 - self.padding[2];
                        if y < 0 || y % self.up[1] as i64 != 0 || y / self.up[1] as i64 >= h as i64 {
                            continue;
                        }
                        for tx in 0..fw {
                            let xx = (ox * self.down[0] + tx) as i64 - self.padding[0];
                            if xx < 0 || xx % self.up[0] as i64 != 0 || xx / self.up[0] as i64 >= w as i64 {
                                continue;
                            }
                            sum += taps[ty * fw + tx] * x[y as usize / self.up[1] * w + xx as usize / self.up[0]];
                        }
                    }
                    o[oy * ow + ox] = sum;
                }
            }
        });
        Ok((T::to_cpu_storage_owned(out), (n, c, oh, ow).into()))
    }
}

impl CustomOp1 for UpFirDn {
    fn name(&self) -> &'static str {
        "stylegan-upfirdn2d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        match storage.dtype() {
            DType::F64 => self.run::<f64>(storage, layout),
            _ => self.run::<f32>(storage, layout),
        }
    }

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        if !wants_grad(x) {
            return Ok(None);
        }
        let ((_, _, h, w), (_, _, oh, ow)) = (x.dims4()?, g.dims4()?);
        let pads = |n: usize, out: usize, taps: usize, up: usize, down: usize, p0: i64| {
            (taps as i64 - p0 - 1, (n * up) as i64 - (out * down) as i64 + p0 - up as i64 + 1)
        };
        let (x0, x1) = pads(w, ow, self.filter.width, self.up[0], self.down[0], self.padding[0]);
        let (y0, y1) = pads(h, oh, self.filter.height, self.up[1], self.down[1], self.padding[2]);
        upfirdn2d(g, &self.filter, self.down, self.up, [x0, x1, y0, y1], !self.flip, self.gain).map(Some)
    }
}
