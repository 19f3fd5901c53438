//! The golden case of projection: the network, LPIPS and the official program's trajectory.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use stylegan_core::stylegan2::{StyleGan2Config, Topology};
use stylegan_core::{GeneratorConfig, Model, Params, SynthesisOptions};
use stylegan_metrics::features::{Lpips, Trunk, Weights};
use stylegan_tests::golden::{assert_near, uniforms, values};
use stylegan_train::inversion::{ProjectOptions, Projector, Space, StyleStatistics};

fn tensors(path: &str) -> HashMap<String, Tensor> {
    let path = format!("{}/golden/{path}", env!("CARGO_MANIFEST_DIR"));
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

pub(crate) fn model(device: &Device) -> Model {
    let weights = tensors("projector/sg2ada.weights.safetensors");
    let config = StyleGan2Config {
        img_size: [32, 32],
        z_dim: 32,
        w_dim: 40,
        mapping_layers: 3,
        channel_base: 512,
        channel_max: 24,
        topology: Topology::Skip,
        ..StyleGan2Config::default()
    };
    let params = Params::from_tensors(weights).unwrap().to_device(device).unwrap();
    Model::from_params(GeneratorConfig::StyleGan2(config), params).unwrap()
}

/// LPIPS' VGG16 with weights by formula and the heads of the package, on a device.
pub(crate) fn vgg(device: &Device) -> Lpips {
    let heads = tensors("metrics_lpips_vgg/io.safetensors");
    let heads = (0..5).map(|t| (format!("lin{t}.model.1.weight"), heads[&format!("lin{t}.weight")].clone()));
    let path = format!("{}/golden/metrics_lpips_vgg/tensors.txt", env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(path).unwrap();
    let trunk = list.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let shape: Vec<usize> = words[2..].iter().map(|side| side.parse().unwrap()).collect();
        (format!("net.{}", words[1]), formula(&format!("lpips_vgg/{}", words[1]), &shape))
    });
    let weights = Weights::new("lpips-vgg16", trunk.chain(heads), device).unwrap();
    Lpips::new(Trunk::Vgg16, &weights, device).unwrap()
}

/// Inputs and results.
pub(crate) fn io() -> HashMap<String, Tensor> {
    tensors("projector/sg2ada.io.safetensors")
}

/// The picture `[1, 3, 32, 32]` that is looked for.
pub(crate) fn target(io: &HashMap<String, Tensor>) -> Tensor {
    ((io["in.target_u8"].to_dtype(DType::F32).unwrap() / 127.5).unwrap() - 1.).unwrap().unsqueeze(0).unwrap()
}

fn formula(name: &str, shape: &[usize]) -> Tensor {
    let fan_in: usize = shape.iter().skip(1).product();
    let scale = if shape.len() > 1 { (6. / fan_in as f64).sqrt() } else { 0.1 };
    let values = uniforms(name, shape.iter().product()).map(|u| ((2. * u - 1.) * scale) as f32);
    Tensor::from_vec(values.collect::<Vec<_>>(), shape, &Device::Cpu).unwrap()
}

pub(crate) fn options(space: Space) -> ProjectOptions {
    ProjectOptions { steps: 6, samples: 200, space, ..ProjectOptions::default() }
}

/// f32 against f64: the original's own f32 run loses up to 4e-7 in styles and noise maps.
pub(crate) fn the_official_trajectory(device: &Device) {
    let (io, model, vgg) = (io(), model(device), vgg(device));
    let target = target(&io).to_device(device).unwrap();
    let options = options(Space::W);
    let styles = StyleStatistics::new(&model, options.samples, None).unwrap();
    assert_near("average style", &values(&styles.mean), &values(&io["w_avg"]), 1e-6);
    assert_near("deviation", &[styles.deviation], &values(&io["w_std"]), 1e-6);
    let lrs: Vec<f64> = (0..6).map(|step| options.lr_at(step)).collect();
    assert_near("learning rates", &lrs, &values(&io["lr"]), 1e-12);
    let mut projector = Projector::new(&model, &styles, &vgg, &target, options).unwrap();
    let start: HashMap<_, _> = projector
        .state()
        .into_iter()
        .map(|(name, t)| {
            (
                name.clone(),
                io.get(&format!("in.noise_init.{}", name.trim_start_matches("synthesis."))).unwrap_or(&t).clone(),
            )
        })
        .collect();
    projector.restore(0, |name| Ok(start[name].clone())).unwrap();
    let stored = |field: &str| values(&io[field]);
    for step in 0..6 {
        let noise = io["in.w_noise"].get(step).unwrap().squeeze(0).unwrap().to_device(device).unwrap();
        let report = projector.step_with(&noise).unwrap();
        assert_near(&format!("distance {step}"), &[report.distance], &[stored("dist")[step]], 1e-5);
        assert_near(&format!("pattern {step}"), &[report.pattern], &[stored("reg")[step]], 1e-5);
        let style = projector.rows().unwrap().get(0).unwrap().get(0).unwrap();
        assert_near(&format!("style {step}"), &values(&style), &values(&io["w_after"].get(step).unwrap()), 1e-4);
        let part = match step {
            0 => "noise_after_step0",
            5 => "noise_final",
            _ => continue,
        };
        let maps: Vec<_> = projector.state().into_iter().filter(|(name, _)| name.starts_with("synthesis.")).collect();
        assert_eq!(maps.len(), 7);
        for (name, map) in maps {
            let expected = format!("{part}.{}", name.trim_start_matches("synthesis."));
            assert_near(&expected, &values(&map), &stored(&expected), 1e-4);
        }
    }
    assert!(projector.is_done());
    assert_near("picture", &values(&projector.image().unwrap()), &stored("img_final"), 1e-4);
    let own = model.synthesize(&projector.rows().unwrap(), &SynthesisOptions::default()).unwrap();
    assert_near("picture with the network's noise", &values(&own), &stored("img_final_original_noise"), 1e-4);
}
