//! The non-saturating logistic loss (Goodfellow et al. 2014) and the R1 penalty (Mescheder et al.
//! 2018), StyleGAN's choice for FFHQ.

use super::squared_gradient_norm;
use candle_core::{Result, Tensor, Var};

/// The generator's loss per sample: `softplus(-D(G(z)))`. Logits `[n, 1]` to `[n]`.
///
/// # Errors
/// When an operation on tensors fails.
pub fn generator(fake_logits: &Tensor) -> Result<Tensor> {
    softplus(&fake_logits.flatten_all()?.neg()?)
}

/// The discriminator's loss per generated sample: `softplus(D(G(z)))`. Logits `[n, 1]` to `[n]`.
///
/// # Errors
/// When an operation on tensors fails.
pub fn discriminator_fake(fake_logits: &Tensor) -> Result<Tensor> {
    softplus(&fake_logits.flatten_all()?)
}

/// The discriminator's loss per real sample: `softplus(-D(x))`. Logits `[n, 1]` to `[n]`.
///
/// # Errors
/// When an operation on tensors fails.
pub fn discriminator_real(real_logits: &Tensor) -> Result<Tensor> {
    softplus(&real_logits.flatten_all()?.neg()?)
}

/// The R1 penalty per real sample: `|∇D(x)|²`, without the factor `gamma / 2`. Logits `[n, 1]` of
/// the pictures `[n, c, h, w]` to `[n]`.
///
/// # Errors
/// When the logits do not depend on the pictures.
pub fn r1(real_logits: &Tensor, real: &Var) -> Result<Tensor> {
    squared_gradient_norm(real_logits, real)
}

/// `ln(1 + e^x)`, exact for large |x|.
fn softplus(x: &Tensor) -> Result<Tensor> {
    x.relu()? + (x.abs()?.neg()?.exp()? + 1.)?.log()?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;
    use stylegan_kernels::autodiff;

    #[test]
    fn values_and_slopes() {
        let x = [-200f64, -30., -1.5, 0., 0.3, 25., 300.];
        let logits = Var::from_slice(&x, (7, 1), &Device::Cpu).unwrap();
        let loss = discriminator_fake(logits.as_tensor()).unwrap();
        let slope = autodiff::grad(&loss, &[logits.as_tensor()], false).unwrap()[0]
            .flatten_all()
            .unwrap()
            .to_vec1::<f64>()
            .unwrap();
        let loss = loss.to_vec1::<f64>().unwrap();
        for i in 0..x.len() {
            let expected = if x[i] > 40. { x[i] } else { x[i].exp().ln_1p() };
            let sigmoid = 1. / (1. + (-x[i]).exp());
            // ln(1 + t) loses t below 2⁻⁵³, an absolute error of 1e-16.
            assert!((loss[i] - expected).abs() < 1e-15 * (1. + expected), "{} {expected}", loss[i]);
            assert!((slope[i] - sigmoid).abs() < 1e-15, "slope at {}: {} {sigmoid}", x[i], slope[i]);
        }
        let mirrored = discriminator_real(&logits.neg().unwrap()).unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(mirrored, loss);
        assert_eq!(generator(&logits.neg().unwrap()).unwrap().to_vec1::<f64>().unwrap(), loss);
    }

    #[test]
    fn penalty_of_a_known_function() {
        // D(x) = Σ x³: |∇D|² = Σ 9x⁴, and its derivative is 36 x³.
        let x = Var::new(&[[1f64, 2.], [0., -1.]], &Device::Cpu).unwrap();
        let logits = (x.as_tensor().sqr().unwrap() * x.as_tensor()).unwrap().sum_keepdim(1).unwrap();
        let penalty = r1(&logits, &x).unwrap();
        assert_eq!(penalty.to_vec1::<f64>().unwrap(), [9. + 144., 9.]);
        let slope = autodiff::backward(&penalty).unwrap().get(&x).unwrap();
        assert_eq!(slope.to_vec2::<f64>().unwrap(), [[36., 288.], [0., -36.]]);
    }
}
