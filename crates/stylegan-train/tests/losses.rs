//! Losses against the values of the golden case `pggan/losses`: logits, gradient norms and losses
//! printed by an f64 run of PGGAN's WGAN-GP and of StyleGAN's logistic loss with R1 (PyTorch,
//! 4 samples of 16x16 pixels, random weights). Data only, no code.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor, Var};
use stylegan_train::losses::{logistic, squared_gradient_norm, wgan_gp};

const FAKE_LOGITS: [f64; 4] = [-1.5427085151826487, -1.298605900232236, -1.3873023849288382, -1.2858834021850964];
const REAL_LOGITS: [f64; 4] = [-0.33528586618554945, -0.5207989056036183, -0.29626313416545363, -0.309022670426389];
const MIXED_NORMS: [f64; 4] = [0.19035939438364605, 0.19516578479953345, 0.18839914718753767, 0.19011706302041131];
const PENALTIES: [f64; 4] = [6.5551791026281645, 6.477581139573509, 6.58695944285916, 6.559103716106844];
const LOSS_G: f64 = 1.3786250506322046;
const LOSS_D: f64 = 5.531565172496878;
const SG1_LOGITS: [f64; 4] = [-0.23657879925976485, -0.198776012013694, -0.2803049918451044, -0.26008163129221096];
const SG1_R1: [f64; 4] = [0.00116337245072521, 0.005322450219996015, 0.0027747400461389177, 0.0072824195270614015];
const SG1_LOSS_REAL: f64 = 0.8433265308142659;

fn column(values: &[f64; 4]) -> Tensor {
    Tensor::from_slice(values, (4, 1), &Device::Cpu).unwrap()
}

fn values(tensor: candle_core::Result<Tensor>) -> Vec<f64> {
    tensor.unwrap().to_vec1().unwrap()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Pictures of one pixel, and logits whose gradient there has the given norm.
fn linear(norms: &[f64; 4]) -> (Var, Tensor) {
    let pixels = Var::from_tensor(&column(&[0.3; 4]).reshape((4, 1, 1, 1)).unwrap()).unwrap();
    let logits = (pixels.as_tensor().reshape((4, 1)).unwrap() * column(norms)).unwrap();
    (pixels, logits)
}

// The formulas are exact in f64 up to rounding, and the golden values carry all their digits.
const TOLERANCE: f64 = 1e-14;

#[test]
fn wgan_gp_with_drift() {
    assert!((mean(&values(wgan_gp::generator(&column(&FAKE_LOGITS)))) - LOSS_G).abs() < TOLERANCE);
    let (pixels, logits) = linear(&MIXED_NORMS);
    let penalties = values(wgan_gp::gradient_penalty(&logits, &pixels, 1.));
    for (penalty, expected) in penalties.iter().zip(PENALTIES) {
        // The 1e-16 under the root moves a norm of 0.2 by 3e-16, the penalty by 4e-15.
        assert!((10. * penalty - expected).abs() < 2e-14, "{} {expected}", 10. * penalty);
    }
    let fake = values(wgan_gp::critic_fake(&column(&FAKE_LOGITS)));
    let real = values(wgan_gp::critic_real(&column(&REAL_LOGITS), 0.001));
    let total = mean(&fake) + mean(&real) + 10. * mean(&penalties);
    assert!((total - LOSS_D).abs() < 2e-14, "{total}");
}

#[test]
fn logistic_with_r1() {
    let (pixels, logits) = linear(&SG1_R1.map(f64::sqrt));
    let r1 = values(logistic::r1(&logits, &pixels));
    assert_eq!(values(squared_gradient_norm(&logits, &pixels)), r1);
    let loss = mean(&values(logistic::discriminator_real(&column(&SG1_LOGITS)))) + 10. / 2. * mean(&r1);
    assert!((loss - SG1_LOSS_REAL).abs() < TOLERANCE, "{loss}");
}
