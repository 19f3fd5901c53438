//! Training steps on a GPU against the CPU's. Needs the feature `cuda` and a GPU, or the library that stands for the driver
//! (docs/cuda.md).
#![cfg(feature = "cuda")]
#![allow(missing_docs, clippy::unwrap_used)]

use candle_core::{DType, Device, Tensor};
use stylegan_core::latent::StreamKey;
use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1DiscriminatorConfig};
use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2DiscriminatorConfig};
use stylegan_core::{DiscriminatorConfig, GeneratorConfig, NoiseKeys, NoiseMode, Params, SynthesisOptions};
use stylegan_kernels::cuda::gpu;
use stylegan_train::augment::{AugmentConfig, Pipe, ShardAugment};
use stylegan_train::config::{LossConfig, TrainConfig};
use stylegan_train::data::Labels;
use stylegan_train::inputs::random::{RandomInputs, Streams};
use stylegan_train::phase::Phase;
use stylegan_train::recipe::gan::{DMAIN, DREG, GMAIN, GREG, Gan, Latents};
use stylegan_train::recipe::{GRADIENT, Recipe, step};
use stylegan_train::shards::ShardSums;

/// Gradients are sums over a network's layers there and back, of up to some thousand numbers each.
const GRADIENTS: f64 = 2e-4;
/// Weights after a step along the same gradient.
const WEIGHTS: f64 = 1e-6;
/// Samples of the shard: two groups of minibatch statistics.
const N: usize = 4;
const SIZE: usize = 16;

fn stylegan2() -> TrainConfig {
    TrainConfig {
        generator: GeneratorConfig::StyleGan2(StyleGan2Config {
            img_size: [SIZE; 2],
            z_dim: 8,
            w_dim: 8,
            mapping_layers: 2,
            channel_max: 4,
            ..StyleGan2Config::default()
        }),
        discriminator: DiscriminatorConfig::StyleGan2(StyleGan2DiscriminatorConfig {
            img_size: [SIZE; 2],
            channel_max: 4,
            mbstd_group: 2,
            ..StyleGan2DiscriminatorConfig::default()
        }),
        ..TrainConfig::stylegan2()
    }
}

fn stylegan1() -> TrainConfig {
    TrainConfig {
        generator: GeneratorConfig::StyleGan1(StyleGan1Config {
            img_size: [SIZE; 2],
            z_dim: 8,
            w_dim: 8,
            mapping_layers: 2,
            channel_max: 4,
            ..StyleGan1Config::default()
        }),
        discriminator: DiscriminatorConfig::StyleGan1(StyleGan1DiscriminatorConfig {
            img_size: [SIZE; 2],
            channel_max: 4,
            mbstd_group: 2,
            ..StyleGan1DiscriminatorConfig::default()
        }),
        loss: LossConfig::Logistic { r1_gamma: 10., r1_interval: 1 },
        path_length: None,
        ..TrainConfig::default()
    }
}

/// The recipe on a device, whose noise has an effect. Where it augments, its discriminator has biases: in the holes of pictures
/// activations would be 0 up to rounding, where their slopes are chance.
fn gan(config: &TrainConfig, device: &Device) -> Gan {
    let gan = Gan::new(config, Params::new(1, DType::F32, device), Params::new(2, DType::F32, device)).unwrap();
    let strengths = gan.g().vars().into_iter().filter(|(name, _)| name.ends_with("noise_strength"));
    let biases = gan.d().vars().into_iter().filter(|(name, _)| config.augment.is_some() && name.ends_with("bias"));
    for (name, var) in strengths.chain(biases) {
        let half = Tensor::full(0.5f32, var.shape(), device).unwrap();
        var.set(&half).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    gan
}

fn normal(purpose: &'static str, shape: &[usize], device: &Device) -> Tensor {
    let indices: Vec<u64> = (0..N as u64).collect();
    StreamKey::new(7, purpose, 0).normal_rows(&indices, 0, shape, DType::F32, device).unwrap()
}

/// A shard's sums in a phase, from the same random inputs on every device. Where the configuration augments, it does what it
/// can to every image.
fn shard(config: &TrainConfig, gan: &Gan, phase: Phase, device: &Device, lod: f64) -> ShardSums {
    let indices = (0..N as u64).collect();
    let labels = Labels::None;
    let random = RandomInputs { seed: 7, step: 0, streams: Streams::UNNAMED, indices, labels: &labels, pictures: N };
    let augment = config.augment.as_ref().map(|config| ShardAugment { config, p: 1., random: &random });
    let augment = augment.as_ref();
    let noise = NoiseKeys::new(StreamKey::new(7, "noise", 0), 0..N as u64);
    let options =
        SynthesisOptions { lod, native_size: true, ..SynthesisOptions::with_noise(NoiseMode::Random(&noise)) };
    let latents = Latents::new(normal("z", &[8], device));
    let images = |purpose| (normal(purpose, &[3, SIZE, SIZE], device) * 0.5).unwrap();
    let reals = images("reals");
    match phase.name {
        name if name == GMAIN.name => gan.gmain(&latents, &options, augment),
        name if name == GREG.name => gan.greg(&latents, &options, &images("directions"), 4.),
        name if name == DMAIN.name => {
            let blend = Tensor::full(0.3f32, (N, 1, 1, 1), device).unwrap();
            gan.dmain(&latents, &options, (&reals, None), &blend, augment)
        }
        _ => gan.dreg((&reals, None), lod, 16., augment),
    }
    .unwrap_or_else(|e| panic!("{}: {e}", phase.name))
}

fn off(actual: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(actual.len(), expected.len());
    let largest = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
    assert!(largest > 0. && largest.is_finite(), "numbers up to {largest}");
    let off = actual.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs()) / f64::from(largest));
    // NaN is no number to be near to.
    off.fold(0., |most, off| if off.is_nan() { off } else { most.max(off) })
}

