//! The cross-entropy of classes.

use candle_core::{Result, Tensor};

/// `ln Σ exp s - s[class]` per sample `[n]`, of scores and one-hot classes `[n, classes]`.
///
/// # Errors
/// When shapes differ.
pub fn cross_entropy(scores: &Tensor, classes: &Tensor) -> Result<Tensor> {
    log_sum_exp(scores)?.squeeze(1)? - (scores * classes)?.sum(1)?
}

/// `ln Σ exp` of scores `[n, classes, …]` over the classes, `[n, 1, …]`.
///
/// # Errors
/// When an operation on tensors fails.
pub fn log_sum_exp(scores: &Tensor) -> Result<Tensor> {
    let most = scores.max_keepdim(1)?.detach();
    scores.broadcast_sub(&most)?.exp()?.sum_keepdim(1)?.log()? + most
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use stylegan_kernels::autodiff;

    /// Its slope is the softmax less the class, also where scores are large.
    #[test]
    fn values_and_slopes() {
        let scores = Var::new(&[[0f64, 0.], [900., 898.]], &Device::Cpu).unwrap();
        let classes = Tensor::new(&[[1f64, 0.], [0., 1.]], &Device::Cpu).unwrap();
        let loss = cross_entropy(&scores, &classes).unwrap();
        let slope = autodiff::backward(&loss.sum_all().unwrap()).unwrap().get(&scores).unwrap();
        let share = 1. / (1. + (-2f64).exp());
        let (found, slope) = (loss.to_vec1::<f64>().unwrap(), slope.to_vec2::<f64>().unwrap().concat());
        let expected = [2f64.ln(), 2. - share.ln(), -0.5, 0.5, share, -share];
        for (found, expected) in found.into_iter().chain(slope).zip(expected) {
            // Sums near 900 are exact to 1e-13.
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}
