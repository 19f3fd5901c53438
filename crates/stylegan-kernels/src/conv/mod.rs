//! 2-D convolution, its transpose and its weight gradient: one family closed under differentiation.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod fused;
mod reduced;
mod shape;

pub(crate) use fused::{conv_transpose2d_fused, conv2d_fused};
pub use reduced::{PackedWeights, in_precision};

use crate::autodiff::{apply2, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::tiles::{Engine, Precision};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Tensor};
use cpu::ConvCall;
pub(crate) use shape::output_side;
use shape::{Kind, Shape};

/// Cross-correlation of `x` `[n, c, h, w]` with `weight` `[k, c, r, s]`, times `gain`:
/// `[n, k, (h + 2 padding - r) / stride + 1, …]`. The gain serves equalised learning rates without
/// a pass over the weights.
///
/// # Errors
/// Shapes that do not fit each other.
pub fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize, gain: f64) -> Result<Tensor> {
    let ((_, c, h, w), (_, wc, r, s)) = (x.dims4()?, weight.dims4()?);
    let fits = |pixels, taps| output_side(pixels, taps, stride, padding).is_some();
    if c != wc || !fits(h, r) || !fits(w, s) {
        candle_core::bail!(
            "conv2d: input {:?} does not fit weight {:?} (stride {stride}, padding {padding})",
            x.dims(),
            weight.dims()
        )
    }
    apply(x, weight, Conv::new(stride, padding, gain))
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
    let side = |pixels: usize, taps: usize| {
        let whole = pixels.checked_sub(1)?.checked_mul(stride)?.checked_add(taps)?.checked_add(output_padding)?;
        whole.checked_sub(padding.checked_mul(2)?).filter(|&side| side > 0)
    };
    let (true, Some(oh), Some(ow)) = (k == wk && output_padding < stride, side(h, r), side(w, s)) else {
        candle_core::bail!(
            "conv_transpose2d: input {:?} does not fit weight {:?} (stride {stride}, padding {padding}, output padding \
             {output_padding})",
            x.dims(),
            weight.dims()
        )
    };
    apply(x, weight, Conv { kind: Kind::Input, out: [n, c, oh, ow], ..Conv::new(stride, padding, gain) })
}

/// The gradient of [`conv2d`] with respect to its weight, times `gain`, from the input `x`
/// `[n, c, h, w]` and the gradient `dy` `[n, k, oh, ow]` of the output: `[k, c, r, s]` with
/// `kernel` = `(r, s)`.
///
/// # Errors
/// Shapes that do not fit each other.
pub fn conv2d_weight_gradient(
    x: &Tensor,
    dy: &Tensor,
    kernel: (usize, usize),
    stride: usize,
    padding: usize,
    gain: f64,
) -> Result<Tensor> {
    let ((n, c, h, w), (yn, k, oh, ow), (r, s)) = (x.dims4()?, dy.dims4()?, kernel);
    let fits = |pixels, taps, out| taps > 0 && output_side(pixels, taps, stride, padding) == Some(out);
    if n != yn || !fits(h, r, oh) || !fits(w, s, ow) {
        candle_core::bail!(
            "conv2d_weight_gradient: input {:?} does not fit output gradient {:?} (kernel {r}x{s}, stride {stride}, \
             padding {padding})",
            x.dims(),
            dy.dims()
        )
    }
    apply(x, dy, Conv { kind: Kind::Weight, out: [k, c, r, s], ..Conv::new(stride, padding, gain) })
}

#[derive(Clone, Copy)]
pub(crate) struct Conv {
    kind: Kind,
    stride: usize,
    padding: usize,
    gain: f64,
    /// Shape of the result, for kinds where the arguments do not determine it.
    out: [usize; 4],
    /// How precise its products are, and those of its gradients of any order, wherever these are taken.
    precision: Precision,
}

fn apply(a: &Tensor, b: &Tensor, op: Conv) -> Result<Tensor> {
    if a.dtype() != b.dtype() || !matches!(a.dtype(), DType::F32 | DType::F64) {
        candle_core::bail!(
            "convolutions work in F32 or F64, both arguments alike, but found {:?} and {:?}; convert them first",
            a.dtype(),
            b.dtype()
        )
    }
    let op = op.in_pass(a, b);
    match fused::reduced(a, b, op)? {
        Some(y) => Ok(y),
        None => apply2(a, b, op),
    }
}

