//! SPADE and pix2pixHD against the original code, see `golden/spade/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cases;
mod files;
mod losses;
mod networks;
mod preprocess;
mod sizes;
mod training;
mod vgg;

use candle_core::DType;
use stylegan_tests::golden::{Place, with_each_instruction_set};

const DOUBLE: Place = Place::cpu(DType::F64);
const SINGLE: Place = Place::cpu(DType::F32);
const BOTH: [Place; 2] = [DOUBLE, SINGLE];

#[test]
fn generator() {
    with_each_instruction_set(|| BOTH.iter().for_each(networks::generator));
}

#[test]
fn generators_with_other_normalisations_and_sizes() {
    BOTH.iter().for_each(networks::generators_with_other_normalisations_and_sizes);
}

#[test]
fn image_encoder() {
    BOTH.iter().for_each(networks::image_encoder);
}

#[test]
fn multiscale_discriminator() {
    BOTH.iter().for_each(networks::multiscale_discriminator);
}

#[test]
fn pix2pixhd_of_the_spade_repository() {
    BOTH.iter().for_each(networks::pix2pixhd_of_the_spade_repository);
}

#[test]
fn pix2pixhd_of_nvidia() {
    BOTH.iter().for_each(networks::pix2pixhd_of_nvidia);
}

#[test]
fn the_discriminators_step_under_every_loss() {
    losses::the_discriminators_step_under_every_loss(&SINGLE);
}

#[test]
fn the_generators_step() {
    losses::the_generators_step(&SINGLE);
}

#[test]
fn what_the_generator_gains_from_its_pictures() {
    losses::what_the_generator_gains_from_its_pictures(&SINGLE);
}

#[test]
fn three_steps_of_training() {
    training::three_steps(&DOUBLE);
}
