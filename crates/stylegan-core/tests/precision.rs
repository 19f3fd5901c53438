//! Pictures in reduced precision against those of f32. The numbers of a run:
//! `cargo test --package stylegan-core --test precision -- --nocapture`.
#![allow(missing_docs, clippy::unwrap_used)]

use candle_core::{DType, Device, Tensor};
use serde_json::Value;
use stylegan_core::latent::StreamKey;
use stylegan_core::layers::{FusedScale, NormKind, SemanticMap};
use stylegan_core::pggan::PgganConfig;
use stylegan_core::pix2pixhd::Pix2PixHdConfig;
use stylegan_core::spade::SpadeConfig;
use stylegan_core::stylegan1::StyleGan1Config;
use stylegan_core::stylegan2::StyleGan2Config;
use stylegan_core::{
    Condition, Generator, GeneratorConfig, Model, PackedWeights, Params, Precision, SynthesisOptions, build_generator,
};
use stylegan_kernels::Labels;
use stylegan_kernels::autodiff::backward;

/// What pictures in [-1, 1] are to keep of those of f32, in dB: 75 is a mean error of a 22nd of a level of 8 bits, 40 one of
/// two and a half levels.
fn bound(precision: Precision) -> f64 {
    if precision == Precision::Bf16x3 { 75. } else { 40. }
}

/// Peak signal to noise ratio of each image against the same one of f32, in dB; minus infinity of what is no number, which
/// `min` passes over.
fn psnr(images: &Tensor, exact: &Tensor) -> Vec<f64> {
    let squares = (images - exact).unwrap().sqr().unwrap().flatten_from(1).unwrap().mean(1).unwrap();
    let ratio = |mse: f32| if mse.is_nan() { f64::NEG_INFINITY } else { 10. * (4. / f64::from(mse)).log10() };
    squares.to_vec1::<f32>().unwrap().into_iter().map(ratio).collect()
}

#[test]
fn images_without_numbers_keep_nothing() {
    let exact = Tensor::zeros((2, 3, 2, 2), DType::F32, &Device::Cpu).unwrap();
    let nan = Tensor::full(f32::NAN, (1, 3, 2, 2), &Device::Cpu).unwrap();
    let images = Tensor::cat(&[&exact.narrow(0, 0, 1).unwrap(), &nan], 0).unwrap();
    assert_eq!(psnr(&images, &exact), [f64::INFINITY, f64::NEG_INFINITY]);
}

/// A network of the official StyleGAN2 code, see `tests/golden/sg2/README.md`.
fn golden(case: &str) -> Model {
    let file = |ending: &str| format!("{}/../../tests/golden/sg2/{case}.{ending}", env!("CARGO_MANIFEST_DIR"));
    let json: Value = serde_json::from_str(&std::fs::read_to_string(file("json")).unwrap()).unwrap();
    let (arguments, synthesis) = (&json["kwargs"], &json["kwargs"]["synthesis_kwargs"]);
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    let config = StyleGan2Config {
        img_size: [number(&arguments["img_resolution"]); 2],
        z_dim: number(&arguments["z_dim"]),
        c_dim: number(&arguments["c_dim"]),
        w_dim: number(&arguments["w_dim"]),
        mapping_layers: number(&arguments["mapping_kwargs"]["num_layers"]),
        topology: serde_json::from_value(synthesis["architecture"].clone()).unwrap(),
        channel_base: number(&synthesis["channel_base"]),
        channel_max: number(&synthesis["channel_max"]),
        ..StyleGan2Config::default()
    };
    let weights = candle_core::safetensors::load(file("weights.safetensors"), &Device::Cpu).unwrap();
    Model::from_params(GeneratorConfig::StyleGan2(config), Params::from_tensors(weights).unwrap()).unwrap()
}