fn agrees(config: &TrainConfig, phases: &[Phase], lod: f64) {
    let gpu = gpu::open(0).unwrap().device;
    let [mut ours, mut moved] = [&Device::Cpu, &gpu].map(|device| gan(config, device));
    for &phase in phases {
        let expected = shard(config, &ours, phase, &Device::Cpu, lod);
        let actual = shard(config, &moved, phase, &gpu, lod);
        let gradient = |sums: &ShardSums| sums.named.get(GRADIENT).unwrap().to_vec();
        let e = off(&gradient(&actual), &gradient(&expected));
        println!("{}: gradient off by {e:e}", phase.name);
        assert!(e < GRADIENTS, "{}: gradient off by {e:e}", phase.name);
        assert_eq!(gradient(&actual), gradient(&shard(config, &moved, phase, &gpu, lod)), "{}: other bits", phase.name);
        // Adam's first steps follow the sign of a gradient, however small: both go along the same.
        let means = expected.named.over(N);
        step(&mut ours, &phase, &means, 0.002).unwrap();
        step(&mut moved, &phase, &means, 0.002).unwrap();
    }
    ours.advance(0, N).unwrap();
    moved.advance(0, N).unwrap();
    for ((network, ours), (_, moved)) in ours.networks().into_iter().zip(moved.networks()) {
        assert!(moved.device().same_device(&gpu));
        for ((name, expected), (_, actual)) in ours.vars().into_iter().zip(moved.vars()) {
            let numbers = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (expected, actual) = (numbers(&expected), numbers(&actual));
            if expected.iter().any(|x| *x != 0.) {
                let e = off(&actual, &expected);
                assert!(e < WEIGHTS, "{network}.{name} after the step: off by {e:e}");
            }
        }
    }
}

#[test]
fn stylegan2_takes_the_same_steps() {
    agrees(&stylegan2(), &[GMAIN, GREG, DMAIN, DREG], 0.);
}

#[test]
fn stylegan1_takes_the_same_steps() {
    agrees(&stylegan1(), &[DMAIN, GMAIN], 0.);
}

#[test]
fn wgan_gp_takes_the_same_steps() {
    let loss = LossConfig::WganGp { lambda: 10., drift: 0.001, target: 1., n_critic: 1 };
    agrees(&TrainConfig { loss, ..stylegan1() }, &[DMAIN], 0.);
}

fn augmented(pipe: Pipe) -> TrainConfig {
    TrainConfig { augment: Some(AugmentConfig { pipe, ..AugmentConfig::default() }), ..stylegan2() }
}

#[test]
fn augmented_steps_are_the_same() {
    for pipe in [Pipe::Bgc, Pipe::Bgcfnc] {
        agrees(&augmented(pipe), &[GMAIN, DMAIN, DREG], 0.);
    }
}

/// Under the library that stands for the driver, which says what it is asked for.
#[test]
fn pictures_are_augmented_where_they_are() {
    if gpu::open(0).unwrap().name != "emulator" {
        println!("NOT RUN: what is copied to the CPU, on a GPU");
        return;
    }
    let file =
        |of: &str| std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{of}-{}", std::process::id()));
    let (kernels, copies) = (file("kernels"), file("copies"));
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    test.args(["augmented_steps_alone", "--exact", "--ignored"]);
    assert!(test.env("EMULATED_KERNELS", &kernels).env("EMULATED_COPIES", &copies).status().unwrap().success());
    let [kernels, copies] = [kernels, copies].map(|file| {
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    for kernel in [
        "affine_resample",
        "affine_resample_adjoint",
        "color_transform",
        "cutout",
        "image_filter",
        "image_filter_adjoint",
    ] {
        assert!(kernels.iter().any(|launched| launched == kernel), "{kernel} is not in {kernels:?}");
    }
    // No more at a time than a layer's gradient, which is less than one picture.
    let most = copies.iter().map(|bytes| bytes.parse::<usize>().unwrap()).max().unwrap();
    assert!(most < 3 * SIZE * SIZE * size_of::<f32>(), "{copies:?}");
}

#[test]
#[ignore = "another test starts it"]
fn augmented_steps_alone() {
    let gpu = gpu::open(0).unwrap().device;
    let config = augmented(Pipe::Bgcfnc);
    let gan = gan(&config, &gpu);
    for phase in [GMAIN, DMAIN, DREG] {
        shard(&config, &gan, phase, &gpu, 0.);
    }
}
