//! The operations against recorded results of the original implementation: values, gradients and
//! second derivatives.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use candle_core::{DType, Device, Tensor, Var};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use stylegan_kernels::autodiff::{backward, grad};
use stylegan_kernels::cpu_info::InstructionSet;
use stylegan_kernels::modulate::Resample;
use stylegan_kernels::*;
use support::{flat, largest_difference};

/// What an operation is checked with: f64, where what is compared is the formula and not the rounding, and f32 with each
/// instruction set, and on a GPU with the feature `cuda` (docs/cuda.md).
fn kernels(check: impl Fn(DType, &Device)) {
    check(DType::F64, &Device::Cpu);
    for set in InstructionSet::all() {
        println!("f32, {}", set.name());
        set.run(|| check(DType::F32, &Device::Cpu));
    }
    #[cfg(feature = "cuda")]
    {
        let gpu = stylegan_kernels::cuda::gpu::open(0).unwrap();
        println!("f32, {}", gpu.name);
        check(DType::F32, &gpu.device);
    }
}

struct Golden {
    info: Value,
    tensors: HashMap<String, Tensor>,
    /// What is computed with, and compared in.
    dtype: DType,
    /// Where it is computed.
    device: Device,
}

impl Golden {
    fn open(name: &str, dtype: DType, device: &Device) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name);
        let info = serde_json::from_str(&std::fs::read_to_string(folder.join("cases.json")).unwrap()).unwrap();
        let tensors = candle_core::safetensors::load(folder.join("tensors.safetensors"), &Device::Cpu).unwrap();
        Self { info, tensors, dtype, device: device.clone() }
    }

    fn cases(&self) -> &[Value] {
        self.info["cases"].as_array().unwrap()
    }

    fn get(&self, name: &str) -> Tensor {
        self.tensors[name].to_dtype(self.dtype).unwrap().to_device(&self.device).unwrap()
    }

    fn var(&self, name: &str) -> Var {
        Var::from_tensor(&self.get(name)).unwrap()
    }
}

/// Largest difference over the largest expected magnitude.
fn error(actual: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(actual.dims(), expected.dims());
    let expected = flat(expected);
    largest_difference(actual, &expected) / expected.iter().fold(1e-6f64, |size, x| size.max(x.abs()))
}

#[test]
fn nothing_is_near_to_what_is_no_number() {
    let [found, expected] = [f64::NAN, 2.].map(|middle| Tensor::new(&[1., middle, 3.], &Device::Cpu).unwrap());
    for (found, expected) in [(&found, &expected), (&expected, &found)] {
        assert_eq!(error(found, expected), f64::INFINITY);
        assert_eq!(support::error(found, &flat(expected)), f64::INFINITY);
    }
}

/// Recorded in f32: rounding of the recorded numbers and of their few hundred summands.
const F32: f64 = 3e-6;
/// Recorded in f64 from the f32 inputs that we start from.
const F64: f64 = 1e-12;
/// Computed in f32: some operations one after the other, each of up to a few hundred summands.
const SINGLE: f64 = 3e-5;

#[track_caller]
fn close(what: &str, actual: &Tensor, expected: &Tensor, tolerance: f64) {
    let [actual, expected] = [actual, expected].map(|t| t.to_device(&Device::Cpu).unwrap());
    let tolerance = if actual.dtype() == DType::F32 { tolerance.max(SINGLE) } else { tolerance };
    let e = error(&actual, &expected);
    assert!(e < tolerance, "{what}: off by {e:e}, tolerance {tolerance:e}");
}

fn number(value: &Value, default: f64) -> f64 {
    value.as_f64().unwrap_or(default)
}

/// A number or a pair as `[x, y]`.
fn pair(value: &Value, default: usize) -> [usize; 2] {
    match value {
        Value::Array(v) => [v[0].as_u64().unwrap() as usize, v[1].as_u64().unwrap() as usize],
        v => [v.as_u64().map_or(default, |v| v as usize); 2],
    }
}

