//! pixel2style2pixel against the original code, see `golden/psp/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cases;
mod encoders;
mod files;
mod inputs;
mod losses;
mod ranger;
mod restyle;
mod training;

use candle_core::DType;
use stylegan_tests::golden::{Place, with_each_instruction_set};

const DOUBLE: Place = Place::cpu(DType::F64);
const SINGLE: Place = Place::cpu(DType::F32);

#[test]
fn encoders_of_one_vector() {
    with_each_instruction_set(|| [DOUBLE, SINGLE].iter().for_each(encoders::one_vector));
}

#[test]
fn faces() {
    [DOUBLE, SINGLE].iter().for_each(encoders::faces);
}

#[test]
fn gradients_of_the_losses() {
    losses::gradients(&DOUBLE);
}

#[test]
fn rangers_trajectory() {
    ranger::trajectory(&SINGLE);
}

#[test]
fn the_optimiser_of_training_resumes_on_rangers_trajectory() {
    ranger::the_optimiser_of_training_resumes_on_the_trajectory(&SINGLE);
}

#[test]
fn three_steps_of_training() {
    training::three_steps(&DOUBLE);
}