fn dims4(t: &Tensor) -> Result<[usize; 4]> {
    let (a, b, c, d) = t.dims4()?;
    Ok([a, b, c, d])
}

impl CustomOp2 for Conv {
    fn name(&self) -> &'static str {
        "stylegan-conv2d"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, candle_core::Shape)> {
        let shape = self.shape(l1.dims(), l2.dims());
        let result = shape.checked_result(self.kind)?;
        let storage = match s1.dtype() {
            DType::F64 => {
                let (a, b) = (slice::<f64>(s1, l1)?, slice::<f64>(s2, l2)?);
                CpuStorage::F64(cpu::f64(&ConvCall::new(self.kind, a, b, shape, self.gain)))
            }
            _ => {
                let (a, b) = (slice::<f32>(s1, l1)?, slice::<f32>(s2, l2)?);
                let call = ConvCall::new(self.kind, a, b, shape, self.gain);
                CpuStorage::F32(match self.precision.parts() {
                    Some(parts) => cpu::in_parts(&call, parts, Engine::best()),
                    None => cpu::f32(&call),
                })
            }
        };
        Ok((storage, candle_core::Shape::from(result.to_vec())))
    }

    cuda_fwd!(|op, a, b| op.cuda(a, b, None));

    fn bwd(&self, a: &Tensor, b: &Tensor, _res: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (da, db) = (wants_grad(a), wants_grad(b));
        let kind = |kind, out| Conv { kind, out, ..*self };
        let none = [0; 4];
        let (ga, gb): (Option<Result<Tensor>>, Option<Result<Tensor>>) = match self.kind {
            Kind::Forward => (
                da.then(|| apply2(g, b, kind(Kind::Input, dims4(a)?))),
                db.then(|| apply2(a, g, kind(Kind::Weight, dims4(b)?))),
            ),
            Kind::Input => (
                da.then(|| apply2(g, b, kind(Kind::Forward, none))),
                db.then(|| apply2(g, a, kind(Kind::Weight, dims4(b)?))),
            ),
            Kind::Weight => (
                da.then(|| apply2(b, g, kind(Kind::Input, dims4(a)?))),
                db.then(|| apply2(a, g, kind(Kind::Forward, none))),
            ),
        };
        Ok((ga.transpose()?, gb.transpose()?))
    }
}

impl Conv {
    /// The operation behind [`conv2d`], for those that go on with its result.
    pub(crate) fn new(stride: usize, padding: usize, gain: f64) -> Self {
        Self { kind: Kind::Forward, stride, padding, gain, out: [0; 4], precision: Precision::F32 }
    }

    /// The same in the precision of the [pass](in_precision) that it is called in, where its arguments fit tiles. They fit
    /// each other.
    pub(crate) fn in_pass(self, a: &Tensor, b: &Tensor) -> Self {
        let Shape { c, k, .. } = self.shape(a.dims(), b.dims());
        Self { precision: reduced::precision(a, b, [c, k]), ..self }
    }

    /// Whether its products are less precise than f32.
    pub(crate) fn is_reduced(&self) -> bool {
        self.precision != Precision::F32
    }

    /// Whether the weight's first dimension is that of the channels it reads.
    fn inputs_first(&self) -> bool {
        self.kind == Kind::Input
    }

    /// The sizes of the operation on arguments of these dimensions.
    fn shape(&self, a: &[usize], b: &[usize]) -> Shape {
        let (stride, padding) = (self.stride, self.padding);
        let [x, w, y] = match self.kind {
            Kind::Forward => {
                let side = |i: usize| (a[i] + 2 * padding - b[i]) / stride + 1;
                let y = [a[0], b[0], side(2), side(3)];
                [a, b, &y].map(|d| [d[0], d[1], d[2], d[3]])
            }
            Kind::Input => [&self.out, b, a].map(|d| [d[0], d[1], d[2], d[3]]),
            Kind::Weight => [a, &self.out, b].map(|d| [d[0], d[1], d[2], d[3]]),
        };
        let ([n, c, h, wide], [k, _, r, s], [_, _, oh, ow]) = (x, w, y);
        Shape { n, c, h, w: wide, k, r, s, oh, ow, stride, padding }
    }
}
