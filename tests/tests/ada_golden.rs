//! Adaptive discriminator augmentation against recorded results of the original program.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ada_cases;

use ada_cases::*;
use candle_core::{DType, Device, Tensor, Var};
use stylegan_kernels::autodiff::{backward, grad};
use stylegan_tests::golden::{Place, assert_close, values};
use stylegan_train::augment::{AugmentConfig, Augmentation, Controller};

/// What is compared is the formula and not the rounding.
const DOUBLE: Place = Place::cpu(DType::F64);

#[test]
fn every_augmentation_at_given_percentiles() {
    percentiles(&DOUBLE);
}

#[test]
fn recorded_draws_of_whole_pipes() {
    pipes(&DOUBLE);
}

#[test]
fn second_order_by_finite_differences() {
    let recorded = Recorded::open("ada_augment", "draws.safetensors");
    let all = info("ada_augment", "draws.json")["pipes"]["bgcfnc"].clone();
    let augmentation = Augmentation::new(&config(&all), 0.9, &numbers(&recorded, "bgcfnc", 3), [3, 8, 6]);
    let image = |name: &str| recorded.get(name).narrow(2, 3, 8).unwrap().narrow(3, 5, 6).unwrap().contiguous().unwrap();
    let x = Var::from_tensor(&image("in.bgcfnc.x")).unwrap();
    // R1 of a small network behind the augmentation, with respect to images before it.
    let penalty = || {
        let seen = augmentation.apply(&x).unwrap();
        let logits = (seen.tanh().unwrap() * image("in.bgcfnc.gy")).unwrap().sqr().unwrap().sum_all().unwrap();
        grad(&logits, &[x.as_tensor()], true).unwrap()[0].sqr().unwrap().sum_all().unwrap()
    };
    let slope = values(&backward(&penalty()).unwrap().get(&x).unwrap());
    let base = values(&x);
    let step = 1e-5;
    for i in (0..base.len()).step_by(17) {
        let at = |delta: f64| {
            let mut moved = base.clone();
            moved[i] += delta;
            x.set(&Tensor::from_vec(moved, x.dims(), &Device::Cpu).unwrap()).unwrap();
            penalty().to_scalar::<f64>().unwrap()
        };
        let expected = (at(step) - at(-step)) / (2. * step);
        let size = slope.iter().fold(1f64, |a, b| a.max(b.abs()));
        assert!((slope[i] - expected).abs() < 1e-7 * size, "{i}: {} {expected}", slope[i]);
    }
}

#[test]
fn p_follows_the_recorded_trajectory() {
    let recorded = Recorded::open("ada_controller", "tensors.safetensors");
    for (name, settings) in info("ada_controller", "cases.json")["settings"].as_object().unwrap() {
        let number = |key: &str| settings[key].as_f64().unwrap();
        let config = AugmentConfig {
            target: number("ada_target"),
            kimg: number("ada_kimg"),
            interval: number("ada_interval") as usize,
            ..Default::default()
        };
        let get = |kind: &str| recorded.get(&format!("{name}.{kind}"));
        let logits: Vec<Vec<f64>> = get("logits").to_vec2().unwrap();
        let means = values(&get("mean_at_update"));
        let mut controller = Controller::starting_at(number("p_initial"));
        for (step, ((logits, count), p)) in logits.iter().zip(values(&get("count"))).zip(values(&get("p"))).enumerate()
        {
            let seen = &logits[..count as usize];
            let signs = seen.iter().map(|&logit| if logit == 0. { 0. } else { logit.signum() }).sum();
            controller.observe(signs, seen.len() as f64);
            controller.end_step(&config, number("batch_size") as usize);
            // The original's p is an f32.
            assert!((controller.p() - p).abs() < 1e-6, "{name} {step}: {} {p}", controller.p());
            if (step + 1) % config.interval == 0 {
                let mean = means[(step + 1) / config.interval - 1];
                assert!((controller.overfitting().unwrap() - mean).abs() < 1e-6, "{name} {step}");
            }
        }
        let highest = values(&get("p")).into_iter().fold(f64::MIN, f64::max);
        assert!(highest > number("p_initial"), "{name} never rose");
    }
}

#[test]
fn work_in_f32_is_that_in_f64() {
    let recorded = Recorded::open("ada_augment", "draws.safetensors");
    let all = info("ada_augment", "draws.json")["pipes"]["bgcfnc"].clone();
    let x = recorded.get("in.bgcfnc.x");
    let augmentation = Augmentation::new(&config(&all), 0.9, &numbers(&recorded, "bgcfnc", 3), shape(&x));
    let short = augmentation.apply(&x.to_dtype(DType::F32).unwrap()).unwrap();
    assert_eq!(short.dtype(), DType::F32);
    // Positions are found in f64, so only sums of f32 remain.
    assert_close("f32", &short, &augmentation.apply(&x).unwrap(), 2e-5);
}
