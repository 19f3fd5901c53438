//! Ranger: rectified Adam (Liu et al. 2020) on centralised gradients (Yong et al. 2020), with Lookahead (Zhang et al.
//! 2019).

use super::adam::Pass;
use super::ema_step;
use candle_core::{Result, Tensor, Var};

/// Hyper-parameters of Ranger. The defaults are those that pixel2style2pixel trains with; there is no weight decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangerOptions {
    /// Learning rate, 1e-4.
    pub lr: f64,
    /// Decay of the first moment, 0.95.
    pub beta1: f64,
    /// Decay of the second moment, 0.999.
    pub beta2: f64,
    /// Added to the root of the second moment, 1e-5.
    pub eps: f64,
    /// Steps from one meeting of fast and slow weights to the next, 6.
    pub lookahead: u64,
    /// How far slow weights go towards fast ones when they meet, 0.5.
    pub pull: f64,
    /// Whether the mean of the whole gradient is taken off, whatever its shape, false: of one of more than one dimension
    /// it is that over all but the first.
    pub whole: bool,
}

impl Default for RangerOptions {
    fn default() -> Self {
        Self { lr: 1e-4, beta1: 0.95, beta2: 0.999, eps: 1e-5, lookahead: 6, pull: 0.5, whole: false }
    }
}

/// The length of the second moment's memory above which its variance is known well enough to be divided by.
const LEAST_MEMORY: f64 = 5.;

impl RangerOptions {
    /// The factor of the first moment at step `step` (from 1), and whether it is divided by the root of the second,
    /// which has no bias correction of its own.
    fn factor(&self, step: u64) -> (f64, bool) {
        let (left1, left2) = (self.beta1.powf(step as f64), self.beta2.powf(step as f64));
        let most = 2. / (1. - self.beta2) - 1.;
        let memory = most - 2. * step as f64 * left2 / (1. - left2);
        if memory <= LEAST_MEMORY {
            return (self.lr / (1. - left1), false);
        }
        let rectified = (1. - left2) * (memory - 4.) / (most - 4.) * (memory - 2.) / memory * most / (most - 2.);
        (self.lr * rectified.sqrt() / (1. - left1), true)
    }
}

/// One step of Ranger in place: `weight`, the moments `m` and `v` and the slow weights `slow` change, all of one shape.
/// `step` counts this weight's own steps from 1; `slow` starts as a copy of the weight before the first. The gradient is
/// centralised as `options.whole` says.
///
/// # Errors
/// When shapes or element types differ.
pub fn ranger_step(
    weight: &Var,
    grad: &Tensor,
    [m, v, slow]: [&Var; 3],
    step: u64,
    options: RangerOptions,
) -> Result<()> {
    let grad = centralised(&grad.detach(), options.whole)?;
    let RangerOptions { beta1, beta2, eps, .. } = options;
    let (rate, divided) = options.factor(step);
    // An infinite root leaves 1 to divide by.
    let (root, eps) = if divided { (1., eps) } else { (f64::INFINITY, 1.) };
    Pass { beta1, beta2, rate, root, eps }.run(weight, &grad, [m, v])?;
    if step.is_multiple_of(options.lookahead.max(1)) {
        ema_step(slow, weight, 1. - options.pull)?;
        weight.set(slow)?;
    }
    Ok(())
}

/// A gradient less its mean.
fn centralised(grad: &Tensor, whole: bool) -> Result<Tensor> {
    if whole {
        return grad.broadcast_sub(&grad.mean_all()?);
    }
    if grad.rank() < 2 {
        return Ok(grad.clone());
    }
    let means = grad.flatten_from(1)?.mean_keepdim(1)?;
    let mut dims = vec![1; grad.rank()];
    dims[0] = grad.dim(0)?;
    grad.broadcast_sub(&means.reshape(dims)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// What a step makes of a gradient, by the first moment after it.
    fn centred(grad: &Tensor, whole: bool) -> Vec<f64> {
        let var = || Var::from_tensor(&grad.zeros_like().unwrap()).unwrap();
        let (weight, m, v, slow) = (var(), var(), var(), var());
        let options = RangerOptions { beta1: 0.5, whole, ..RangerOptions::default() };
        ranger_step(&weight, grad, [&m, &v, &slow], 1, options).unwrap();
        (m.as_tensor() * 2.).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    /// A weight of `[1, O, I, k, k]`, as others hold a modulated convolution's, has one row: its mean is that of all.
    #[test]
    fn gradients_lose_the_mean_of_each_row_or_of_all() {
        let rows = Tensor::new(&[[1f64, 3.], [5., 9.], [0., 0.]], &Device::Cpu).unwrap();
        assert_eq!(centred(&rows, false), [-1., 1., -2., 2., 0., 0.]);
        assert_eq!(centred(&rows, true), [-2., 0., 2., 6., -3., -3.]);
        assert_eq!(centred(&rows, true), centred(&rows.unsqueeze(0).unwrap(), false));
        let bias = Tensor::new(&[1f64, 2., 6.], &Device::Cpu).unwrap();
        assert_eq!((centred(&bias, false), centred(&bias, true)), (vec![1., 2., 6.], vec![-2., -1., 3.]));
    }
}