/// A number, `[x, y]` or `[x0, x1, y0, y1]`.
fn padding(value: &Value) -> [i64; 4] {
    let at = |v: &[Value], i: usize| v[i].as_i64().unwrap();
    match value {
        Value::Array(v) if v.len() == 4 => [0, 1, 2, 3].map(|i| at(v, i)),
        Value::Array(v) => [0, 0, 1, 1].map(|i| at(v, i)),
        v => [v.as_i64().unwrap_or(0); 4],
    }
}

fn filter(golden: &Golden, name: &str) -> Filter {
    if name == "none" {
        return Filter::new(&[1.], 1, 1).unwrap();
    }
    let t = golden.get(name).to_device(&Device::Cpu).unwrap();
    let taps: Vec<f64> = t.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    match t.dims() {
        [n] => {
            let square: Vec<f64> = taps.iter().flat_map(|a| taps.iter().map(move |b| a * b)).collect();
            Filter::new(&square, *n, *n).unwrap()
        }
        [h, w] => Filter::new(&taps, *h, *w).unwrap(),
        other => panic!("filter of shape {other:?}"),
    }
}

#[test]
fn upfirdn2d_matches() {
    kernels(check_upfirdn2d);
}

fn check_upfirdn2d(dtype: DType, device: &Device) {
    let golden = Golden::open("ops_upfirdn2d", dtype, device);
    for case in golden.cases() {
        let id = case["id"].as_str().unwrap();
        let name = case["filter"].as_str().unwrap();
        let f = filter(&golden, &if name == "none" { name.into() } else { format!("filter.{name}") });
        let x = golden.var(case["x"].as_str().unwrap());
        let ([ux, uy], [dx, dy]) = (pair(&case["up"], 1), pair(&case["down"], 1));
        let (gain, flip) = (number(&case["gain"], 1.), case["flip_filter"].as_bool().unwrap_or(false));
        let [px0, px1, py0, py1] = padding(&case["padding"]);
        let (fh, fw) = f.size();
        let (fh, fw) = (fh as i64, fw as i64);
        let default = case["padding"].is_null() && !flip && gain == 1.;
        let y = match case["op"].as_str().unwrap() {
            "upsample2d" if default && ux == 2 => upsample2d(&x, &f, 1.).unwrap(),
            "downsample2d" if default => downsample2d(&x, &f, 1.).unwrap(),
            "filter2d" => filter2d(&x, &f, 1.).unwrap(),
            op => {
                let (u, d) = (ux as i64, dx as i64);
                let (extra, gain) = match op {
                    "upsample2d" => {
                        ([(fw + u - 1) / 2, (fw - u) / 2, (fh + u - 1) / 2, (fh - u) / 2], gain * (u * u) as f64)
                    }
                    "downsample2d" => ([(fw - d + 1) / 2, (fw - d) / 2, (fh - d + 1) / 2, (fh - d) / 2], gain),
                    _ => ([0; 4], gain),
                };
                let p = [px0 + extra[0], px1 + extra[1], py0 + extra[2], py1 + extra[3]];
                upfirdn2d(&x, &f, [ux, uy], [dx, dy], p, flip, gain).unwrap()
            }
        };
        // The original multiplies its f32 filter by the gain, which rounds unless that is a power of 2.
        let exact = [1., 2., 4., 16.].contains(&gain);
        close(&format!("{id} y"), &y, &golden.get(&format!("{id}.y_f64")), if exact { F64 } else { 2e-7 });
        let g = backward(&(y * golden.get(&format!("{id}.gy"))).unwrap()).unwrap();
        close(&format!("{id} dx"), &g.get(&x).unwrap(), &golden.get(&format!("{id}.g0")), F32);
    }
}

