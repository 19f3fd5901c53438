//! A convolution with what comes before and after it, for passes that record no gradients.

use super::Conv;
use super::cpu::{self, ConvCall, PackedWeight};
use super::reduced::{packed_weight, precision};
use super::shape::Kind;
use crate::bias_act::Epilogue;
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::Real;
use crate::tiles::Engine;
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor};
use std::sync::Arc;

/// [`conv2d`](super::conv2d) of stride 1 and of `x` times `scale` `[n, channels]`; its result times
/// `demodulation` `[n, channels]`, then `epilogue`.
pub(crate) fn conv2d_fused(
    x: &Tensor,
    weight: &Tensor,
    gain: f64,
    padding: usize,
    scale: Option<&Tensor>,
    demodulation: Option<&Tensor>,
    epilogue: Epilogue,
) -> Result<Tensor> {
    let conv = Conv { precision: precision(x, weight, channels(weight)?), ..Conv::new(1, padding, gain) };
    let packed = packed_weight(x, weight, conv.inputs_first())?;
    FusedConv { scale, demodulation, epilogue: Some(epilogue), ..FusedConv::of(conv, packed) }.run(x, weight)
}

/// As [`conv_transpose2d`](super::conv_transpose2d) of `x` times `scale` without padding, but `weight`
/// is `[outs, ins, r, s]`.
pub(crate) fn conv_transpose2d_fused(x: &Tensor, weight: &Tensor, scale: &Tensor, stride: usize) -> Result<Tensor> {
    let ((n, _, h, w), (c, _, r, s)) = (x.dims4()?, weight.dims4()?);
    let out = [n, c, (h - 1) * stride + r, (w - 1) * stride + s];
    let precision = precision(x, weight, channels(weight)?);
    let conv = Conv { kind: Kind::Input, out, precision, ..Conv::new(stride, 0, 1.) };
    let packed = packed_weight(x, weight, false)?;
    FusedConv { scale: Some(scale), swapped: true, ..FusedConv::of(conv, packed) }.run(x, weight)
}

/// The channels on either side of a weight.
fn channels(weight: &Tensor) -> Result<[usize; 2]> {
    let (a, b, _, _) = weight.dims4()?;
    Ok([a, b])
}

/// The operation as it is, if its products are reduced and its packed weight can be [kept](crate::PackedWeights): it is a
/// convolution, and nothing of it is tracked.
pub(super) fn reduced(x: &Tensor, weight: &Tensor, conv: Conv) -> Result<Option<Tensor>> {
    if !conv.is_reduced() || conv.kind == Kind::Weight || x.track_op() || weight.track_op() {
        return Ok(None);
    }
    let packed = packed_weight(x, weight, conv.inputs_first())?;
    packed.map(|packed| FusedConv::of(conv, Some(packed)).run(x, weight)).transpose()
}

pub(super) struct FusedConv<'a> {
    pub(super) conv: Conv,
    /// The weight in reduced precision, in which the convolution is then computed.
    packed: Option<Arc<PackedWeight>>,
    /// Of an input gradient: the weight is `[outs, ins, r, s]`, not `[ins, outs, r, s]`.
    pub(super) swapped: bool,
    pub(super) scale: Option<&'a Tensor>,
    pub(super) demodulation: Option<&'a Tensor>,
    pub(super) epilogue: Option<Epilogue<'a>>,
}

impl FusedConv<'_> {
    /// With nothing fused into it.
    fn of(conv: Conv, packed: Option<Arc<PackedWeight>>) -> Self {
        Self { conv, packed, swapped: false, scale: None, demodulation: None, epilogue: None }
    }

    fn run(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op2_no_bwd(&weight.contiguous()?, self)
    }

    /// The sizes of the operation on arguments of these dimensions.
    fn shape(&self, x: &[usize], weight: &[usize]) -> super::shape::Shape {
        let mut weight = weight.to_vec();
        if self.swapped {
            weight.swap(0, 1);
        }
        self.conv.shape(x, &weight)
    }

    /// The result of `compute`, which is given what is fused as numbers.
    fn compute<T: Real>(
        &self,
        (a, b): (&[T], &[T]),
        shape: super::shape::Shape,
        compute: impl Fn(&ConvCall<T>) -> Vec<T>,
    ) -> Result<Vec<T>> {
        let scale = self.scale.map(|s| s.flatten_all()?.to_vec1()).transpose()?.unwrap_or_default();
        let epilogue = self.epilogue.map(|epilogue| epilogue.data(self.demodulation)).transpose()?;
        let Conv { kind, gain, .. } = self.conv;
        let call = ConvCall::new(kind, a, b, shape, gain);
        Ok(compute(&ConvCall { scale: &scale, swapped: self.swapped, epilogue: epilogue.as_ref(), ..call }))
    }
}

impl CustomOp2 for FusedConv<'_> {
    fn name(&self) -> &'static str {
        "stylegan-conv2d-fused"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = self.shape(l1.dims(), l2.dims());
        let result = shape.checked_result(self.conv.kind)?;
        let y = match s1.dtype() {
            DType::F64 => CpuStorage::F64(self.compute((slice(s1, l1)?, slice(s2, l2)?), shape, cpu::f64)?),
            _ => CpuStorage::F32(self.compute((slice(s1, l1)?, slice(s2, l2)?), shape, |call| match &self.packed {
                Some(weight) => cpu::with_packed_weight(call, weight, Engine::best()),
                None => cpu::f32(call),
            })?),
        };
        Ok((y, Shape::from(result.to_vec())))
    }

    cuda_fwd!(|op, x, weight| {
        let shape = op.shape(x.1.dims(), weight.1.dims());
        let result = shape.checked_result(op.conv.kind)?;
        Ok((op.cuda(shape, x, weight)?, Shape::from(result.to_vec())))
    });
}
