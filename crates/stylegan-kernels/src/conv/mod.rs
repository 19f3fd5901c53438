//! 2-D convolution, its transpose and its weight gradient: one family closed under differentiation.

use crate::autodiff::wants_grad;
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType};

/// Cross-correlation of `x` `[n, c, h, w]` with `weight` `[k, c, r, s]`, times `gain`:
/// `[n, k, (h + 2 padding - r) / stride + 1, …]`. The gain serves equalised learning rates without
/// a pass over the weights.
///
/// # Errors
/// Shapes that do not fit each other.
pub fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize, gain: f64) -> Result<Tensor> {
    let ((_, c, h, w), (_, wc, r, s)) = (x.dims4()?, weight.dims4()?);
    if c != wc || h + 2 * padding < r || w + 2 * padding < s || stride == 0 {
        candle_core::bail!(
            "conv2d: input {:?} does not fit weight {:?} (stride {stride}, padding {padding})",
            x.dims(),
            weight.dims()
        )
    }
    apply(x, weight, Conv { kind: Kind::Forward, stride, padding, gain, out: [0; 4] })
}

/// Transposed convolution of `x` `[n, k, h, w]` with `weight` `[k, c, r, s]`, times `gain`: the
/// gradient of [`conv2d`] with respect to its input.
/// `[n, c, (h - 1) stride + r - 2 padding + output_padding, …]`.
///
/// # Errors
/// Shapes that do not fit each other.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
    gain: f64,
) -> Result<Tensor> {
    let ((n, k, h, w), (wk, c, r, s)) = (x.dims4()?, weight.dims4()?);
    let side = |i: usize, f: usize| ((i - 1) * stride + f + output_padding).checked_sub(2 * padding).filter(|&o| o > 0);
    let (true, Some(oh), Some(ow)) =
        (k == wk && h > 0 && w > 0 && output_padding < stride, side(h.max(1), r), side(w.max(1), s))
    else {
        candle_core::bail!(
            "conv_transpose2d: input {:?} does not fit weight {:?} (stride {stride}, padding {padding})",
            x.dims(),
            weight.dims()
        )
    };
    apply(x, weight, Conv { kind: Kind::Input, stride, padding, gain, out: [n, c, oh, ow] })
}

#[derive(Clone, Copy)]
enum Kind {
    /// (x, w) -> y
    Forward,
    /// (y, w) -> x
    Input,
    /// (x, y) -> w
    Weight,
}

#[derive(Clone, Copy)]
struct Conv {
    kind: Kind,
    stride: usize,
    padding: usize,
    gain: f64,
    /// Shape of the result, for kinds where the arguments do not determine it.
    out: [usize; 4],
}

fn apply(a: &Tensor, b: &Tensor, op: Conv) -> Result<Tensor> {
    a.contiguous()?.apply_op2(&b.contiguous()?, op)
}

fn dims4(t: &Tensor) -> Result<[usize; 4]> {
    let (a, b, c, d) = t.dims4()?;
    Ok([a, b, c, d])
}

impl CustomOp2 for Conv {
    fn name(&self) -> &'static str {
        "stylegan-conv2d"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        match s1.dtype() {
            DType::F64 => self.direct::<f64>(s1, l1, s2, l2),
            _ => self.direct::<f32>(s1, l1, s2, l2),
        }
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _res: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (da, db) = (wants_grad(a), wants_grad(b));
        let kind = |kind, out| Conv { kind, out, ..*self };
        let none = [0; 4];
        let (ga, gb): (Option<Result<Tensor>>, Option<Result<Tensor>>) = match self.kind {
            Kind::Forward => (
                da.then(|| apply(g, b, kind(Kind::Input, dims4(a)?))),
                db.then(|| apply(a, g, kind(Kind::Weight, dims4(b)?))),
            ),
            Kind::Input => (
                da.then(|| apply(g, b, kind(Kind::Forward, none))),
                db.then(|| apply(g, a, kind(Kind::Weight, dims4(b)?))),
            ),
            Kind::Weight => (
                da.then(|| apply(b, g, kind(Kind::Input, dims4(a)?))),
                db.then(|| apply(a, g, kind(Kind::Forward, none))),
            ),
        };
        Ok((ga.transpose()?, gb.transpose()?))
    }
}

impl Conv {
    fn direct<T: WithDType + Send + Sync>(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (crate::cpu::slice::<T>(s1, l1)?, crate::cpu::slice::<T>(s2, l2)?);
        let (d1, d2, st, p) = (l1.dims(), l2.dims(), self.stride, self.padding);
        let (n, c, h, w, k, r, s, oh, ow) = match self.kind {
            Kind::Forward => {
                let (h, w, r, s) = (d1[2], d1[3], d2[2], d2[3]);
                (d1[0], d1[1], h, w, d2[0], r, s, (h + 2 * p - r) / st + 1, (w + 2 * p - s) / st + 1)
            }
            Kind::Input => (d1[0], d2[1], self.out[2], self.out[3], d2[0], d2[2], d2[3], d1[2], d1[3]),
            Kind::Weight => (d1[0], d1[1], d1[2], d1[3], d2[1], self.out[2], self.out[3], d2[2], d2[3]),
        };
        let shape = match self.kind {
            Kind::Forward => [n, k, oh, ow],
            Kind::Input => [n, c, h, w],
            Kind::Weight => [k, c, r, s],
        };
        let mut out = vec![T::zero(); shape.iter().product()];
        let gain = T::from_f64(self.gain);
        let plane = shape[2] * shape[3];
        // (i0, i1): the plane of the result that a task owns.
        crate::threads::for_each_chunk(&mut out, plane, |task, o| {
            let (i0, i1) = (task / shape[1], task % shape[1]);
            let (others, [mut ni, mut ki, mut ci]) = match self.kind {
                Kind::Forward => (c, [i0, i1, 0]),
                Kind::Input => (k, [i0, 0, i1]),
                Kind::Weight => (n, [0, i0, i1]),
            };
            for other in 0..others {
                match self.kind {
                    Kind::Forward => ci = other,
                    Kind::Input => ki = other,
                    Kind::Weight => ni = other,
                }
                for u in 0..r {
                    for y in 0..oh {
                        let iy = y * st + u;
                        if iy < p || iy - p >= h {
                            continue;
                        }
                        for v in 0..s {
                            for x in 0..ow {
                                let ix = x * st + v;
                                if ix < p || ix - p >= w {
                                    continue;
                                }
                                let xi = ((ni * c + ci) * h + iy - p) * w + ix - p;
                                let wi = ((ki * c + ci) * r + u) * s + v;
                                let yi = ((ni * k + ki) * oh + y) * ow + x;
                                match self.kind {
                                    Kind::Forward => o[y * ow + x] += a[xi] * b[wi],
                                    Kind::Input => o[(iy - p) * w + ix - p] += a[yi] * b[wi],
                                    Kind::Weight => o[u * s + v] += a[xi] * b[yi],
                                }
                            }
                        }
                    }
                }
            }
            o.iter_mut().for_each(|value| *value *= gain);
        });
        Ok((T::to_cpu_storage_owned(out), Shape::from(shape.to_vec())))
    }
}
