//! What keeps an encoder's latents near the standard normal distribution.

use candle_core::{Result, Tensor};

/// The Kullback-Leibler divergence of normal distributions of these means and logarithms of variances
/// `[n, z_dim]` from the standard one, per sample `[n]`: `-½ Σ (1 + log σ² - μ² - σ²)` (Kingma and Welling
/// 2014, appendix B; Park et al. 2019, appendix A).
///
/// SPADE's code adds the samples of a device up instead of taking their mean.
///
/// # Errors
/// When the shapes differ.
pub fn kl_divergence(mean: &Tensor, log_variance: &Tensor) -> Result<Tensor> {
    ((log_variance + 1.)? - mean.sqr()? - log_variance.exp()?)?.sum(1)? * -0.5
}
