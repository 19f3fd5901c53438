//! Pictures and styles of a GPU, and gradients of whole networks, against the CPU's. Needs the feature `cuda` and a GPU, or the library that stands for the driver
//! (docs/cuda.md).
#![cfg(feature = "cuda")]
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "cuda_device/maps.rs"]
mod maps;

use candle_core::{DType, Device, Tensor, Var};
use stylegan_core::latent::StreamKey;
use stylegan_core::layers::Mode;
use stylegan_core::pggan::PgganConfig;
use stylegan_core::psp::{FaceConfig, FaceNetwork, Head, PspConfig, PspEncoder};
use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1DiscriminatorConfig};
use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2DiscriminatorConfig, Topology};
use stylegan_core::{
    Condition, DiscriminatorConfig, GeneratorConfig, Model, NoiseSource, Params, Sampler, SynthesisOptions,
    broadcast_ws, build_discriminator, build_generator,
};
use stylegan_kernels::autodiff;
use stylegan_kernels::cuda::gpu;

/// Of numbers up to about 1, through a handful of layers that round to 3e-6 each.
const TOLERANCE: f32 = 3e-5;

/// Of gradients: sums of up to some thousand numbers, through a network there and back.
const GRADIENTS: f32 = 2e-4;

/// Of numbers that go through the 49 convolutions of an encoder.
const ENCODER: f32 = 1e-4;

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

/// How far numbers are from others at most; infinitely where some are no numbers, which `max` passes over.
fn largest_difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).fold(0f32, |most, (a, b)| {
        let apart = (a - b).abs();
        if apart.is_nan() { f32::INFINITY } else { most.max(apart) }
    })
}

