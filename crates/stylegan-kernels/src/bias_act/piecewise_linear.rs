//! Noise, bias, piecewise linear activation, gain and clamp in one pass. The gradient needs the
//! result alone (its sign tells the slope), and the gradient's gradient is the same operation.

use super::channel_sum::channel_sum;
use crate::autodiff::{apply2, wants_grad};
use crate::elementwise::{Real, by_dtype, vectorize, written};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Storage, Tensor};
use std::mem::MaybeUninit;

/// `clamp(gain * act(x + bias * bias_gain + noise * strength))`, the last argument applied or not.
#[derive(Clone)]
pub(super) struct PiecewiseLinear {
    /// Slope below zero.
    pub slope: f64,
    pub gain: f64,
    /// Bound of the magnitude, infinite for none.
    pub clamp: f64,
    pub bias_gain: f64,
    /// `[n or 1, 1, h, w]`, contiguous, never differentiated.
    pub noise: Option<Tensor>,
}

/// The function of a piecewise linear activation with gain and clamp.
#[derive(Clone, Copy)]
pub(crate) struct Map<T> {
    /// Slopes above and below zero.
    pub(crate) positive: T,
    pub(crate) negative: T,
    pub(crate) clamp: T,
}

impl<T: Real> Map<T> {
    #[inline(always)]
    pub(super) fn value(self, u: T) -> T {
        let y = if u > T::zero() { u * self.positive } else { u * self.negative };
        // Comparisons in this order let NaN through.
        let y = if y > self.clamp { self.clamp } else { y };
        if y < T::zero() - self.clamp { T::zero() - self.clamp } else { y }
    }

    #[inline(always)]
    fn slope(self, y: T) -> T {
        let slope = if y > T::zero() { self.positive } else { self.negative };
        if y.abs() >= self.clamp { T::zero() } else { slope }
    }
}

vectorize! {
    fn plain<T>(x: &[T], bias: T, map: Map<T>, y: &mut [MaybeUninit<T>]) {
        for (y, &x) in y.iter_mut().zip(x) {
            y.write(map.value(x + bias));
        }
    }

    fn update<T>(y: &mut [T], bias: T, map: Map<T>) {
        for y in y {
            *y = map.value(*y + bias);
        }
    }

    fn noisy<T>(x: &[T], noise: &[T], strength: T, bias: T, map: Map<T>, y: &mut [MaybeUninit<T>]) {
        for ((y, &x), &noise) in y.iter_mut().zip(x).zip(noise) {
            y.write(map.value((x + noise * strength) + bias));
        }
    }

    /// One bias per element, for `[n, c]`.
    fn rows<T>(x: &[T], bias: &[T], bias_gain: T, map: Map<T>, y: &mut [MaybeUninit<T>]) {
        for (y, x) in y.chunks_mut(bias.len()).zip(x.chunks(bias.len())) {
            for ((y, &x), &bias) in y.iter_mut().zip(x).zip(bias) {
                y.write(map.value(x + bias * bias_gain));
            }
        }
    }

    fn gradient<T>(g: &[T], y: &[T], map: Map<T>, out: &mut [MaybeUninit<T>]) {
        for ((out, &g), &y) in out.iter_mut().zip(g).zip(y) {
            out.write(g * map.slope(y));
        }
    }
}

impl PiecewiseLinear {
    fn map<T: Real>(&self) -> Map<T> {
        let [positive, negative, clamp] = [self.gain, self.gain * self.slope, self.clamp].map(T::from_f64);
        Map { positive, negative, clamp }
    }

