//! Pictures of a GPU against the CPU's. Needs the feature `cuda` and a GPU, or the library that stands for the driver
//! (docs/cuda.md).
#![cfg(feature = "cuda")]
#![allow(missing_docs, clippy::unwrap_used)]

use candle_core::{DType, Device, Tensor};
use stylegan_core::latent::StreamKey;
use stylegan_core::pggan::PgganConfig;
use stylegan_core::stylegan1::StyleGan1Config;
use stylegan_core::stylegan2::{StyleGan2Config, Topology};
use stylegan_core::{Condition, GeneratorConfig, Model, NoiseSource, Params, Sampler, build_generator};
use stylegan_kernels::cuda::gpu;

/// Of numbers up to about 1, through a handful of layers that round to 3e-6 each.
const TOLERANCE: f32 = 3e-5;

/// A random network whose noise and biases have an effect, in main memory.
fn model(config: &GeneratorConfig) -> Model {
    let params = Params::new(0, DType::F32, &Device::Cpu);
    build_generator(config, params.trainable()).unwrap();
    for (at, (name, var)) in params.vars().into_iter().enumerate() {
        if name.ends_with("noise_strength") || name.ends_with("bias") || name.ends_with("w_avg") {
            let values =
                StreamKey::new(1, "values", at as u64).normal_rows(&[0], 0, var.dims(), DType::F32, &Device::Cpu);
            var.set(&(values.unwrap().squeeze(0).unwrap() * 0.3).unwrap()).unwrap();
        }
    }
    Model::from_params(config.clone(), params).unwrap()
}

/// Two images by the same latents and noise, from latents that lie on `device`.
fn images(model: &Model, device: &Device, lod: f64) -> Tensor {
    let key = StreamKey::new(3, "pictures", 0);
    let styles = model.generator().w_avg().is_some();
    let sampler =
        Sampler { psi: if styles { 0.7 } else { 1. }, noise: NoiseSource::Random(key), lod, ..model.sampler() };
    let z = sampler.latents(&key, &[5, 6], 0).unwrap().to_device(device).unwrap();
    let labels = model.labels(1, 2).unwrap();
    let ws = sampler.styles(&z, Condition::from(labels.as_ref())).unwrap();
    sampler.images(&ws, Condition::None, &[5, 6]).unwrap()
}

fn numbers(images: &Tensor) -> Vec<f32> {
    images.flatten_all().unwrap().to_vec1().unwrap()
}

fn agrees(name: &str, config: GeneratorConfig, lod: f64) {
    let gpu = gpu::open(0).unwrap().device;
    let cpu = model(&config);
    let expected = numbers(&images(&cpu, &Device::Cpu, lod));
    let largest = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
    assert!(largest > 0.1 && largest.is_finite(), "{name}: pictures up to {largest}");
    let moved = model(&config).to_device(&gpu).unwrap();
    for home in [&Device::Cpu, &gpu] {
        let made = images(&moved, home, lod);
        assert!(made.device().same_device(home), "{name}: images are not where the latents were");
        let made = numbers(&made);
        let off = made.iter().zip(&expected).fold(0f32, |most, (a, b)| most.max((a - b).abs())) / largest;
        println!("{name}: off by {off:e} of {largest}");
        assert!(off < TOLERANCE && made.iter().all(|x| x.is_finite()), "{name}: off by {off:e}");
        assert_eq!(made, numbers(&images(&moved, home, lod)), "{name}: other bits the second time");
    }
}

#[test]
fn stylegan2() {
    for topology in [Topology::Skip, Topology::Resnet, Topology::Orig] {
        let config = StyleGan2Config {
            img_size: [32, 32],
            z_dim: 16,
            c_dim: 3,
            w_dim: 16,
            mapping_layers: 2,
            channel_max: 8,
            topology,
            conv_clamp: Some(256.),
            ..StyleGan2Config::default()
        };
        agrees(&format!("StyleGAN2 {topology:?}"), GeneratorConfig::StyleGan2(config), 0.);
    }
}

#[test]
fn stylegan1_while_it_grows() {
    let config = StyleGan1Config {
        img_size: [32, 32],
        z_dim: 16,
        w_dim: 16,
        mapping_layers: 2,
        channel_max: 8,
        ..StyleGan1Config::default()
    };
    for lod in [0., 0.25, 1.] {
        agrees(&format!("StyleGAN at lod {lod}"), GeneratorConfig::StyleGan1(config.clone()), lod);
    }
}

#[test]
fn progressive_gan() {
    let config = PgganConfig { img_size: [16, 16], z_dim: 16, channel_max: 8, ..PgganConfig::default() };
    agrees("Progressive GAN", GeneratorConfig::Pggan(config), 0.);
}
