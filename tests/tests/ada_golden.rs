//! Adaptive discriminator augmentation against recorded results of the original program.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor, Var};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use stylegan_kernels::autodiff::{backward, grad};
use stylegan_tests::golden::{assert_close, values};
use stylegan_train::augment::{AugmentConfig, Augmentation, Controller, Gated, Numbers};

fn folder(case: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(case)
}

fn info(case: &str, file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder(case).join(file)).unwrap()).unwrap()
}

/// Recorded tensors, in f64.
struct Recorded(HashMap<String, Tensor>);

impl Recorded {
    fn open(case: &str, file: &str) -> Self {
        Self(candle_core::safetensors::load(folder(case).join(file), &Device::Cpu).unwrap())
    }

    fn get(&self, name: &str) -> Tensor {
        self.0[name].to_dtype(DType::F64).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Everything with the given multiples of p, and nothing else.
fn config(multiples: &Value) -> AugmentConfig {
    let names = [
        "xflip",
        "rotate90",
        "xint",
        "scale",
        "rotate",
        "aniso",
        "xfrac",
        "brightness",
        "contrast",
        "lumaflip",
        "hue",
        "saturation",
        "imgfilter",
        "noise",
        "cutout",
    ];
    let mut table: serde_json::Map<String, Value> = names.iter().map(|&name| (name.to_owned(), json!(0.))).collect();
    table.insert("pipe".to_owned(), json!("bgcfnc"));
    table.extend(multiples.as_object().unwrap().clone());
    serde_json::from_value(Value::Object(table)).unwrap()
}

fn shape(x: &Tensor) -> [usize; 3] {
    x.dims()[1..].try_into().unwrap()
}

/// The gradient of `sum(y gy)`.
fn pulled_back(augmentation: &Augmentation, x: &Tensor, gy: &Tensor) -> Tensor {
    let x = Var::from_tensor(x).unwrap();
    let y = augmentation.apply(&x).unwrap();
    backward(&(y * gy).unwrap().sum_all().unwrap()).unwrap().get(&x).unwrap()
}

/// The inverse of erf on (-1, 1), by bisection.
fn erfinv(y: f64) -> f64 {
    let erf = |x: f64| {
        let steps = 20_000;
        let h = x / f64::from(steps);
        let density = |i: i32| (-(f64::from(i) * h).powi(2)).exp();
        // Simpson's rule.
        let inner: f64 = (1..steps).map(|i| density(i) * if i % 2 == 1 { 4. } else { 2. }).sum();
        (density(0) + inner + density(steps)) * h / 3. * 2. / std::f64::consts::PI.sqrt()
    };
    let (mut low, mut high) = (-3., 3.);
    for _ in 0..50 {
        let middle = (low + high) / 2.;
        if erf(middle) < y { low = middle } else { high = middle }
    }
    (low + high) / 2.
}

/// The numbers of all images set to one percentile, as the original's debugging mode has it.
fn at_percentile(percentile: f64) -> Numbers {
    let uniform = Gated { value: percentile, gate: 0. };
    let normal = Gated { value: erfinv(2. * percentile - 1.), gate: 0. };
    let both = |one: Gated| Gated { value: [one.value; 2], gate: 0. };
    Numbers {
        xflip: uniform,
        rotate90: uniform,
        xint: both(uniform),
        scale: normal,
        rotate_before: uniform,
        aniso: normal,
        rotate_after: Gated { value: 0.5, gate: 0. },
        xfrac: both(normal),
        brightness: normal,
        contrast: normal,
        lumaflip: uniform,
        hue: uniform,
        saturation: normal,
        imgfilter: [normal; 4],
        noise: normal,
        cutout: both(uniform),
    }
}

/// Recorded in f32, whose positions of up to 100 samples are good to 6e-6 of one; gradients sum several.
const F32: f64 = 1e-5;
const F32_GRADIENT: f64 = 1e-4;

#[test]
fn every_augmentation_at_given_percentiles() {
    let recorded = Recorded::open("ada_augment", "percentiles.safetensors");
    let x = recorded.get("x");
    for case in info("ada_augment", "percentiles.json")["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let numbers = at_percentile(case["debug_percentile"].as_f64().unwrap());
        let augmentation =
            Augmentation::new(&config(&case["kwargs"]), 1., &[numbers.clone(), numbers.clone(), numbers], shape(&x));
        assert_close(&format!("{id} {}", case["kwargs"]), &augmentation.apply(&x).unwrap(), &recorded.get(id), F32);
        if id == "y15" {
            assert_close(
                "gx_bgc",
                &pulled_back(&augmentation, &x, &recorded.get("gy")),
                &recorded.get("gx_bgc"),
                F32_GRADIENT,
            );
        }
    }
}

#[test]
fn grey_images() {
    let recorded = Recorded::open("ada_augment", "percentiles.safetensors");
    let grey = recorded.get("x_gray");
    let all = json!({"brightness": 1, "contrast": 1, "lumaflip": 1, "hue": 1, "saturation": 1});
    let numbers = at_percentile(0.6);
    let augmentation = Augmentation::new(&config(&all), 1., &[numbers.clone(), numbers], shape(&grey));
    assert_close("grey", &augmentation.apply(&grey).unwrap(), &recorded.get("y_gray_color"), F32);
}

/// The recorded numbers of set `set` of a pipe, one per image.
fn numbers(recorded: &Recorded, pipe: &str, set: usize) -> Vec<Numbers> {
    let read = |name: &str, image: usize| -> Vec<f64> {
        let key = format!("in.{pipe}.draw.{name}");
        // What a pipe does not draw must not count either: its gate never opens.
        if !recorded.has(&key) {
            return vec![2.; 2];
        }
        values(&recorded.get(&key).get(set).unwrap().get(image).unwrap())
    };
    let one = |name: &str, value: &str, image| Gated {
        value: read(&format!("{name}.{value}"), image)[0],
        gate: read(&format!("{name}.gate"), image)[0],
    };
    let two = |name: &str, value: &str, image| {
        let value = read(&format!("{name}.{value}"), image);
        Gated { value: [value[0], value[1]], gate: read(&format!("{name}.gate"), image)[0] }
    };
    let of_image = |i| Numbers {
        xflip: one("xflip", "i", i),
        rotate90: one("rotate90", "i", i),
        xint: two("xint", "t", i),
        scale: one("scale", "s", i),
        rotate_before: one("rotate_pre", "theta", i),
        aniso: one("aniso", "s", i),
        rotate_after: one("rotate_post", "theta", i),
        xfrac: two("xfrac", "t", i),
        brightness: one("brightness", "b", i),
        contrast: one("contrast", "c", i),
        lumaflip: one("lumaflip", "i", i),
        hue: one("hue", "theta", i),
        saturation: one("saturation", "s", i),
        imgfilter: [0, 1, 2, 3].map(|band| one(&format!("imgfilter{band}"), "t", i)),
        noise: one("noise", "sigma", i),
        cutout: two("cutout", "center", i),
    };
    (0..2).map(of_image).collect()
}

#[test]
fn recorded_draws_of_whole_pipes() {
    let recorded = Recorded::open("ada_augment", "draws.safetensors");
    let info = info("ada_augment", "draws.json");
    let p = info["p"].as_f64().unwrap();
    for pipe in ["bg", "bgc", "bgcfnc"] {
        let (x, gy) = (recorded.get(&format!("in.{pipe}.x")), recorded.get(&format!("in.{pipe}.gy")));
        let config = config(&info["pipes"][pipe]);
        for set in 0..info["draw_sets"].as_u64().unwrap() as usize {
            let mut augmentation = Augmentation::new(&config, p, &numbers(&recorded, pipe, set), shape(&x));
            let noise = format!("in.{pipe}.draw.noise.image");
            if recorded.has(&noise) {
                augmentation = augmentation.with_noise(recorded.get(&noise).get(set).unwrap());
            }
            let result = |kind: &str| recorded.get(&format!("{pipe}.{kind}")).get(set).unwrap();
            // The recorded f32 runs lose 4.5e-5 and 1.2e-4 against f64 (`draws.json`); that images of the
            // original's batches share their margins and ours do not is below that.
            assert_close(&format!("{pipe} {set}"), &augmentation.apply(&x).unwrap(), &result("y"), 1e-4);
            assert_close(&format!("{pipe} {set}: gx"), &pulled_back(&augmentation, &x, &gy), &result("gx"), 3e-4);
        }
    }
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
