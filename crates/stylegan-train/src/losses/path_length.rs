//! Path length regularisation (StyleGAN2, section 3.2 and appendix B).
//!
//! A step in W of fixed size should change the picture by a fixed amount: the penalty is
//! `(|J_w^T y|_2 - a)^2`, where `J_w` is the Jacobian of the synthesis network, `y` a picture of
//! normal noise and `a` the running mean of the lengths `|J_w^T y|_2`. `J_w^T y` is the gradient of
//! `sum(g(w) y)` with respect to w.

use crate::Result;
use candle_core::{D, Tensor, Var};
use stylegan_core::{Generator, SynthesisOptions};
use stylegan_kernels::autodiff;

/// What one evaluation of the regulariser gives.
pub struct PathLength {
    /// The length of each sample, `[n]`, differentiable with respect to the generator's parameters.
    pub lengths: Tensor,
    /// The penalty of each sample, `[n]`, not weighted.
    pub penalty: Tensor,
    /// The running mean of the lengths after this batch, a scalar. The penalty's gradient flows
    /// through it, as in the official code; store its value for the next batch.
    pub mean: Tensor,
}

/// Path lengths of the styles `ws` `[n, num_ws, w_dim]` of `generator`. `noise` is a picture of
/// standard normal noise per sample, `[n, img_channels, h, w]`; `mean` the running mean so far (0
/// at the start of training) and `decay` how far it moves to this batch's mean, 0.01.
///
/// # Errors
/// When `noise` is no picture of the generator's, or tensor operations fail.
pub fn path_length(
    generator: &dyn Generator,
    ws: &Tensor,
    noise: &Tensor,
    options: &SynthesisOptions,
    mean: f64,
    decay: f64,
) -> Result<PathLength> {
    // Styles are intermediate values; a variable of zeros beside them receives their gradient.
    let delta = Var::zeros(ws.shape(), ws.dtype(), ws.device())?;
    let images = generator.synthesis(&(ws + delta.as_tensor())?, options)?;
    let (_, _, h, w) = images.dims4()?;
    let projection = ((images * noise)?.sum_all()? * (1. / ((h * w) as f64).sqrt()))?;
    let jacobian = autodiff::grad(&projection, &[&delta], true)?.remove(0);
    let lengths = jacobian.sqr()?.sum(D::Minus1)?.mean(D::Minus1)?.sqrt()?;
    let mean = ((lengths.mean_all()? * decay)? + mean * (1. - decay))?;
    let penalty = lengths.broadcast_sub(&mean)?.sqr()?;
    Ok(PathLength { lengths, penalty, mean })
}