    fn forward<T: Real>(
        &self,
        (storage, layout): (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
        strength: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        let x = crate::cpu::slice::<T>(storage, layout)?;
        let bias = bias.map(|(s, l)| crate::cpu::slice::<T>(s, l)).transpose()?;
        let strength = strength.map(|(s, l)| crate::cpu::slice::<T>(s, l)).transpose()?;
        let noise = self.noise.as_ref().map(Tensor::storage_and_layout);
        let noise = match &noise {
            Some((s, l)) => match &**s {
                Storage::Cpu(s) => Some(crate::cpu::slice::<T>(s, l)?),
                _ => candle_core::bail!("noise_bias_act: noise is not on the CPU as the input is"),
            },
            None => None,
        };
        let dims = layout.dims();
        let c = dims.get(1).copied().unwrap_or(1);
        let plane: usize = dims.iter().skip(2).product();
        let (map, bias_gain) = (self.map::<T>(), T::from_f64(self.bias_gain));
        let write = |y: &mut [MaybeUninit<T>]| {
            if plane == 1 && noise.is_none() && c > 0 {
                let len = crate::elementwise::rows_per_task(c) * c;
                return crate::threads::for_each_chunk(y, len, |task, y| {
                    let x = &x[task * len..][..y.len()];
                    match bias {
                        Some(bias) => rows(x, bias, bias_gain, map, y),
                        None => plain(x, T::zero(), map, y),
                    }
                });
            }
            let per_task = crate::elementwise::rows_per_task(plane);
            crate::threads::for_each_chunk(y, per_task * plane, |task, y| {
                for (j, y) in y.chunks_mut(plane.max(1)).enumerate() {
                    let row = task * per_task + j;
                    let x = &x[row * plane..][..plane];
                    let bias = bias.map_or(T::zero(), |bias| bias[row % c] * bias_gain);
                    match (noise, strength) {
                        (Some(noise), Some(strength)) => {
                            let noise = &noise[row / c * plane % noise.len()..][..plane];
                            noisy(x, noise, strength[row % c], bias, map, y);
                        }
                        _ => plain(x, bias, map, y),
                    }
                }
            });
        };
        // SAFETY: rows or planes of the result are written from as many elements of `x` (and noise).
        Ok((unsafe { written(x.len(), write) }, layout.shape().clone()))
    }

    /// Bias and activation of `y` `[n, c, h, w]` where it lies.
    pub(super) fn in_place<T: Real>(&self, y: &mut CpuStorage, shape: &Shape, bias: &[T]) -> Result<()> {
        let (_, c, h, w) = shape.dims4()?;
        let plane = (h * w).max(1);
        let map = self.map::<T>();
        let rows = crate::elementwise::rows_per_task(plane);
        let y = T::elements_mut(y).unwrap_or_default();
        crate::threads::for_each_chunk(y, rows * plane, |task, y| {
            for (j, y) in y.chunks_mut(plane).enumerate() {
                update(y, bias[(task * rows + j) % c], map);
            }
        });
        Ok(())
    }

    /// The gradient before the activation, from the gradient `g` and the value `y` behind it.
    pub(super) fn grad_x(&self, g: &Tensor, y: &Tensor) -> Result<Tensor> {
        if self.slope == 1. && self.gain == 1. && self.clamp == f64::INFINITY {
            return Ok(g.clone());
        }
        apply2(g, &y.detach(), PiecewiseLinearGrad(Self { noise: None, ..self.clone() }))
    }
}

impl CustomOp1 for PiecewiseLinear {
    fn name(&self) -> &'static str {
        "stylegan-bias-act"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("bias_act", s, T => self.forward::<T>((s, l), None, None))
    }

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

    fn bwd(&self, x: &Tensor, bias: &Tensor, y: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gx = self.grad_x(g, y)?;
        let gb = wants_grad(bias).then(|| channel_sum(&gx, None, self.bias_gain)).transpose()?;
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

    fn bwd(
        &self,
        x: &Tensor,
        strength: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gx = self.grad_x(g, y)?;
        let gs = wants_grad(strength).then(|| channel_sum(&gx, self.noise.as_ref(), 1.)).transpose()?;
        let gb = wants_grad(bias).then(|| channel_sum(&gx, None, self.bias_gain)).transpose()?;
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
            let (g, y) = (crate::cpu::slice::<T>(s1, l1)?, crate::cpu::slice::<T>(s2, l2)?);
            let map = self.0.map::<T>();
            let write = |out: &mut [MaybeUninit<T>]| {
                crate::threads::for_each_chunk(out, crate::elementwise::TASK, |task, out| {
                    let at = task * crate::elementwise::TASK;
                    gradient(&g[at..][..out.len()], &y[at..][..out.len()], map, out);
                })
            };
            // SAFETY: as many results as gradients and values.
            Ok((unsafe { written(g.len(), write) }, l1.shape().clone()))
        })
    }

    fn bwd(&self, g: &Tensor, y: &Tensor, _res: &Tensor, gg: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = wants_grad(g).then(|| apply2(gg, y, self.clone())).transpose()?;
        Ok((grad, None))
    }
}
