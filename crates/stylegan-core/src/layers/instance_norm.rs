//! Instance normalisation (Ulyanov, Vedaldi and Lempitsky 2016) without scale and shift.

use super::batch_norm::EPS;
use crate::Result;
use candle_core::Tensor;
use stylegan_kernels::{Activation, bias_act, instance_style};

/// Each plane of `x` `[n, c, h, w]` to mean 0 and variance 1, then the activation. The same in training and
/// afterwards; no parameters, no running statistics.
pub(crate) fn instance_norm(x: &Tensor, act: Activation) -> Result<Tensor> {
    let (n, c, _, _) = x.dims4()?;
    let one = Tensor::ones((n, c), x.dtype(), x.device())?;
    Ok(bias_act(&instance_style(x, &one, &one.zeros_like()?, EPS)?, None, act.into())?)
}
