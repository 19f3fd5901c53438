//! StyleGAN2's losses, gradients and training step against the official PyTorch code, see
//! `golden/sg2/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sg2_cases;

use candle_core::DType;
use sg2_cases::training;
use stylegan_tests::golden::Place;

const DOUBLE: Place = Place::cpu(DType::F64);

#[test]
fn losses_and_all_gradients_f64() {
    training::check_losses(&DOUBLE);
}

#[test]
fn losses_and_all_gradients_f32() {
    training::check_losses(&Place::cpu(DType::F32));
}

#[test]
fn four_steps() {
    training::four_steps(&DOUBLE);
}
