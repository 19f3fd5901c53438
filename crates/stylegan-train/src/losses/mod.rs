//! What generator and discriminator are trained towards.
//!
//! All functions but those of [`scales`] and of classes take logits `[n, 1]` (high for real), and all return one value per
//! sample `[n]`, so that shards can be summed and divided by the size of the whole batch. Penalties differentiate
//! the logits with respect to pictures, which must be variables.

mod cross_entropy;
pub mod logistic;
pub mod path_length;
pub mod scales;
pub mod wgan_gp;

pub use cross_entropy::{cross_entropy, log_sum_exp};

use candle_core::{Result, Tensor, Var};
use stylegan_kernels::autodiff;

/// `|∂ Σ logits / ∂ pictures|²` per sample `[n]`, differentiable once more. `logits` `[n, 1]` must
/// have been computed from `pictures` `[n, c, h, w]`, each from its own picture.
///
/// # Errors
/// When the logits do not depend on the pictures.
pub fn squared_gradient_norm(logits: &Tensor, pictures: &Var) -> Result<Tensor> {
    let gradients = autodiff::grad(&logits.sum_all()?, &[pictures.as_tensor()], true)?;
    match gradients.first() {
        Some(gradient) => gradient.sqr()?.flatten_from(1)?.sum(1),
        None => candle_core::bail!("squared_gradient_norm: no gradient was returned"),
    }
}