/// Images of one style each (W), and of one style for each layer (W+).
#[test]
fn golden_networks_keep_their_pictures() {
    for case in ["g_skip", "g_resnet", "g_skip_cond"] {
        let model = golden(case);
        let seeds: Vec<u32> = (0..8).collect();
        let label = model.labels(0, seeds.len()).unwrap();
        let w = model.styles(&model.latents(&seeds).unwrap(), label.as_ref()).unwrap();
        let rows: Vec<Tensor> = (0..w.dim(1).unwrap())
            .map(|row| Tensor::cat(&[&w, &w], 0).unwrap().narrow(0, row % 8, 8).unwrap().narrow(1, row, 1).unwrap())
            .collect();
        let w_plus = Tensor::cat(&rows, 1).unwrap();
        for (space, ws) in [("W", w), ("W+", w_plus)] {
            let exact = model.synthesize(&ws, &SynthesisOptions::default()).unwrap();
            for precision in [Precision::Bf16x3, Precision::Bf16] {
                let options = SynthesisOptions { precision, ..SynthesisOptions::default() };
                let psnr = psnr(&model.synthesize(&ws, &options).unwrap(), &exact);
                let worst = psnr.iter().copied().fold(f64::INFINITY, f64::min);
                let mean = psnr.iter().sum::<f64>() / psnr.len() as f64;
                println!("{case} {space} {precision}: {mean:.1} dB in the mean, {worst:.1} dB at worst");
                assert!(worst >= bound(precision), "{case} {space} {precision}: {psnr:.1?}");
            }
        }
    }
}

/// Networks of every kind, wide enough for tiles, with random weights.
fn networks() -> Vec<(&'static str, GeneratorConfig)> {
    let (channel_base, channel_max) = (1024, 32);
    let stylegan1 =
        StyleGan1Config { img_size: [32, 32], z_dim: 16, w_dim: 16, channel_base, channel_max, ..Default::default() };
    let fused = StyleGan1Config { fused_scale: FusedScale::Always, ..stylegan1.clone() };
    let stylegan2 =
        StyleGan2Config { img_size: [32, 48], z_dim: 16, w_dim: 16, channel_base, channel_max, ..Default::default() };
    let pggan = PgganConfig { img_size: [32, 32], z_dim: 16, channel_base, channel_max, ..Default::default() };
    let spade = SpadeConfig {
        img_size: [64, 64],
        classes: 5,
        edges: false,
        z_dim: 16,
        channels: 16,
        hidden: 32,
        // Spectral norms of random weights are far off until some steps have been trained.
        norm: NormKind::Instance,
        spectral: false,
        ..SpadeConfig::default()
    };
    let pix2pixhd = Pix2PixHdConfig {
        img_size: [32, 64],
        classes: 5,
        edges: false,
        channels: 16,
        downsamplings: 2,
        blocks: 2,
        ..Pix2PixHdConfig::default()
    };
    vec![
        ("StyleGAN", GeneratorConfig::StyleGan1(stylegan1)),
        ("StyleGAN, fused", GeneratorConfig::StyleGan1(fused)),
        ("StyleGAN2", GeneratorConfig::StyleGan2(stylegan2)),
        ("PGGAN", GeneratorConfig::Pggan(pggan)),
        ("SPADE", GeneratorConfig::Spade(spade)),
        ("pix2pixHD", GeneratorConfig::Pix2PixHd(pix2pixhd)),
    ]
}

/// A model with random weights, its style rows of two samples, and its maps.
fn random(config: &GeneratorConfig) -> (Model, Tensor, Option<SemanticMap>) {
    let params = Params::new(7, DType::F32, &Device::Cpu);
    build_generator(config, params.trainable()).unwrap();
    let model = Model::from_params(config.clone(), params).unwrap();
    let spec = *model.generator().spec();
    let map = config.map().map(|map| {
        let [h, w] = spec.img_size;
        let key = StreamKey::new(3, "test maps", 0);
        let classes: Vec<u32> =
            (0..2 * h * w).map(|i| (key.stream(i as u64 / 11, 0).below(map.classes as u64)) as u32).collect();
        let classes = Tensor::from_vec(classes, (2, 1, h, w), &Device::Cpu).unwrap();
        SemanticMap::from(Labels::new(&classes, None, map.classes).unwrap())
    });
    let ws = match spec.z_dim {
        0 => Tensor::zeros((2, 0, 0), DType::F32, &Device::Cpu).unwrap(),
        width => {
            let key = StreamKey::new(1, "test", 0);
            let z = key.normal_rows(&[0, 1], 0, &[width], DType::F32, &Device::Cpu).unwrap();
            model.styles(&z, None).unwrap()
        }
    };
    (model, ws, map)
}