#[test]
fn filters_are_prepared_alike() {
    let golden = Golden::open("ops_setup_filter", DType::F64, &Device::Cpu);
    for case in golden.cases() {
        let id = case["id"].as_str().unwrap();
        let numbers = |v: &Value| v.as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect::<Vec<_>>();
        let raw = match &case["f"] {
            Value::Null => Filter::new(&[1.], 1, 1).unwrap(),
            Value::Array(rows) if rows[0].is_array() => {
                let taps: Vec<f64> = rows.iter().flat_map(numbers).collect();
                Filter::new(&taps, rows.len(), taps.len() / rows.len()).unwrap()
            }
            taps => {
                let taps = numbers(taps);
                let square: Vec<f64> = taps.iter().flat_map(|a| taps.iter().map(move |b| a * b)).collect();
                Filter::new(&square, taps.len(), taps.len()).unwrap()
            }
        };
        let sum = if case["normalize"] == Value::Bool(false) { 1. } else { raw.taps().iter().sum() };
        let normal = raw.scaled(1. / sum);
        let turned = if case["flip_filter"] == Value::Bool(true) { normal.flipped() } else { normal };
        let done = turned.scaled(number(&case["gain"], 1.));
        let expected = filter(&golden, id);
        assert_eq!(done.size(), expected.size());
        for (a, b) in done.taps().iter().zip(expected.taps()) {
            assert!((a - b).abs() < 1e-6, "{id}: {a} for {b}");
        }
    }
}

#[test]
fn bias_act_matches() {
    kernels(check_bias_act);
}

fn check_bias_act(dtype: DType, device: &Device) {
    let golden = Golden::open("ops_bias_act", dtype, device);
    for case in golden.cases() {
        let id = case["id"].as_str().unwrap();
        let act = activation(case);
        let default = golden.info["defaults"][case["act"].as_str().unwrap()]["def_gain"].as_f64().unwrap();
        assert!((act.default_gain() - default).abs() < 1e-15);
        let (x, b) = (golden.var(case["x"].as_str().unwrap()), golden.var("b"));
        let has_bias = case["b"].as_bool().unwrap();
        let y = bias_act(
            &x,
            has_bias.then_some(b.as_tensor()),
            BiasAct { act, gain: number(&case["gain"], default), clamp: case["clamp"].as_f64() },
        );
        let y = y.unwrap();
        close(&format!("{id} y"), &y, &golden.get(&format!("{id}.y_f64")), F64);
        let g = backward(&(y * golden.get(&format!("{id}.gy"))).unwrap()).unwrap();
        close(&format!("{id} dx"), &g.get(&x).unwrap(), &golden.get(&format!("{id}.g0")), F32);
        if has_bias {
            close(&format!("{id} db"), &g.get(&b).unwrap(), &golden.get(&format!("{id}.g1")), F32);
        }
    }
}

fn activation(case: &Value) -> Activation {
    match case["act"].as_str().unwrap() {
        "linear" => Activation::Linear,
        "relu" => Activation::Relu,
        "lrelu" => case["alpha"].as_f64().map_or(Activation::Lrelu, Activation::Leaky),
        "tanh" => Activation::Tanh,
        "sigmoid" => Activation::Sigmoid,
        "elu" => Activation::Elu,
        "selu" => Activation::Selu,
        "softplus" => Activation::Softplus,
        "swish" => Activation::Swish,
        other => panic!("activation {other}"),
    }
}

#[test]
fn bias_act_second_order_matches() {
    kernels(check_bias_act_twice);
}

fn check_bias_act_twice(dtype: DType, device: &Device) {
    let golden = Golden::open("ops_bias_act", dtype, device);
    for name in ["elu", "lrelu", "selu", "sigmoid", "softplus", "swish", "tanh"] {
        let act = activation(&serde_json::json!({ "act": name }));
        let (x, b, gy) = (golden.var("x"), golden.get("b"), golden.var("gg.gy"));
        let y = bias_act(&x, Some(&b), BiasAct { act, gain: act.default_gain(), clamp: None }).unwrap();
        let gx = grad(&(y * gy.as_tensor()).unwrap(), &[&x], true).unwrap().remove(0);
        close(&format!("{name} gx"), &gx, &golden.get(&format!("gg.{name}.gx")), F32);
        let s = gx.sqr().unwrap().sum_all().unwrap();
        close(&format!("{name} s"), &s, &golden.get(&format!("gg.{name}.s")), F32);
        let g = backward(&s).unwrap();
        close(&format!("{name} d_gy"), &g.get(&gy).unwrap(), &golden.get(&format!("gg.{name}.d_gy")), F32);
        let d_x = g.get(&x).unwrap_or_else(|| x.zeros_like().unwrap());
        close(&format!("{name} d_x"), &d_x, &golden.get(&format!("gg.{name}.d_x")), F32);
    }
}

