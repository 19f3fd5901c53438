//! Ranger: rectified Adam (Liu et al. 2020) on centralised gradients (Yong et al. 2020), with Lookahead (Zhang et al.
//! 2019).

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
    let same = |other: &Tensor| other.dims() == weight.dims() && other.dtype() == weight.dtype();
    if ![grad, m.as_tensor(), v.as_tensor(), slow.as_tensor()].into_iter().all(same) {
        candle_core::bail!(
            "ranger_step: weight {:?}, gradient {:?}, moments {:?} and {:?}, slow weights {:?}; expected one shape and type",
            weight.dims(),
            grad.dims(),
            m.dims(),
            v.dims(),
            slow.dims()
        )
    }
    let RangerOptions { beta1, beta2, eps, .. } = options;
    let mut grad = grad.detach();
    if grad.rank() > 1 {
        let means = grad.flatten_from(1)?.mean_keepdim(1)?;
        let mut dims = vec![1; grad.rank()];
        dims[0] = grad.dim(0)?;
        grad = grad.broadcast_sub(&means.reshape(dims)?)?;
    }
    v.set(&((v.as_detached_tensor() * beta2)? + (grad.sqr()? * (1. - beta2))?)?)?;
    m.set(&((m.as_detached_tensor() * beta1)? + (grad * (1. - beta1))?)?)?;
    let (factor, divided) = options.factor(step);
    let mut change = (m.as_detached_tensor() * factor)?;
    if divided {
        change = (change / (v.as_detached_tensor().sqrt()? + eps)?)?;
    }
    let mut moved = (weight.as_detached_tensor() - change)?;
    if step.is_multiple_of(options.lookahead.max(1)) {
        let old = slow.as_detached_tensor();
        moved = (&old + ((moved - &old)? * options.pull)?)?;
        slow.set(&moved)?;
    }
    weight.set(&moved)
}
