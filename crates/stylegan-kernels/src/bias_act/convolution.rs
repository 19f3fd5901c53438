//! A convolution whose result gets bias and activation in place: one tensor less per layer is
//! written, read and kept for the gradient.

use super::piecewise_linear::PiecewiseLinear;
use super::{BiasAct, Epilogue, bias_act, per_channel};
use crate::autodiff::{apply3, wants_grad};
use crate::conv::{Conv, conv2d, conv2d_fused, output_side};
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

/// `clamp(act.gain * act(gain * conv2d(x, weight) + bias))`: see [`conv2d`] and [`bias_act`]. `x` is
/// `[n, c, h, w]`, `weight` `[k, c, r, s]`, `bias` `[k]`.
///
/// # Errors
/// As those two.
pub fn conv2d_bias_act(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
    gain: f64,
    act: BiasAct,
) -> Result<Tensor> {
    let ((n, c, h, w), (k, wc, r, s)) = (x.dims4()?, weight.dims4()?);
    let side = |pixels, taps| output_side(pixels, taps, stride, padding);
    let size = side(h, r).zip(side(w, s)).filter(|_| c == wc).map(|(h, w)| [h, w]);
    let conv = Conv::new(stride, padding, gain);
    let conv = if size.is_some() { conv.in_pass(x, weight) } else { conv };
    // Weights of reduced precision that nothing tracks are kept from pass to pass.
    let kept = conv.is_reduced() && !x.track_op() && !weight.track_op();
    if kept && stride == 1 {
        let epilogue = Epilogue { noise: None, bias, act };
        if epilogue.fuses(n, k, size, &[x, weight]) {
            return conv2d_fused(x, weight, gain, padding, None, None, epilogue);
        }
    }
    let whole = size.is_some() && !kept && x.dtype() == weight.dtype();
    let (Some(slope), true) = (act.act.negative_slope(), whole) else {
        // Smooth activations and kept weights go in two steps; what does not fit is refused by the first.
        return bias_act(&conv2d(x, weight, stride, padding, gain)?, Some(bias), act);
    };
    let act = PiecewiseLinear { slope, gain: act.positive_gain()?, clamp: act.bound()?, bias_gain: 1., noise: None };
    let bias = per_channel("bias", bias, &[1, k])?;
    apply3(x, weight, &bias, ConvBiasAct { conv, act })
}

/// (x, weight, bias)
struct ConvBiasAct {
    conv: Conv,
    act: PiecewiseLinear,
}

impl CustomOp3 for ConvBiasAct {
    fn name(&self) -> &'static str {
        "stylegan-conv2d-bias-act"
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
        let (mut y, shape) = self.conv.cpu_fwd(s1, l1, s2, l2)?;
        by_dtype!("conv2d_bias_act", s1, T => self.act.in_place::<T>(&mut y, &shape, crate::cpu::slice(s3, l3)?))?;
        Ok((y, shape))
    }

    cuda_fwd!(|op, x, weight, bias| {
        let channels = bias.1.shape().elem_count();
        op.act.cuda_end(channels, Some(bias), None, |end| op.conv.cuda(x, weight, Some(end)))
    });

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (g, [_, gb]) = self.act.gradients(g, y, [false, wants_grad(bias)])?;
        let (gx, gw) = self.conv.bwd(x, weight, y, &g)?;
        Ok((gx, gw, gb))
    }
}