fn resample<'a>(case: &Value, filter: &'a Filter) -> Resample<'a> {
    Resample {
        up: pair(&case["up"], 1)[0],
        down: pair(&case["down"], 1)[0],
        padding: padding(&case["padding"]),
        filter: Some(filter),
        flip_filter: case["flip_filter"].as_bool().unwrap_or(false),
        flip_weight: case["flip_weight"].as_bool().unwrap_or(true),
    }
}

#[test]
fn conv2d_resample_matches() {
    kernels(check_conv2d_resample);
}

fn check_conv2d_resample(dtype: DType, device: &Device) {
    let golden = Golden::open("ops_conv2d_resample", dtype, device);
    for case in golden.cases() {
        let id = case["id"].as_str().unwrap();
        let f = filter(&golden, case["f"].as_str().unwrap());
        let (x, w) = (golden.var("x"), golden.var(case["w"].as_str().unwrap()));
        let options = resample(case, &f);
        // Groups are convolutions side by side.
        let groups = case["groups"].as_u64().unwrap_or(1) as usize;
        let (xs, ws) = (x.chunk(groups, 1).unwrap(), w.chunk(groups, 0).unwrap());
        let ys: Vec<Tensor> = xs.iter().zip(&ws).map(|(x, w)| conv2d_resample(x, w, 1., &options).unwrap()).collect();
        let y = Tensor::cat(&ys, 1).unwrap();
        close(&format!("{id} y"), &y, &golden.get(&format!("{id}.y_f64")), F64);
        let g = backward(&(y * golden.get(&format!("{id}.gy"))).unwrap()).unwrap();
        close(&format!("{id} dx"), &g.get(&x).unwrap(), &golden.get(&format!("{id}.g0")), F32);
        close(&format!("{id} dw"), &g.get(&w).unwrap(), &golden.get(&format!("{id}.g1")), F32);
    }
}

#[test]
fn modulated_conv2d_matches_twice() {
    kernels(check_modulated_conv2d_twice);
}

fn check_modulated_conv2d_twice(dtype: DType, device: &Device) {
    let golden = Golden::open("ops_modulated_conv2d", dtype, device);
    for case in golden.cases() {
        let id = case["id"].as_str().unwrap();
        let f = filter(&golden, "f1331");
        let (x, w, s) = (golden.var("x"), golden.var(case["w"].as_str().unwrap()), golden.var("s"));
        let noise = case["noise"].as_str().map(|name| golden.get(name));
        let demodulate = case["demodulate"].as_bool().unwrap_or(true);
        let y = modulated_conv2d(&x, &w, &s, demodulate, &resample(case, &f)).unwrap();
        let y = noise.map_or(Ok(y.clone()), |noise| y.broadcast_add(&noise)).unwrap();
        close(&format!("{id} y"), &y, &golden.get(&format!("{id}.y_f64")), F64);
        let weighted = (y * golden.get(&format!("{id}.gy"))).unwrap();
        let g = backward(&weighted).unwrap();
        for (x, name) in [(&x, "g0"), (&w, "g1"), (&s, "g2")] {
            close(&format!("{id} {name}"), &g.get(x).unwrap(), &golden.get(&format!("{id}.{name}")), F32);
        }
        let gs = grad(&weighted, &[&x, &s], true).unwrap();
        let penalty = (gs[0].sqr().unwrap().sum_all().unwrap() + gs[1].sqr().unwrap().sum_all().unwrap()).unwrap();
        close(&format!("{id} S"), &penalty, &golden.get(&format!("{id}.S")), F32);
        let g = backward(&penalty).unwrap();
        for (x, name) in [(&x, "dS_x"), (&w, "dS_w"), (&s, "dS_s")] {
            close(&format!("{id} {name}"), &g.get(x).unwrap(), &golden.get(&format!("{id}.{name}")), F32);
        }
    }
}
