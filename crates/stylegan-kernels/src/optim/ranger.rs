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
}

impl Default for RangerOptions {
    fn default() -> Self {
        Self { lr: 1e-4, beta1: 0.95, beta2: 0.999, eps: 1e-5, lookahead: 6, pull: 0.5 }
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
/// `step` counts this weight's own steps from 1; `slow` starts as a copy of the weight before the first. Of a gradient of
/// more than one dimension the mean over all but the first is taken off.
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
    let mut grad = grad.detach();
    if grad.rank() > 1 {
        let means = grad.flatten_from(1)?.mean_keepdim(1)?;
        let mut dims = vec![1; grad.rank()];
        dims[0] = grad.dim(0)?;
        grad = grad.broadcast_sub(&means.reshape(dims)?)?;
    }
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
