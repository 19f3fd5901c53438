//! Repeating pixels and summing blocks of pixels: each is the other's adjoint.

use crate::autodiff::{apply1, wants_grad};
use crate::elementwise::{Real, by_dtype, rows_per_task, vectorize, written, zeroed};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::mem::MaybeUninit;

/// Multiplies height and width of `[n, c, h, w]` by `factor` by repeating pixels.
///
/// # Errors
/// When `x` does not have four dimensions or the factor is 0.
pub fn upsample_nearest(x: &Tensor, factor: usize) -> Result<Tensor> {
    x.dims4()?;
    if factor == 0 {
        candle_core::bail!("upsample_nearest: factor 0, expected at least 1")
    }
    apply1(x, Blocks { kind: Kind::Repeat, factor, gain: 1. })
}

/// Doubles height and width of `[n, c, h, w]` by repeating pixels.
///
/// # Errors
/// When `x` does not have four dimensions.
pub fn upsample_nearest2x(x: &Tensor) -> Result<Tensor> {
    upsample_nearest(x, 2)
}

/// Divides height and width of `[n, c, h, w]` by `factor` by averaging blocks.
///
/// # Errors
/// When height or width are not multiples of the factor.
pub fn avg_pool_blocks(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if factor == 0 || h % factor != 0 || w % factor != 0 {
        candle_core::bail!(
            "avg_pool: {h}x{w} pixels do not divide into blocks of {factor}x{factor}; crop or resize first"
        )
    }
    apply1(x, Blocks { kind: Kind::Sum, factor, gain: 1. / (factor * factor) as f64 })
}

/// F4x2 height and width of `[n, c, h, w]` (both even) by averaging 2x2 pixels.
///
/// # Errors
/// When height or width are odd.
pub fn avg_pool2x(x: &Tensor) -> Result<Tensor> {
    avg_pool_blocks(x, 2)
}

#[derive(Clone, Copy)]
enum Kind {
    Repeat,
    Sum,
}

#[derive(Clone, Copy)]
struct Blocks {
    kind: Kind,
    factor: usize,
    gain: f64,
}

vectorize! {
    fn double_row<T>(x: &[T], y: &mut [MaybeUninit<T>], gain: T) {
        for (y, &x) in y.chunks_exact_mut(2).zip(x) {
            y[0].write(x * gain);
            y[1].write(x * gain);
        }
    }

    fn halve_rows<T>(top: &[T], bottom: &[T], y: &mut [MaybeUninit<T>], gain: T) {
        for ((y, a), b) in y.iter_mut().zip(top.chunks_exact(2)).zip(bottom.chunks_exact(2)) {
            y.write(((a[0] + b[0]) + (a[1] + b[1])) * gain);
        }
    }
}

/// One input row to `factor` equal output rows.
fn repeat<T: Real>(x: &[T], y: &mut [MaybeUninit<T>], factor: usize, gain: T) {
    let width = x.len() * factor;
    let (first, others) = y.split_at_mut(width);
    if factor == 2 {
        double_row(x, first, gain);
    } else {
        for (y, &x) in first.chunks_mut(factor).zip(x) {
            y.fill(MaybeUninit::new(x * gain));
        }
    }
    others.chunks_mut(width).for_each(|row| row.copy_from_slice(first));
}

/// `factor` input rows to one output row.
fn block_sums<T: Real>(x: &[T], y: &mut [MaybeUninit<T>], factor: usize, gain: T) {
    let width = y.len() * factor;
    if factor == 2 {
        return halve_rows(&x[..width], &x[width..], y, gain);
    }
    let y = zeroed(y);
    for row in x.chunks(width) {
        for (y, block) in y.iter_mut().zip(row.chunks(factor)) {
            block.iter().for_each(|&x| *y += x);
        }
    }
    y.iter_mut().for_each(|y| *y *= gain);
}

impl CustomOp1 for Blocks {
    fn name(&self) -> &'static str {
        "stylegan-nearest"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("upsample_nearest", storage, T => {
            let x = crate::cpu::slice::<T>(storage, layout)?;
            let (n, c, h, w) = layout.shape().dims4()?;
            let (f, gain) = (self.factor, self.gain as T);
            // Rows of all planes lie one after the other: (elements of x, of y) per small row.
            let (from, to, shape) = match self.kind {
                Kind::Repeat => (w, w * f * f, (n, c, h * f, w * f)),
                Kind::Sum => (w * f, w / f, (n, c, h / f, w / f)),
            };
            let rows = rows_per_task(from.max(to));
            let len = x.len() / from.max(1) * to;
            let write = |y: &mut [MaybeUninit<T>]| {
                if len == 0 {
                    return;
                }
                crate::threads::for_each_chunk(y, rows * to, |task, y| {
                    let x = &x[task * rows * from..];
                    for (x, y) in x.chunks_exact(from).zip(y.chunks_exact_mut(to)) {
                        match self.kind {
                            Kind::Repeat => repeat(x, y, f, gain),
                            Kind::Sum => block_sums(x, y, f, gain),
                        }
                    }
                })
            };
            // SAFETY: rows are written from rows, of which there are as many.
            Ok((unsafe { written(len, write) }, shape.into()))
        })
    }

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let kind = match self.kind {
            Kind::Repeat => Kind::Sum,
            Kind::Sum => Kind::Repeat,
        };
        wants_grad(x).then(|| apply1(g, Self { kind, ..*self })).transpose()
    }
}
