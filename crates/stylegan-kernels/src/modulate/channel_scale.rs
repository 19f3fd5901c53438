//! Products of planes with numbers and with each other: a bilinear family closed under
//! differentiation.

use crate::autodiff::{apply2, wants_grad};
use crate::elementwise::{by_dtype, dot, rows_per_task, vectorize, written};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use std::mem::MaybeUninit;

/// Multiplies each plane of `x` `[n, c, h, w]` by its entry of `scale` `[n, c]`.
///
/// # Errors
/// When the first two dimensions differ.
pub fn channel_scale(x: &Tensor, scale: &Tensor) -> Result<Tensor> {
    let (n, c, _, _) = x.dims4()?;
    if scale.dims() != [n, c] {
        candle_core::bail!("channel_scale: scale {:?} for input {:?}, expected [{n}, {c}]", scale.dims(), x.dims())
    }
    apply2(x, scale, PlaneProduct::Scale)
}

/// The sum of products of each plane of `a` with the same plane of `b`: two `[n, c, h, w]` give
/// `[n, c]`.
///
/// # Errors
/// When the shapes differ.
pub fn plane_dot(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.dims4()?;
    if a.dims() != b.dims() {
        candle_core::bail!("plane_dot: shapes {:?} and {:?} differ; both are [n, c, h, w]", a.dims(), b.dims())
    }
    apply2(a, b, PlaneProduct::Dot)
}

/// Planes of at most this many elements are summed one after the other.
const SHORT: usize = 16;

#[derive(Clone, Copy)]
enum PlaneProduct {
    /// (x, scale) -> scaled x
    Scale,
    /// (a, b) -> one number per plane
    Dot,
}

vectorize! {
    fn scaled<T>(x: &[T], s: T, y: &mut [MaybeUninit<T>]) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write(x * s);
        }
    }

    /// The dot products of short planes, such as 3x3 filters.
    fn short_dots<T>(a: &[T], b: &[T], plane: usize, y: &mut [MaybeUninit<T>]) {
        for ((y, a), b) in y.iter_mut().zip(a.chunks_exact(plane)).zip(b.chunks_exact(plane)) {
            let mut sum = T::zero();
            for (&a, &b) in a.iter().zip(b) {
                sum += a * b;
            }
            y.write(sum);
        }
    }
}

impl CustomOp2 for PlaneProduct {
    fn name(&self) -> &'static str {
        "stylegan-plane-product"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("channel_scale", s1, T => {
            let (a, b) = (crate::cpu::slice::<T>(s1, l1)?, crate::cpu::slice::<T>(s2, l2)?);
            let (n, c, h, w) = l1.shape().dims4()?;
            let plane = (h * w).max(1);
            let rows = rows_per_task(plane);
            Ok(match self {
                PlaneProduct::Scale => {
                    let write = |y: &mut [MaybeUninit<T>]| {
                        crate::threads::for_each_chunk(y, rows * plane, |task, y| {
                            for (i, y) in y.chunks_mut(plane).enumerate() {
                                let i = task * rows + i;
                                scaled(&a[i * plane..][..plane], b[i], y);
                            }
                        })
                    };
                    // SAFETY: planes are written from planes.
                    (unsafe { written(a.len(), write) }, l1.shape().clone())
                }
                PlaneProduct::Dot => {
                    let write = |y: &mut [MaybeUninit<T>]| {
                        crate::threads::for_each_chunk(y, rows, |task, y| {
                            let start = task * rows * (h * w);
                            let [a, b] = [a, b].map(|x| &x[start..][..y.len() * (h * w)]);
                            if (1..=SHORT).contains(&(h * w)) {
                                return short_dots(a, b, plane, y);
                            }
                            for (i, y) in y.iter_mut().enumerate() {
                                let [a, b] = [a, b].map(|x| &x[i * (h * w)..][..h * w]);
                                y.write(dot(a, b) as T);
                            }
                        })
                    };
                    // SAFETY: a number for each of the task's planes.
                    (unsafe { written(n * c, write) }, (n, c).into())
                }
            })
        })
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _res: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (ga, gb) = match self {
            PlaneProduct::Scale => (wants_grad(a).then(|| channel_scale(g, b)), wants_grad(b).then(|| plane_dot(g, a))),
            PlaneProduct::Dot => {
                (wants_grad(a).then(|| channel_scale(b, g)), wants_grad(b).then(|| channel_scale(a, g)))
            }
        };
        Ok((ga.transpose()?, gb.transpose()?))
    }
}
