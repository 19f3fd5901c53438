//! The golden cases: files, weights, comparisons.

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use stylegan_core::Params;
use stylegan_metrics::features::{Lpips, Trunk, Weights};
use stylegan_tests::golden::{Place, assert_near, uniforms, values};

pub(crate) type Tensors = HashMap<String, Tensor>;

pub(crate) fn load(file: &str) -> Tensors {
    let path = format!("{}/golden/psp/{file}.safetensors", env!("CARGO_MANIFEST_DIR"));
    candle_core::safetensors::load(path, &Device::Cpu).expect(file)
}

/// The tensors of these files of weights together.
pub(crate) fn weights(files: &[&str], place: &Place) -> Params {
    let all = files.iter().flat_map(|file| load(&format!("{file}.weights")));
    Params::from_tensors(all.map(|(name, t)| (name, place.take(&t)))).unwrap()
}

/// Pictures of bytes in [-1, 1].
pub(crate) fn picture(bytes: &Tensor, place: &Place) -> Tensor {
    place.take(&((bytes.to_dtype(DType::F32).unwrap() / 127.5).unwrap() - 1.).unwrap())
}

/// Fails when shapes differ or the difference is longer than `bound` times what is expected.
#[track_caller]
pub(crate) fn close(what: &str, found: &Tensor, expected: &Tensor, bound: f64) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    assert_near(what, &values(found), &values(expected), bound);
}

/// The parameters that `build` asks for, by the formula of `prefix` and their names.
pub(crate) fn by_formula(prefix: &str, place: &Place, build: impl Fn(&Params)) -> Params {
    let params = Params::new(0, place.dtype, &place.device);
    build(&params);
    for (name, var) in params.vars() {
        let shape = var.dims();
        let fan_in: usize = shape.iter().skip(1).product();
        let uniform = uniforms(&format!("{prefix}{name}"), var.elem_count());
        let value = |u: f64| {
            let s = 2. * u - 1.;
            match name.rsplit('.').next() {
                Some("running_var") => 1. + 0.5 * u,
                // Slopes of a PReLU, equalised weights, all others; normalisations.
                Some("weight") if name.ends_with("_layer.2.weight") => 0.25 + 0.1 * s,
                Some("weight") if name.ends_with("linear.weight") => s * 3f64.sqrt(),
                Some("weight") if shape.len() > 1 => s * (6. / fan_in as f64).sqrt(),
                Some("weight") => 1. + 0.2 * s,
                _ => 0.1 * s,
            }
        };
        let values: Vec<f32> = uniform.map(|u| value(u) as f32).collect();
        var.set(&place.take(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap())).unwrap();
    }
    params
}

/// LPIPS of AlexNet with weights by formula and the heads of its own golden case, on a device.
pub(crate) fn alexnet(device: &Device) -> Lpips {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/metrics_lpips_alex");
    let mut tensors = vec![];
    for line in std::fs::read_to_string(format!("{folder}/tensors.txt")).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let shape: Vec<usize> = words[2..].iter().map(|side| side.parse().unwrap()).collect();
        let scale = if words[0] == "bias" { 0.1 } else { (6. / shape[1..].iter().product::<usize>() as f64).sqrt() };
        let signed = uniforms(&format!("lpips_alex/{}", words[1]), shape.iter().product()).map(|u| 2. * u - 1.);
        let values: Vec<f32> = signed.map(|s| (s * scale) as f32).collect();
        tensors.push((format!("net.{}", words[1]), Tensor::from_vec(values, shape, &Device::Cpu).unwrap()));
    }
    let io = candle_core::safetensors::load(format!("{folder}/io.safetensors"), &Device::Cpu).unwrap();
    tensors.extend((0..5).map(|t| (format!("lin{t}.model.1.weight"), io[&format!("lin{t}.weight")].clone())));
    let weights = Weights::new(Trunk::AlexNet.network(), tensors, device).unwrap();
    Lpips::new(Trunk::AlexNet, &weights, device).unwrap()
}