/// The same as a part of the largest.
fn off(found: &[f32], expected: &[f32]) -> f32 {
    let largest = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
    assert!(largest > 1e-3 && largest.is_finite(), "numbers up to {largest}");
    largest_difference(found, expected) / largest
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
        let off = off(&made, &expected);
        println!("{name}: off by {off:e} of {largest}");
        assert!(off < TOLERANCE, "{name}: off by {off:e}");
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

/// Parameters whose running statistics are none of a start, in main memory; `build` creates them.
fn settled(build: impl Fn(&Params)) -> Params {
    let params = Params::new(3, DType::F32, &Device::Cpu);
    build(&params);
    for (at, (name, var)) in params.vars().into_iter().enumerate() {
        if name.ends_with("running_mean") || name.ends_with("running_var") {
            let key = StreamKey::new(1, "values", at as u64);
            let values = key.normal_rows(&[0], 0, var.dims(), DType::F32, &Device::Cpu).unwrap().squeeze(0).unwrap();
            let small = (values * 0.1).unwrap();
            var.set(&if name.ends_with("var") { (small + 1.).unwrap() } else { small }).unwrap();
        }
    }
    params
}

/// What a network makes of pictures `[2, c, 32, 32]`, on the CPU and on a GPU.
fn looks_the_same(name: &str, params: &Params, c: usize, look: impl Fn(&Params, &Tensor) -> Tensor) {
    let gpu = gpu::open(0).unwrap().device;
    let key = StreamKey::new(5, "pictures", 0);
    let of = |device: &Device| {
        let pictures = (key.normal_rows(&[0, 1], 0, &[c, 32, 32], DType::F32, device).unwrap() * 0.5).unwrap();
        let made = look(&params.to_device(device).unwrap(), &pictures);
        assert!(made.device().same_device(device), "{name}");
        numbers(&made)
    };
    let (expected, found) = (of(&Device::Cpu), of(&gpu));
    let off = off(&found, &expected);
    println!("{name}: off by {off:e}");
    assert!(off < ENCODER, "{name}: off by {off:e}");
    assert_eq!(found, of(&gpu), "{name}: other bits the second time");
}

#[test]
fn encoders() {
    for head in [Head::Pyramid, Head::Offsets, Head::W, Head::WPlus, Head::RestyleOffsets] {
        let img_channels = if head.is_iterative() { 6 } else { 3 };
        let config = PspConfig { img_size: [32, 32], img_channels, num_ws: 8, w_dim: 8, channels: 4, hidden: 8, head };
        let params = settled(|params| drop(PspEncoder::new(&config, params.trainable()).unwrap()));
        looks_the_same(&format!("{head:?}"), &params, img_channels, |params, pictures| {
            PspEncoder::new(&config, params.frozen()).unwrap().forward(pictures, Mode::Eval).unwrap()
        });
    }
}

#[test]
fn faces() {
    let config = FaceConfig { side: 32, channels: 4, features: 8 };
    let params = settled(|params| drop(FaceNetwork::new(config, params.trainable()).unwrap()));
    looks_the_same("faces", &params, 3, |params, pictures| {
        FaceNetwork::new(config, params.frozen()).unwrap().embed(pictures).unwrap()
    });
}

/// Those of a loss of generated images, then of an R1 penalty and of a path length, by parameter.
fn gradients(
    generator: &GeneratorConfig,
    discriminator: &DiscriminatorConfig,
    device: &Device,
) -> Vec<(String, Tensor)> {
    let [g, d] = [1, 2].map(|seed| Params::new(seed, DType::F32, device));
    let generator = build_generator(generator, g.trainable()).unwrap();
    let discriminator = build_discriminator(discriminator, d.trainable()).unwrap();
    // Without noise the first planes are constant, and what their normalisation passes back is rounding.
    for (_, strength) in g.vars().into_iter().filter(|(name, _)| name.ends_with("noise_strength")) {
        strength.set(&Tensor::full(0.5f32, strength.shape(), device).unwrap()).unwrap();
    }
    let (spec, key) = (generator.spec().clone(), StreamKey::new(4, "gradients", 0));
    let normal = |lane, shape: &[usize]| key.normal_rows(&[0, 1, 2, 3], lane, shape, DType::F32, device).unwrap();
    let [h, w] = spec.img_size;
    let mut found = vec![];
    let mut take = |what: &str, loss: &Tensor| {
        let gradients = autodiff::backward(&loss.sum_all().unwrap()).unwrap();
        for (network, params) in [("G", &g), ("D", &d)] {
            for (name, var) in params.parameters() {
                let gradient = gradients.get(var.as_tensor()).map(|gradient| gradient.to_device(&Device::Cpu).unwrap());
                found.extend(gradient.map(|gradient| (format!("{what} {network}.{name}"), gradient)));
            }
        }
    };
    let options = SynthesisOptions { native_size: true, ..SynthesisOptions::default() };
    let styles = || {
        let w = generator.mapping(&normal(0, &[spec.z_dim]), Condition::None).unwrap();
        broadcast_ws(&w, spec.num_ws).unwrap().contiguous().unwrap()
    };
    let images = generator.synthesis(&styles(), &options).unwrap();
    let logits = discriminator.logits(&images, Condition::None, 0.).unwrap();
    take("loss", &(logits.neg().unwrap().exp().unwrap() + 1.).unwrap().log().unwrap());

    let reals = Var::from_tensor(&(normal(1, &[3, h, w]) * 0.5).unwrap()).unwrap();
    let logits = discriminator.logits(reals.as_tensor(), Condition::None, 0.).unwrap();
    let slope = autodiff::grad(&logits.sum_all().unwrap(), &[reals.as_tensor()], true).unwrap().remove(0);
    take("R1", &slope.sqr().unwrap());

    let delta = Var::zeros((4, spec.num_ws, spec.w_dim), DType::F32, device).unwrap();
    let images = generator.synthesis(&(styles() + delta.as_tensor()).unwrap(), &options).unwrap();
    let projected = (images * normal(2, &[3, h, w])).unwrap().sum_all().unwrap();
    let slope = autodiff::grad(&projected, &[delta.as_tensor()], true).unwrap().remove(0);
    take("path length", &slope.sqr().unwrap().sum(2).unwrap().mean(1).unwrap().sqrt().unwrap());
    found
}

fn gradients_agree(generator: &GeneratorConfig, discriminator: &DiscriminatorConfig) {
    let gpu = gpu::open(0).unwrap().device;
    let [expected, actual] = [&Device::Cpu, &gpu].map(|device| gradients(generator, discriminator, device));
    assert_eq!(expected.len(), actual.len());
    assert!(expected.iter().any(|(name, _)| name.starts_with("path length G")));
    let largest = |gradient: &Tensor| numbers(gradient).iter().fold(0f32, |most, x| most.max(x.abs()));
    let kind = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    for ((name, gradient), (other, actual)) in expected.iter().zip(&actual) {
        // A bias under a normalisation has no gradient but rounding: that of its network says how much.
        let network =
            expected.iter().filter(|(other, _)| kind(other) == kind(name)).map(|(_, gradient)| largest(gradient));
        let scale = largest(gradient).max(1e-2 * network.fold(0., f32::max));
        let off = largest_difference(&numbers(actual), &numbers(gradient)) / scale;
        assert!(name == other && off < GRADIENTS, "{name}: off by {off:e} of {scale}");
    }
}

#[test]
fn gradients_of_stylegan2() {
    let g = StyleGan2Config {
        img_size: [16, 16],
        z_dim: 8,
        w_dim: 8,
        mapping_layers: 2,
        channel_max: 4,
        ..StyleGan2Config::default()
    };
    let d = StyleGan2DiscriminatorConfig {
        img_size: [16, 16],
        channel_max: 4,
        mbstd_group: 2,
        ..StyleGan2DiscriminatorConfig::default()
    };
    gradients_agree(&GeneratorConfig::StyleGan2(g), &DiscriminatorConfig::StyleGan2(d));
}

#[test]
fn gradients_of_stylegan1() {
    let g = StyleGan1Config {
        img_size: [16, 16],
        z_dim: 8,
        w_dim: 8,
        mapping_layers: 2,
        channel_max: 4,
        ..StyleGan1Config::default()
    };
    let d = StyleGan1DiscriminatorConfig {
        img_size: [16, 16],
        channel_max: 4,
        mbstd_group: 2,
        ..StyleGan1DiscriminatorConfig::default()
    };
    gradients_agree(&GeneratorConfig::StyleGan1(g), &DiscriminatorConfig::StyleGan1(d));
}
