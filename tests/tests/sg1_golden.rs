//! StyleGAN1 against genforce, which mirrors the official TensorFlow code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sg1_cases;

use candle_core::{DType, Tensor, Var};
use sg1_cases::*;
use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1Generator};
use stylegan_core::{Condition, Discriminator, Generator, NoiseMode, Params, SynthesisOptions, broadcast_ws};
use stylegan_kernels::autodiff;
use stylegan_tests::golden::{Case, Place, assert_close, with_each_instruction_set};

const DOUBLE: Place = Place::cpu(DType::F64);
const PLACES: [Place; 2] = [Place::cpu(DType::F32), DOUBLE];

#[test]
fn generator_64() {
    with_each_instruction_set(|| PLACES.iter().for_each(|place| check_generator("sg1_g64", place)));
}

#[test]
fn generator_64_fused() {
    PLACES.iter().for_each(|place| check_generator("sg1_g64_fused", place));
}

#[test]
fn generator_32_conditional() {
    PLACES.iter().for_each(|place| check_generator("sg1_g32_cond", place));
}

#[test]
fn discriminator_64() {
    PLACES.iter().for_each(|place| check_discriminator("sg1_d64", place));
}

#[test]
fn discriminator_64_fused() {
    PLACES.iter().for_each(|place| check_discriminator("sg1_d64_fused", place));
}

#[test]
fn discriminator_64_conditional() {
    PLACES.iter().for_each(|place| check_discriminator("sg1_d64_cond", place));
}

/// Working at the current resolution must not change what training sees: the logits of G's native
/// pictures and their gradient are those of the way up to full size and down again. Repeating and
/// averaging pixels is exact up to rounding: 1e-10 in f64.
#[test]
fn native_size_equals_full_size_in_training() {
    let (g_case, d_case) = (Case::load("sg1_g64"), Case::load("sg1_d64"));
    let (g, d) = (generator(&g_case, &DOUBLE), discriminator(&d_case, &DOUBLE));
    for lod in [0., 0.5, 2., 2.75] {
        let mut results = Vec::new();
        for native_size in [false, true] {
            let ws = Var::from_tensor(&g_case.io("wp", &DOUBLE)).unwrap();
            let options = SynthesisOptions { lod, native_size, noise: NoiseMode::None, ..SynthesisOptions::default() };
            let img = g.synthesis(&ws, &options).unwrap();
            let logits = d.logits(&img, Condition::None, lod).unwrap();
            let grad = autodiff::backward(&logits).unwrap().get(&ws).unwrap();
            results.push((logits, grad));
        }
        let [full, native] = results.try_into().unwrap_or_else(|_| unreachable!());
        assert_close(&format!("logits at lod {lod}"), &native.0, &full.0, 1e-10);
        assert_close(&format!("gradient at lod {lod}"), &native.1, &full.1, 1e-10);
    }
}

/// Parameters of layers that a level of detail leaves out get no gradient.
#[test]
fn unused_layers_get_no_gradient() {
    let config = StyleGan1Config {
        img_size: [16, 16],
        z_dim: 4,
        w_dim: 4,
        mapping_layers: 1,
        channel_max: 4,
        ..StyleGan1Config::default()
    };
    let params = Params::new(0, DType::F64, &candle_core::Device::Cpu);
    let g = StyleGan1Generator::new(&config, params.trainable()).unwrap();
    let z = Tensor::ones((1, 4), DType::F64, &candle_core::Device::Cpu).unwrap();
    let ws = broadcast_ws(&g.mapping(&z, Condition::None).unwrap(), g.spec().num_ws).unwrap();
    let img = g.synthesis(&ws, &SynthesisOptions { lod: 0.5, ..SynthesisOptions::default() }).unwrap();
    let grads = autodiff::backward(&img.sqr().unwrap()).unwrap();
    for (name, var) in params.parameters() {
        let used = name != "synthesis.b4.torgb.weight" && name != "synthesis.b4.torgb.bias";
        assert_eq!(grads.get(&var).is_some(), used, "{name}");
    }
    let img = g.synthesis(&ws, &SynthesisOptions { lod: 2., ..SynthesisOptions::default() }).unwrap();
    let grads = autodiff::backward(&img.sqr().unwrap()).unwrap();
    for (name, var) in params.parameters() {
        let used = name.starts_with("mapping.") || name.starts_with("synthesis.b4.");
        assert_eq!(grads.get(&var).is_some(), used, "{name}");
    }
}
