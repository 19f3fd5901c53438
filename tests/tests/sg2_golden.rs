//! StyleGAN2(-ADA) networks against the official PyTorch code, see `golden/sg2/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sg2_cases;

use candle_core::DType;
use sg2_cases::networks;
use stylegan_tests::golden::{Place, with_each_instruction_set};

const SINGLE: Place = Place::cpu(DType::F32);
const PLACES: [Place; 2] = [Place::cpu(DType::F64), SINGLE];

fn check_generator(case: &str) {
    PLACES.iter().for_each(|place| networks::check_generator(case, place));
}

fn check_discriminator(case: &str) {
    PLACES.iter().for_each(|place| networks::check_discriminator(case, place));
}

#[test]
fn generator_skip() {
    with_each_instruction_set(|| check_generator("g_skip"));
}

#[test]
fn generator_conditional() {
    check_generator("g_skip_cond");
}

#[test]
fn generator_resnet() {
    check_generator("g_resnet");
}

#[test]
fn generator_orig() {
    check_generator("g_orig");
}

#[test]
fn generator_clamped() {
    check_generator("g_skip_clamp");
}

#[test]
fn mapping_with_all_widths_different() {
    networks::mapping_with_all_widths_different(&SINGLE);
}

#[test]
fn discriminator_resnet() {
    with_each_instruction_set(|| check_discriminator("d_resnet"));
}

#[test]
fn discriminator_conditional() {
    check_discriminator("d_resnet_cond");
}

#[test]
fn discriminator_skip() {
    check_discriminator("d_skip");
}

#[test]
fn discriminator_orig_clamped() {
    check_discriminator("d_orig_clamp");
}
