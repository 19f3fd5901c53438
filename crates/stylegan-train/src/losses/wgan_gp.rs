//! The Wasserstein loss with gradient penalty (Gulrajani et al. 2017) and PGGAN's drift term
//! (Karras et al. 2018, appendix A.1).

use super::squared_gradient_norm;
use candle_core::{Result, Tensor, Var};

/// The generator's loss per sample: `-D(G(z))`. Logits `[n, 1]` to `[n]`.
///
/// # Errors
/// When an operation on tensors fails.
pub fn generator(fake_logits: &Tensor) -> Result<Tensor> {
    fake_logits.flatten_all()?.neg()
}

/// The critic's loss per generated sample: `D(G(z))`. Logits `[n, 1]` to `[n]`.
///
/// # Errors
/// When an operation on tensors fails.
pub fn critic_fake(fake_logits: &Tensor) -> Result<Tensor> {
    fake_logits.flatten_all()
}

/// The critic's loss per real sample: `-D(x) + drift · D(x)²`. Logits `[n, 1]` to `[n]`.
///
/// # Errors
/// When an operation on tensors fails.
pub fn critic_real(real_logits: &Tensor, drift: f64) -> Result<Tensor> {
    let logits = real_logits.flatten_all()?;
    (logits.sqr()? * drift)? - logits
}

/// A random point between each real and generated picture `[n, c, h, w]`: `real + t (fake - real)`
/// with one `t` in [0, 1) per sample (a tensor `[n, 1, 1, 1]`).
///
/// # Errors
/// When shapes do not fit.
pub fn mixed(real: &Tensor, fake: &Tensor, t: &Tensor) -> Result<Var> {
    Var::from_tensor(&(real + (fake - real)?.broadcast_mul(t)?)?.detach())
}

/// The gradient penalty per sample: `(|∇D(x̂)| - target)² / target²` at the mixed pictures, without
/// the factor `lambda`. Logits `[n, 1]` to `[n]`.
///
/// # Errors
/// When the logits do not depend on the pictures.
pub fn gradient_penalty(mixed_logits: &Tensor, mixed: &Var, target: f64) -> Result<Tensor> {
    // The root has no derivative at 0; the offset is far below what f32 sees beside a norm near 1.
    let norm = (squared_gradient_norm(mixed_logits, mixed)? + 1e-16)?.sqrt()?;
    (norm - target)?.sqr()? / (target * target)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;
    use stylegan_kernels::autodiff;

    #[test]
    fn losses() {
        let logits = Tensor::new(&[[2f64], [-3.]], &Device::Cpu).unwrap();
        let values = |t: Result<Tensor>| t.unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(values(generator(&logits)), [-2., 3.]);
        assert_eq!(values(critic_fake(&logits)), [2., -3.]);
        assert_eq!(values(critic_real(&logits, 0.5)), [0., 7.5]);
    }

    #[test]
    fn penalty_of_a_known_function() {
        // D(x) = Σ x²: |∇D| = 2|x|; with x = (3, 4) the norm is 10, with target 5 the penalty is 1,
        // its derivative 2 (10 - 5) / 25 · 2 x / |x|.
        let real = Tensor::new(&[[[[3f64, 4.]]]], &Device::Cpu).unwrap();
        let t = Tensor::new(&[[[[0f64]]]], &Device::Cpu).unwrap();
        let x = mixed(&real, &real.neg().unwrap(), &t).unwrap();
        let logits = x.as_tensor().sqr().unwrap().flatten_from(1).unwrap().sum_keepdim(1).unwrap();
        let penalty = gradient_penalty(&logits, &x, 5.).unwrap();
        let slope = autodiff::backward(&penalty).unwrap().get(&x).unwrap().flatten_all().unwrap();
        // Exact up to f64 rounding and the 1e-16 under the root.
        assert!((penalty.to_vec1::<f64>().unwrap()[0] - 1.).abs() < 1e-14);
        for (found, expected) in slope.to_vec1::<f64>().unwrap().into_iter().zip([0.48, 0.64]) {
            assert!((found - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn mixing_is_per_sample() {
        let real = Tensor::zeros((2, 1, 1, 2), candle_core::DType::F64, &Device::Cpu).unwrap();
        let fake = real.ones_like().unwrap();
        let t = Tensor::new(&[0.25f64, 1.], &Device::Cpu).unwrap().reshape((2, 1, 1, 1)).unwrap();
        let mixed = mixed(&real, &fake, &t).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(mixed, [0.25, 0.25, 1., 1.]);
    }
}
