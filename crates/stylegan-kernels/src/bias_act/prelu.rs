//! Leaky ReLU whose slope below zero is a parameter of each channel.

use super::channel_sum::channel_sum;
use super::{Activation, bias_act};
use crate::autodiff::{apply2, apply3, wants_grad};
use crate::cpu::slice;
use crate::elementwise::{Real, TASK, by_dtype, rows_per_task, vectorize, written};
use crate::modulate::channel_scale;
use crate::threads::for_each_chunk;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use std::mem::MaybeUninit;
use std::ops::Range;

/// PReLU (He et al. 2015, section 2.1): `x` `[n, c, …]` above zero, `slope` `[c]` times `x` elsewhere.
///
/// # Errors
/// When `x` has no channels, or other ones than `slope`.
pub fn prelu(x: &Tensor, slope: &Tensor) -> Result<Tensor> {
    let c = slope.dims1()?;
    if x.dims().get(1) != Some(&c) {
        candle_core::bail!("prelu: slopes of {c} channels do not fit {:?}", x.dims())
    }
    if x.device().is_cpu() {
        return apply2(x, slope, Prelu);
    }
    let above = bias_act(x, None, Activation::Relu.into())?;
    let below = bias_act(&x.neg()?, None, Activation::Relu.into())?;
    above - channel_scale(&below, &slope.unsqueeze(0)?.broadcast_as((x.dim(0)?, c))?)?
}

vectorize! {
    fn bend<T>(x: &[T], slope: T, y: &mut [MaybeUninit<T>]) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write(if x > T::zero() { x } else { x * slope });
        }
    }

    fn gradient<T>(g: &[T], x: &[T], slope: T, out: &mut [MaybeUninit<T>]) {
        for ((out, &g), &x) in out.iter_mut().zip(g).zip(x) {
            out.write(if x > T::zero() { g } else { g * slope });
        }
    }

    fn masked<T>(g: &[T], x: &[T], out: &mut [MaybeUninit<T>]) {
        for ((out, &g), &x) in out.iter_mut().zip(g).zip(x) {
            out.write(if x > T::zero() { T::zero() } else { g });
        }
    }
}

/// Calls `row` with each plane of numbers of `x` `[n, c, …]`, where it starts there, its channel's slope, and its result.
fn by_plane<T: Real>(
    dims: &[usize],
    slopes: &[T],
    row: impl Fn(Range<usize>, T, &mut [MaybeUninit<T>]) + Sync + Send,
) -> CpuStorage {
    let plane: usize = dims[2..].iter().product();
    let per_task = rows_per_task(plane);
    let write = |out: &mut [MaybeUninit<T>]| {
        for_each_chunk(out, per_task * plane, |task, out| {
            for (j, out) in out.chunks_mut(plane.max(1)).enumerate() {
                let at = task * per_task + j;
                row(at * plane..at * plane + out.len(), slopes[at % slopes.len()], out);
            }
        });
    };
    // SAFETY: planes are written from as many numbers.
    unsafe { written(dims.iter().product(), write) }
}

/// (x, slope)
struct Prelu;

impl CustomOp2 for Prelu {
    fn name(&self) -> &'static str {
        "stylegan-prelu"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("prelu", s1, T => {
            let (x, slopes) = (slice::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            Ok((by_plane(l1.dims(), slopes, |at, slope, y| bend(&x[at], slope, y)), l1.shape().clone()))
        })
    }

    fn bwd(&self, x: &Tensor, slope: &Tensor, _res: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gx = wants_grad(x).then(|| apply3(g, x, slope, Gradient)).transpose()?;
        let gs = wants_grad(slope).then(|| channel_sum(&(below(g, x)? * x)?, None, 1.)).transpose()?;
        Ok((gx, gs))
    }
}

/// (g, x, slope) -> `g` times the slope at `x`. Constant in `x` almost everywhere.
struct Gradient;

impl CustomOp3 for Gradient {
    fn name(&self) -> &'static str {
        "stylegan-prelu-gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!("prelu", s1, T => {
            let (g, x, slopes) = (slice::<T>(s1, l1)?, slice::<T>(s2, l2)?, slice::<T>(s3, l3)?);
            let row = |at: Range<usize>, slope, out: &mut [_]| gradient(&g[at.clone()], &x[at], slope, out);
            Ok((by_plane(l1.dims(), slopes, row), l1.shape().clone()))
        })
    }

    fn bwd(
        &self,
        g: &Tensor,
        x: &Tensor,
        slope: &Tensor,
        _res: &Tensor,
        gg: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let to_g = wants_grad(g).then(|| apply3(gg, x, slope, Gradient)).transpose()?;
        let to_slope = wants_grad(slope).then(|| channel_sum(&(below(gg, x)? * g)?, None, 1.)).transpose()?;
        Ok((to_g, None, to_slope))
    }
}

/// `g` where `x` is not above zero, zeros elsewhere.
fn below(g: &Tensor, x: &Tensor) -> Result<Tensor> {
    apply2(g, x, Below)
}

/// (g, x)
struct Below;

impl CustomOp2 for Below {
    fn name(&self) -> &'static str {
        "stylegan-below-zero"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("prelu", s1, T => {
            let (g, x) = (slice::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            let write = |out: &mut [MaybeUninit<T>]| {
                for_each_chunk(out, TASK, |task, out| {
                    let at = task * TASK..task * TASK + out.len();
                    masked(&g[at.clone()], &x[at], out);
                });
            };
            // SAFETY: as many results as gradients and values.
            Ok((unsafe { written(g.len(), write) }, l1.shape().clone()))
        })
    }

    fn bwd(&self, g: &Tensor, x: &Tensor, _res: &Tensor, gg: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((wants_grad(g).then(|| below(gg, x)).transpose()?, None))
    }
}
