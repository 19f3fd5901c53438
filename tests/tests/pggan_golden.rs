//! PGGAN against genforce, and first and second derivatives of its losses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod pggan_cases;

use candle_core::DType;
use stylegan_tests::golden::{Place, with_each_instruction_set};

const PLACES: [Place; 2] = [Place::cpu(DType::F32), Place::cpu(DType::F64)];

fn check_generator(name: &str) {
    PLACES.iter().for_each(|place| pggan_cases::check_generator(name, place));
}

fn check_discriminator(name: &str, pictures: &str) {
    PLACES.iter().for_each(|place| pggan_cases::check_discriminator(name, pictures, place));
}

#[test]
fn generator_64() {
    with_each_instruction_set(|| check_generator("pggan_g64"));
}

#[test]
fn generator_32_fused() {
    check_generator("pggan_g32_fused");
}

#[test]
fn generator_32_conditional() {
    check_generator("pggan_g32_cond");
}

#[test]
fn discriminator_64_groups_of_4() {
    check_discriminator("pggan_d64_group4", "sg1_d64");
}

#[test]
fn discriminator_64_groups_of_16() {
    check_discriminator("pggan_d64_group16", "sg1_d64");
}

#[test]
fn discriminator_32_fused_with_classes() {
    check_discriminator("pggan_d32_fused", "pggan_d32_fused");
}

#[test]
fn wasserstein_loss_with_gradient_penalty() {
    PLACES.iter().for_each(pggan_cases::wasserstein_loss_with_gradient_penalty);
}

#[test]
fn wasserstein_loss_of_the_generator() {
    PLACES.iter().for_each(pggan_cases::wasserstein_loss_of_the_generator);
}

#[test]
fn logistic_loss_with_r1() {
    PLACES.iter().for_each(pggan_cases::logistic_loss_with_r1);
}
