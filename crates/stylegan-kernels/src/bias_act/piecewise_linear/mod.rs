//! Noise, bias, piecewise linear activation, gain and clamp in one pass. The gradient needs the
//! result alone (its sign tells the slope), and the gradient's gradient is the same operation.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

pub(crate) use cpu::Map;

use super::channel_sum::channel_sum;
#[cfg(feature = "cuda")]
use crate::autodiff::detached;
use crate::autodiff::{apply2, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::{Real, by_dtype};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Storage, Tensor};

/// `clamp(gain * act(x + bias * bias_gain + noise * strength))`, the last argument applied or not.
#[derive(Clone)]
pub(crate) struct PiecewiseLinear {
    /// Slope below zero.
    pub slope: f64,
    pub gain: f64,
    /// Bound of the magnitude, infinite for none.
    pub clamp: f64,
    pub bias_gain: f64,
    /// `[n or 1, 1, h, w]`, contiguous, never differentiated.
    pub noise: Option<Tensor>,
}

impl PiecewiseLinear {
    fn forward<T: Real>(
        &self,
        (storage, layout): (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
        strength: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        let x = slice::<T>(storage, layout)?;
        let bias = bias.map(|(s, l)| slice::<T>(s, l)).transpose()?;
        let strength = strength.map(|(s, l)| slice::<T>(s, l)).transpose()?;
        let noise = self.noise.as_ref().map(Tensor::storage_and_layout);
        let noise = match &noise {
            Some((s, l)) => match &**s {
                Storage::Cpu(s) => Some(slice::<T>(s, l)?),
                _ => candle_core::bail!("noise_bias_act: noise is not on the CPU as the input is"),
            },
            None => None,
        };
        Ok((self.cpu(x, layout.dims(), bias, strength, noise), layout.shape().clone()))
    }

    /// Leaky ReLU with this slope below zero, and nothing else.
    pub(crate) fn leaky(slope: f64) -> Self {
        Self { slope, gain: 1., clamp: f64::INFINITY, bias_gain: 1., noise: None }
    }

    /// The gradient before the activation, from the gradient `g` and the value `y` behind it.
    pub(crate) fn grad_x(&self, g: &Tensor, y: &Tensor) -> Result<Tensor> {
        if self.is_identity() {
            return Ok(g.clone());
        }
        apply2(g, &y.detach(), PiecewiseLinearGrad(Self { noise: None, ..self.clone() }))
    }

    /// [`grad_x`](Self::grad_x), and of strength and bias those gradients that are wanted.
    pub(crate) fn gradients(
        &self,
        g: &Tensor,
        y: &Tensor,
        [strength, bias]: [bool; 2],
    ) -> Result<(Tensor, [Option<Tensor>; 2])> {
        #[cfg(feature = "cuda")]
        if detached()
            && (strength || bias)
            && !self.is_identity()
            && let Some([gx, sums]) = self.cuda_gradients(g, y, strength)?
        {
            let sum = |at: usize, gain: f64| channel_sum(&sums.get(at)?, None, gain);
            let gs = strength.then(|| sum(1, 1.)).transpose()?;
            return Ok((gx, [gs, bias.then(|| sum(0, self.bias_gain)).transpose()?]));
        }
        let gx = self.grad_x(g, y)?;
        let gs = strength.then(|| channel_sum(&gx, self.noise.as_ref(), 1.)).transpose()?;
        let gb = bias.then(|| channel_sum(&gx, None, self.bias_gain)).transpose()?;
        Ok((gx, [gs, gb]))
    }

    fn is_identity(&self) -> bool {
        self.slope == 1. && self.gain == 1. && self.clamp == f64::INFINITY
    }
}

impl CustomOp1 for PiecewiseLinear {
    fn name(&self) -> &'static str {
        "stylegan-bias-act"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("bias_act", s, T => self.forward::<T>((s, l), None, None))
    }

    cuda_fwd!(|op, x| op.cuda(x, None, None));

    fn bwd(&self, x: &Tensor, y: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| self.grad_x(g, y)).transpose()
    }
}

/// (x, bias)
impl CustomOp2 for PiecewiseLinear {
    fn name(&self) -> &'static str {
        "stylegan-bias-act"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("bias_act", s1, T => self.forward::<T>((s1, l1), Some((s2, l2)), None))
    }

    cuda_fwd!(|op, x, bias| op.cuda(x, Some(bias), None));

    fn bwd(&self, x: &Tensor, bias: &Tensor, y: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (gx, [_, gb]) = self.gradients(g, y, [false, wants_grad(bias)])?;
        Ok((wants_grad(x).then_some(gx), gb))
    }
}

/// (x, strength, bias)
impl CustomOp3 for PiecewiseLinear {
    fn name(&self) -> &'static str {
        "stylegan-noise-bias-act"
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
        by_dtype!("noise_bias_act", s1, T => self.forward::<T>((s1, l1), Some((s3, l3)), Some((s2, l2))))
    }

    cuda_fwd!(|op, x, strength, bias| op.cuda(x, Some(bias), Some(strength)));

    fn bwd(
        &self,
        x: &Tensor,
        strength: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (gx, [gs, gb]) = self.gradients(g, y, [wants_grad(strength), wants_grad(bias)])?;
        Ok((wants_grad(x).then_some(gx), gs, gb))
    }
}

/// (g, y) -> g times the slope that the result y tells. Constant in y almost everywhere.
#[derive(Clone)]
struct PiecewiseLinearGrad(PiecewiseLinear);

impl CustomOp2 for PiecewiseLinearGrad {
    fn name(&self) -> &'static str {
        "stylegan-bias-act-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("bias_act", s1, T => {
            Ok((self.0.gradient::<T>(slice(s1, l1)?, slice(s2, l2)?), l1.shape().clone()))
        })
    }

    cuda_fwd!(|op, g, y| op.0.cuda_gradient(g, y));

    fn bwd(&self, g: &Tensor, y: &Tensor, _res: &Tensor, gg: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = wants_grad(g).then(|| apply2(gg, y, self.clone())).transpose()?;
        Ok((grad, None))
    }
}
