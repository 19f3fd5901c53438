//! Instance normalisation with a style (AdaIN).

use crate::autodiff::{apply3, detached, wants_grad};
use crate::elementwise::{
    Real, by_dtype, centred_dot, centred_squares, rows_per_task, sum, vectorize, written, zeroed,
};
use crate::threads::{for_each_chunk, for_each_item};
use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor};
use std::mem::MaybeUninit;

/// Instance normalisation and style (AdaIN): each plane of `x` `[n, c, h, w]` is shifted to mean 0
/// and scaled to variance 1 (biased, `eps` added), then multiplied by `scale` `[n, c]` and shifted
/// by `shift` `[n, c]`. StyleGAN, section 2; its networks pass `1 + y_s` and `y_b`, `eps` 1e-8.
///
/// # Errors
/// When scale or shift are not `[n, c]`.
pub fn instance_style(x: &Tensor, scale: &Tensor, shift: &Tensor, eps: f64) -> Result<Tensor> {
    let (n, c, _, _) = x.dims4()?;
    for (name, style) in [("scale", scale), ("shift", shift)] {
        if style.dims() != [n, c] {
            candle_core::bail!(
                "instance_style: {name} {:?} for input {:?}, expected [{n}, {c}]",
                style.dims(),
                x.dims()
            )
        }
    }
    apply3(x, scale, shift, InstanceStyle { eps })
}

/// The same from candle's operations, for second derivatives.
fn composed_grad(x: &Tensor, scale: &Tensor, g: &Tensor, eps: f64) -> Result<[Tensor; 3]> {
    let (n, c, h, w) = x.dims4()?;
    let flat = |t: &Tensor| t.reshape((n, c, h * w));
    let (x, g) = (flat(x)?, flat(g)?);
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let rstd = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?.recip()?;
    let hat = centred.broadcast_mul(&rstd)?;
    let along = g.mul(&hat)?;
    let inner =
        g.broadcast_sub(&g.mean_keepdim(D::Minus1)?)?.sub(&hat.broadcast_mul(&along.mean_keepdim(D::Minus1)?)?)?;
    let gx = inner.broadcast_mul(&rstd.mul(&scale.reshape((n, c, 1))?)?)?.reshape((n, c, h, w))?;
    Ok([gx, along.sum(D::Minus1)?, g.sum(D::Minus1)?])
}

#[derive(Clone, Copy)]
struct InstanceStyle {
    eps: f64,
}

/// Mean and reciprocal standard deviation of a plane.
fn moments<T: Real>(x: &[T], eps: f64) -> (T, f64) {
    let count = x.len() as f64;
    let mean = T::from_f64(sum(x) / count);
    (mean, 1. / (centred_squares(x, mean) / count + eps).sqrt())
}

vectorize! {
    fn standardise<T>(x: &[T], mean: T, factor: T, shift: T, y: &mut [MaybeUninit<T>]) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write((x - mean) * factor + shift);
        }
    }

    fn gradient<T>(g: &[T], x: &[T], mean: T, factor: T, along: T, shift: T, out: &mut [MaybeUninit<T>]) {
        for ((out, &g), &x) in out.iter_mut().zip(g).zip(x) {
            out.write(g * factor - (x - mean) * along - shift);
        }
    }
}

impl CustomOp3 for InstanceStyle {
    fn name(&self) -> &'static str {
        "stylegan-instance-style"
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
        by_dtype!("instance_style", s1, T => {
            let x = crate::cpu::slice::<T>(s1, l1)?;
            let (scale, shift) = (crate::cpu::slice::<T>(s2, l2)?, crate::cpu::slice::<T>(s3, l3)?);
            let plane = l1.dims()[2..].iter().product::<usize>().max(1);
            let rows = rows_per_task(plane);
            let write = |y: &mut [MaybeUninit<T>]| {
                for_each_chunk(y, rows * plane, |task, y| {
                    for (i, y) in y.chunks_mut(plane).enumerate() {
                        let i = task * rows + i;
                        let x = &x[i * plane..][..plane];
                        let (mean, rstd) = moments(x, self.eps);
                        standardise(x, mean, rstd as T * scale[i], shift[i], y);
                    }
                })
            };
            // SAFETY: planes are written from planes.
            Ok((unsafe { written(x.len(), write) }, l1.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _res: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [gx, gscale, gshift] = if detached() {
            let (n, c, h, w) = x.dims4()?;
            let packed = apply3(g, x, scale, InstanceStyleGrad { eps: self.eps })?;
            let part = |at: usize, len: usize| packed.narrow(0, at, len);
            let (all, rows) = (n * c * h * w, n * c);
            [
                part(0, all)?.reshape((n, c, h, w))?,
                part(all, rows)?.reshape((n, c))?,
                part(all + rows, rows)?.reshape((n, c))?,
            ]
        } else {
            composed_grad(x, scale, g, self.eps)?
        };
        Ok((wants_grad(x).then_some(gx), wants_grad(scale).then_some(gscale), wants_grad(shift).then_some(gshift)))
    }
}

/// (g, x, scale) -> the gradients of x, scale and shift, one after the other.
struct InstanceStyleGrad {
    eps: f64,
}

impl CustomOp3 for InstanceStyleGrad {
    fn name(&self) -> &'static str {
        "stylegan-instance-style-gradient"
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
        by_dtype!("instance_style", s1, T => {
            let (g, x) = (crate::cpu::slice::<T>(s1, l1)?, crate::cpu::slice::<T>(s2, l2)?);
            let scale = crate::cpu::slice::<T>(s3, l3)?;
            let plane = l1.dims()[2..].iter().product::<usize>().max(1);
            let rows = rows_per_task(plane);
            let count = plane as f64;
            let len = x.len() + 2 * scale.len();
            let write = |out: &mut [MaybeUninit<T>]| {
                if x.is_empty() {
                    zeroed(out);
                    return;
                }
                let (gx, rest) = out.split_at_mut(x.len());
                let (gscale, gshift) = rest.split_at_mut(scale.len());
                let tasks = gx.chunks_mut(rows * plane).zip(gscale.chunks_mut(rows)).zip(gshift.chunks_mut(rows));
                for_each_item(tasks.enumerate(), |(task, ((gx, gscale), gshift))| {
                    for (i, gx) in gx.chunks_mut(plane).enumerate() {
                        let row = task * rows + i;
                        let (g, x) = (&g[row * plane..][..plane], &x[row * plane..][..plane]);
                        let (mean, rstd) = moments(x, self.eps);
                        let total = sum(g);
                        let along = rstd * centred_dot(g, x, mean);
                        let factor = rstd * scale[row] as f64;
                        let (slope, level) = (factor * rstd * along / count, factor * total / count);
                        gradient(g, x, mean, factor as T, slope as T, level as T, gx);
                        gscale[i].write(along as T);
                        gshift[i].write(total as T);
                    }
                })
            };
            // SAFETY: a task writes its planes and the two numbers of each; there is a plane for each scale.
            Ok((unsafe { written(len, write) }, len.into()))
        })
    }
}
