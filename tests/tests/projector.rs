//! Projection against the official program, see `golden/projector/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod projector_cases;

use candle_core::Device;
use projector_cases::*;
use std::collections::HashMap;
use stylegan_tests::golden::values;
use stylegan_train::inversion::{Projector, Space, StyleStatistics};

#[test]
fn the_official_trajectory() {
    projector_cases::the_official_trajectory(&Device::Cpu);
}

/// A search that was interrupted ends in the same bytes; in W+ rows part from each other.
#[test]
fn interrupted_and_gone_on_with() {
    let (target, model, vgg) = (target(&io()), model(&Device::Cpu), vgg(&Device::Cpu));
    let styles = StyleStatistics::new(&model, 200, None).unwrap();
    let start = || Projector::new(&model, &styles, &vgg, &target, options(Space::WPlus)).unwrap();
    let (mut whole, mut first, mut second) = (start(), start(), start());
    for _ in 0..4 {
        whole.step().unwrap();
    }
    first.step().unwrap();
    first.step().unwrap();
    let state: HashMap<_, _> = first.state().into_iter().collect();
    second.restore(2, |name| Ok(state[name].clone())).unwrap();
    second.step().unwrap();
    second.step().unwrap();
    let (a, b) = (values(&whole.rows().unwrap()), values(&second.rows().unwrap()));
    assert_eq!(a, b);
    assert_ne!(a[..40], a[40..80]);
}
