//! A convolution with what comes before and after it, for passes that record no gradients.

use super::shape::Kind;
use super::{Conv, choose};
use crate::bias_act::{After, Epilogue};
use crate::elementwise::Real;
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor};

/// What is fused into a convolution, as numbers.
pub(super) struct Fused<T> {
    /// Factors of the input's channels `[n, channels]`, or none.
    pub(super) scale: Vec<T>,
    pub(super) epilogue: Option<Epilogue<T>>,
    /// The weight's first two dimensions are exchanged.
    pub(super) swapped: bool,
}

impl<T> Fused<T> {
    pub(super) const NOTHING: Self = Self { scale: Vec::new(), epilogue: None, swapped: false };
}

impl<T: Real> Fused<T> {
    /// The scaled input, where there are scales.
    pub(super) fn scaled(&self, x: &[T]) -> Option<Vec<T>> {
        let plane = x.len() / self.scale.len().max(1);
        let scaled = |(i, &x): (usize, &T)| x * self.scale[i / plane];
        (!self.scale.is_empty()).then(|| x.iter().enumerate().map(scaled).collect())
    }

    /// Finishes a result of shape `[n, c, h, w]`.
    pub(super) fn finish(&self, y: &mut [T], [.., h, w]: [usize; 4]) {
        if let Some(epilogue) = &self.epilogue {
            epilogue.finish_all(y, h * w);
        }
    }
}

/// [`conv2d`](super::conv2d) of stride 1 and of `x` times `scale` `[n, channels]`, finished by `after`.
pub(crate) fn conv2d_fused(
    x: &Tensor,
    weight: &Tensor,
    gain: f64,
    scale: Option<&Tensor>,
    padding: usize,
    after: After,
) -> Result<Tensor> {
    run(x, weight, FusedConv { conv: Conv::new(1, padding, gain), scale: scale.cloned(), after: Some(after) })
}

/// As [`conv_transpose2d`](super::conv_transpose2d) of `x` times `scale` without padding, but `weight`
/// is `[outs, ins, r, s]`.
pub(crate) fn conv_transpose2d_fused(x: &Tensor, weight: &Tensor, scale: &Tensor, stride: usize) -> Result<Tensor> {
    let ((n, _, h, w), (c, _, r, s)) = (x.dims4()?, weight.dims4()?);
    let out = [n, c, (h - 1) * stride + r, (w - 1) * stride + s];
    let conv = Conv { kind: Kind::Input, stride, padding: 0, gain: 1., out };
    run(x, weight, FusedConv { conv, scale: Some(scale.clone()), after: None })
}

fn run(x: &Tensor, weight: &Tensor, op: FusedConv) -> Result<Tensor> {
    x.contiguous()?.apply_op2_no_bwd(&weight.contiguous()?, &op)
}

struct FusedConv {
    conv: Conv,
    scale: Option<Tensor>,
    after: Option<After>,
}

impl FusedConv {
    fn numbers<T: Real>(&self) -> Result<Fused<T>> {
        Ok(Fused {
            scale: self.scale.as_ref().map(|s| s.flatten_all()?.to_vec1()).transpose()?.unwrap_or_default(),
            epilogue: self.after.as_ref().map(After::numbers).transpose()?,
            swapped: self.conv.kind == Kind::Input,
        })
    }
}

impl CustomOp2 for FusedConv {
    fn name(&self) -> &'static str {
        "stylegan-conv2d-fused"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let Conv { kind, gain, .. } = self.conv;
        let mut weight = l2.dims().to_vec();
        if kind == Kind::Input {
            weight.swap(0, 1);
        }
        let shape = self.conv.shape(l1.dims(), &weight);
        let y = match s1.dtype() {
            DType::F64 => {
                let (a, b) = (crate::cpu::slice::<f64>(s1, l1)?, crate::cpu::slice::<f64>(s2, l2)?);
                CpuStorage::F64(choose::f64(kind, a, b, &shape, gain, &self.numbers()?))
            }
            _ => {
                let (a, b) = (crate::cpu::slice::<f32>(s1, l1)?, crate::cpu::slice::<f32>(s2, l2)?);
                CpuStorage::F32(choose::f32(kind, a, b, &shape, gain, &self.numbers()?))
            }
        };
        Ok((y, Shape::from(shape.result(kind).to_vec())))
    }
}
