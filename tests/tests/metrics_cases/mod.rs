//! Cases of Inception, VGG16, LPIPS and ArcFace, with weights by formula, on any device.
#![allow(dead_code, unreachable_pub)]

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use stylegan_metrics::features::{
    ArcFace, FeatureNetwork, HedVgg16, Inception, Lpips, PerceptualDistance, Preparation, Trunk, Vgg16, Weights,
};
use stylegan_tests::golden::{assert_close, max_abs, uniforms};

pub type Outcome = Result<(), Box<dyn Error>>;

/// The golden case's folder.
pub fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("golden/metrics_{name}"))
}

/// Inputs and outputs of the golden case.
pub fn case(name: &str) -> Result<HashMap<String, Tensor>, Box<dyn Error>> {
    Ok(candle_core::safetensors::load(folder(name).join("io.safetensors"), &Device::Cpu)?)
}

/// Values of tensor `name`: the kind says what becomes of its [`uniforms`].
pub fn formula(name: &str, shape: &[usize], kind: &str) -> Result<Tensor, Box<dyn Error>> {
    let fan_in: usize = shape.iter().skip(1).product();
    let fan_in_last: usize = shape.iter().rev().skip(1).product();
    let count: usize = shape.iter().product();
    let values: Vec<f32> = uniforms(name, count)
        .map(|u| {
            let s = 2. * u - 1.;
            let value = match kind {
                "weight" => s * (6. / fan_in as f64).sqrt(),
                // Outputs last.
                "kernel" => s * (6. / fan_in_last as f64).sqrt(),
                "bn_weight" => 1. + 0.2 * s,
                "bias" | "running_mean" => 0.1 * s,
                "running_var" => 1. + 0.5 * u,
                _ => f64::NAN,
            };
            value as f32
        })
        .collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// The tensors that the case lists, by the formula of `prefix` and their names, renamed by `rename`, on a device.
pub fn weights(
    case: &str,
    network: &str,
    prefix: &str,
    rename: impl Fn(&str) -> String,
    more: Vec<(String, Tensor)>,
    device: &Device,
) -> Result<Weights, Box<dyn Error>> {
    let renamed = tensors(case, prefix)?.into_iter().map(|(name, tensor)| (rename(&name), tensor));
    Ok(Weights::new(network, renamed.chain(more), device)?)
}

/// The tensors that the case lists.
pub fn tensors(case: &str, prefix: &str) -> Result<Vec<(String, Tensor)>, Box<dyn Error>> {
    let mut tensors = vec![];
    for line in std::fs::read_to_string(folder(case).join("tensors.txt"))?.lines() {
        let mut words = line.split(' ');
        let (kind, name) = (words.next().ok_or("kind")?, words.next().ok_or("name")?);
        let shape = words.map(str::parse).collect::<Result<Vec<usize>, _>>()?;
        tensors.push((name.to_owned(), formula(&format!("{prefix}/{name}"), &shape, kind)?));
    }
    Ok(tensors)
}

/// Fails if `found` differs from `expected` by more than `tolerance` of the largest expected value.
#[track_caller]
pub fn close(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) -> Outcome {
    assert_close(what, found, expected, tolerance * max_abs(expected));
    Ok(())
}

/// f32 on both sides, 94 layers: 2e-5 of the largest feature.
pub fn inception_of_pytorch_fid(device: &Device) -> Outcome {
    let io = case("inception_pytorch_fid")?;
    let weights = weights("inception_pytorch_fid", "inception", "inception", str::to_owned, vec![], device)?;
    let network = Inception::new(&weights, Preparation::PytorchFid, device)?;
    assert_eq!(network.name(), "inception-pytorch-fid");
    let zero_to_one = |name: &str| (&io[name] * 2.)? - 1.;
    let found = network.activations(&zero_to_one("x64")?)?;
    for (i, stem) in found.stem.iter().enumerate() {
        close("stem", &stem.narrow(0, 0, 1)?, &io[&format!("block{i}_x64_sample0_meanhw")], 1e-5)?;
    }
    close("features", &found.features, &io["feat_x64"], 2e-5)?;
    close("features at 299", &network.features(&zero_to_one("x299_corner")?)?, &io["feat_x299"], 2e-5)
}

pub fn inception_of_torch_fidelity(device: &Device) -> Outcome {
    let io = case("inception_torch_fidelity")?;
    let weights = weights("inception_torch_fidelity", "inception", "tfid", str::to_owned, vec![], device)?;
    let network = Inception::new(&weights, Preparation::TensorFlow1, device)?;
    assert_eq!(network.name(), "inception-2015-12-05");
    let x = ((io["x_u8"].to_dtype(DType::F32)? / 127.5)? - 1.)?;
    let found = network.activations(&x)?;
    for (stem, name) in found.stem.iter().zip(["f_64", "f_192", "f_768"]) {
        close(name, stem, &io[name], 1e-5)?;
    }
    close("features", &found.features, &io["f_2048"], 2e-5)?;
    close("logits", &network.logits(&found.features, true)?, &io["f_logits"], 2e-5)?;
    close("logits without bias", &network.logits(&found.features, false)?, &io["f_logits_unbiased"], 2e-5)
}

pub fn lpips(trunk: Trunk, name: &str, device: &Device) -> Outcome {
    let io = case(name)?;
    let heads = (0..io.len())
        .filter_map(|t| Some((format!("lin{t}.model.1.weight"), io.get(&format!("lin{t}.weight"))?.clone())));
    let weights = weights(name, trunk.network(), name, |n| format!("net.{n}"), heads.collect(), device)?;
    let network = Lpips::new(trunk, &weights, device)?;
    for (t, tap) in network.taps(&io["a"])?.iter().enumerate() {
        close("tap", &tap.mean((2, 3))?, &io[&format!("feat{t}_mean_c")], 1e-5)?;
    }
    // Distances square small differences of f32 activations.
    close("distance", &network.distance(&io["a"], &io["b"])?, &io["dist"], 2e-5)
}

/// 16 layers of f32 on both sides: 1e-5 of the largest feature. Gives the pictures and the features.
pub fn vgg16(device: &Device) -> Result<(Tensor, Tensor), Box<dyn Error>> {
    let io = case("vgg16")?;
    let network = Vgg16::new(&weights("vgg16", "vgg16", "vgg16", str::to_owned, vec![], device)?, device)?;
    let x = ((io["x_u8"].to_dtype(DType::F32)? / 127.5)? - 1.)?;
    let features = network.features(&x)?;
    close("features", &features, &io["fc2_relu"], 1e-5)?;
    Ok((x, features))
}

/// Against the same layers in PyTorch, f64; sides that do not divide.
pub fn hed(device: &Device) -> Outcome {
    let io = case("hed")?;
    let network = HedVgg16::new(&weights("hed", "hed", "hed", str::to_owned, vec![], device)?, device)?;
    for (t, tap) in network.taps(&io["a"])?.iter().enumerate() {
        close("tap", &tap.mean((2, 3))?, &io[&format!("tap{t}")], 1e-5)?;
    }
    close("features", &network.features(&io["a"])?, &io["tap4"], 1e-5)
}

/// Against the same layers in PyTorch, f64: 24 residual units, vectors of unit length.
pub fn arcface(device: &Device) -> Outcome {
    let io = case("arcface")?;
    let network = ArcFace::new(&weights("arcface", "arcface", "arcface", str::to_owned, vec![], device)?, device)?;
    close("features", &network.features(&io["a"])?, &io["features"], 2e-5)
}
