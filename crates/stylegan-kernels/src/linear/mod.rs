//! Fully connected layers: products of matrices, a family closed under differentiation.

use crate::autodiff::{apply2, wants_grad};
use crate::bias_act::{Activation, scaled_bias_act};
use crate::cpu::SharedMut;
use crate::elementwise::{Real, by_dtype, written};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use std::mem::MaybeUninit;

/// `gain * x weightᵀ + bias_gain * bias`: `x` `[n, i]`, `weight` `[o, i]`, `bias` `[o]`.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, gain: f64, bias_gain: f64) -> Result<Tensor> {
    let ((_, i), (_, wi)) = (x.dims2()?, weight.dims2()?);
    if i != wi {
        candle_core::bail!("linear: input {:?} has {i} features, the weight {:?} expects {wi}", x.dims(), weight.dims())
    }
    let y = apply2(x, weight, Product { kind: Kind::Forward, gain })?;
    scaled_bias_act(&y, bias, bias_gain, Activation::Linear, 1., None)
}

#[derive(Clone, Copy)]
enum Kind {
    /// x `[n, i]`, w `[o, i]` -> `[n, o]`
    Forward,
    /// y `[n, o]`, w `[o, i]` -> `[n, i]`
    Input,
    /// y `[n, o]`, x `[n, i]` -> `[o, i]`
    Weight,
}

#[derive(Clone, Copy)]
struct Product {
    kind: Kind,
    gain: f64,
}

/// Results per task: a task multiplies a block of this many columns.
const BLOCK: usize = 64;

impl Product {
    fn run<T: Real>(
        &self,
        (s1, l1): (&CpuStorage, &Layout),
        (s2, l2): (&CpuStorage, &Layout),
    ) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (crate::cpu::slice::<T>(s1, l1)?, crate::cpu::slice::<T>(s2, l2)?);
        let ((a0, a1), (b0, b1)) = (l1.shape().dims2()?, l2.shape().dims2()?);
        // out [m, p] = sum over k of a(m, k) b(k, p); strides are (outer, inner) in elements.
        let (m, k, p, a_strides, b_strides) = match self.kind {
            Kind::Forward => (a0, a1, b0, (a1, 1), (1, b1)),
            Kind::Input => (a0, a1, b1, (a1, 1), (b1, 1)),
            Kind::Weight => (a1, a0, b1, (1, a1), (b1, 1)),
        };
        let gain = T::from_f64(self.gain);
        let write = |out: &mut [MaybeUninit<T>]| {
            let base = SharedMut::uninit(out);
            // Tall results are cut into rows, wide ones into columns; by shape alone.
            let (rows, columns) = if m > p { (BLOCK, p) } else { (m, BLOCK) };
            let across = p.div_ceil(columns.max(1)).max(1);
            let tasks = if m * k * p <= 1 << 15 { 1 } else { m.div_ceil(rows) * across };
            let (rows, columns) = if tasks == 1 { (m, p) } else { (rows, columns) };
            let across = if tasks == 1 { 1 } else { across };
            crate::threads::for_each(tasks, |task| {
                let (row, column) = (task / across * rows, task % across * columns);
                let (rows, columns) = (rows.min(m - row), columns.min(p - column));
                // SAFETY: pointers and strides describe the blocks [row.., 0..k] of a,
                // [0..k, column..] of b and [row.., column..] of out, all within their slices;
                // blocks of out do not overlap between tasks, and out is written, never read.
                unsafe {
                    gemm::gemm(
                        rows,
                        columns,
                        k,
                        base.at(row * p + column),
                        1,
                        p as isize,
                        false,
                        a.as_ptr().add(row * a_strides.0),
                        a_strides.1 as isize,
                        a_strides.0 as isize,
                        b.as_ptr().add(column * b_strides.1),
                        b_strides.1 as isize,
                        b_strides.0 as isize,
                        T::zero(),
                        gain,
                        false,
                        false,
                        false,
                        gemm::Parallelism::None,
                    );
                }
            });
        };
        // SAFETY: the tasks cover the result; sums of no terms are written as zeros.
        Ok((unsafe { written(m * p, write) }, (m, p).into()))
    }
}

impl CustomOp2 for Product {
    fn name(&self) -> &'static str {
        "stylegan-linear"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("linear", s1, T => self.run::<T>((s1, l1), (s2, l2)))
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _res: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (da, db) = (wants_grad(a), wants_grad(b));
        let product = |kind, a: &Tensor, b: &Tensor| apply2(a, b, Self { kind, ..*self });
        let (ga, gb) = match self.kind {
            Kind::Forward => (da.then(|| product(Kind::Input, g, b)), db.then(|| product(Kind::Weight, g, a))),
            Kind::Input => (da.then(|| product(Kind::Forward, g, b)), db.then(|| product(Kind::Weight, a, g))),
            Kind::Weight => (da.then(|| product(Kind::Forward, b, g)), db.then(|| product(Kind::Input, a, g))),
        };
        Ok((ga.transpose()?, gb.transpose()?))
    }
}