/// No network is left in f32, none falls below the bounds, and keeping packed weights changes nothing.
#[test]
fn every_network_paints_in_every_precision() {
    for (name, config) in networks() {
        let (model, ws, map) = random(&config);
        let condition = map.as_ref().map_or(Condition::None, Condition::Map);
        let plain = SynthesisOptions { condition, ..SynthesisOptions::default() };
        let values = |images: &Tensor| images.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let exact = model.synthesize(&ws, &plain).unwrap();
        // Random networks' images are not as large as pictures.
        let peak = f64::from(exact.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap());
        for precision in [Precision::Bf16x3, Precision::Bf16] {
            let kept = PackedWeights::default();
            let options = SynthesisOptions { precision, ..plain.clone() };
            let images = model.synthesize(&ws, &options).unwrap();
            let [found, expected] = [&images, &exact].map(|images| (images / peak).unwrap());
            let worst = psnr(&found, &expected).into_iter().fold(f64::INFINITY, f64::min);
            println!("{name} {precision}: {worst:.1} dB at worst");
            assert!(worst >= bound(precision) && worst < 140., "{name} {precision}: {worst} dB");
            let options = SynthesisOptions { packed: Some(&kept), ..options };
            for _ in 0..2 {
                assert!(values(&model.synthesize(&ws, &options).unwrap()) == values(&images), "{name} {precision}");
            }
        }
        let model = model.in_precision(Precision::Bf16);
        let options = SynthesisOptions { precision: Precision::Bf16x3, ..plain.clone() };
        let [coarse, fine] = [&plain, &options].map(|options| model.synthesize(&ws, options).unwrap());
        assert_ne!(values(&coarse), values(&fine), "{name}");
    }
}

/// Without a place to keep packed weights, a frozen network follows its parameters as in f32.
#[test]
fn weights_that_change_are_packed_anew() {
    let (params, _, frozen, ws) = trained_and_frozen();
    let options = SynthesisOptions { precision: Precision::Bf16, ..SynthesisOptions::default() };
    let paint = || frozen.synthesis(&ws, &options).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let before = paint();
    assert_eq!(paint(), before);
    let weight = params.get("synthesis.b16.conv1.weight").unwrap();
    weight.set(&weight.as_tensor().neg().unwrap()).unwrap();
    assert_ne!(paint(), before);
}

/// What is kept serves pictures alone: a network in training paints the same, and its gradients are near those of f32.
#[test]
fn a_network_in_training_paints_the_same_and_has_gradients() {
    let (params, trained, frozen, ws) = trained_and_frozen();
    let kept = PackedWeights::default();
    let gradient = |precision| {
        let options = SynthesisOptions { precision, packed: Some(&kept), ..SynthesisOptions::default() };
        let [images, same] = [&trained, &frozen].map(|network| network.synthesis(&ws, &options).unwrap());
        // A layer that is not fused rounds its f32 numbers in another order.
        let error = psnr(&images, &same).into_iter().fold(f64::INFINITY, f64::min);
        assert!(error > bound(precision), "{precision}: {error} dB");
        let gradients = backward(&images.sqr().unwrap().sum_all().unwrap()).unwrap();
        let weight = params.get("synthesis.b16.conv1.weight").unwrap();
        gradients.get(weight.as_tensor()).unwrap().unsqueeze(0).unwrap()
    };
    let exact = gradient(Precision::F32);
    let size = exact.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    for precision in [Precision::Bf16x3, Precision::Bf16] {
        let [found, expected] = [&gradient(precision), &exact].map(|g| (g / f64::from(size)).unwrap());
        let found = psnr(&found, &expected)[0];
        assert!(found >= bound(precision) && found < 140., "{precision}: {found} dB");
    }
}

/// A StyleGAN2 in training, its frozen view, and style rows.
fn trained_and_frozen() -> (Params, Box<dyn Generator>, Box<dyn Generator>, Tensor) {
    let config = &networks()[2].1;
    let params = Params::new(7, DType::F32, &Device::Cpu);
    let trained = build_generator(config, params.trainable()).unwrap();
    let frozen = build_generator(config, params.frozen()).unwrap();
    let z = Tensor::ones((1, 16), DType::F32, &Device::Cpu).unwrap();
    let ws = stylegan_core::broadcast_ws(&frozen.mapping(&z, Condition::None).unwrap(), frozen.spec().num_ws).unwrap();
    (params, trained, frozen, ws)
}
