//! Training steps on a GPU against the CPU's. Needs the feature `cuda` and a GPU, or the library that stands for the driver
//! (docs/cuda.md).
#![cfg(feature = "cuda")]
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "cuda_device/maps.rs"]
mod maps;
#[cfg(feature = "nccl")]
mod nccl_ranks;
#[cfg(feature = "nccl")]
#[path = "cuda_device/ranks.rs"]
mod ranks;
mod tools;

use candle_core::{DType, Device, Tensor};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use stylegan_core::latent::StreamKey;
use stylegan_core::psp::PspConfig;
use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1DiscriminatorConfig};
use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2DiscriminatorConfig};
use stylegan_core::{
    DiscriminatorConfig, GeneratorConfig, Model, NoiseKeys, NoiseMode, Params, SynthesisOptions, TrainedEncoder,
    build_generator,
};
use stylegan_kernels::cuda::gpu;
use stylegan_metrics::features::StLpips;
use stylegan_train::augment::{AugmentConfig, Pipe, ShardAugment};
use stylegan_train::communicator::{Communicator, Single, Threads};
use stylegan_train::config::{EncoderLossConfig, EncoderTrainConfig, LossConfig, TrainConfig, read_recipe};
use stylegan_train::data::{Dataset, Labels};
use stylegan_train::inputs::random::{RandomInputs, Streams};
use stylegan_train::inversion::{ProjectOptions, Projector, StyleStatistics};
use stylegan_train::observer::Silent;
use stylegan_train::phase::Phase;
use stylegan_train::recipe::classifier::{ClassifierTrainConfig, TrainedClassifier};
use stylegan_train::recipe::encoder::{EMAIN, Example, Losses, Parameters, Psp};
use stylegan_train::recipe::gan::{DMAIN, DREG, GMAIN, GREG, Gan, Latents};
use stylegan_train::recipe::{GRADIENT, Recipe, RunConfig, step};
use stylegan_train::shards::{Part, Reduction, Row, ShardSums, Sums, sum};
use stylegan_train::{Outcome, RunFolder, Session};
use tempfile::TempDir;

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

/// Says something also where the test passes, of which `println!` is kept back.
fn tell(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn off(actual: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(actual.len(), expected.len());
    let largest = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
    assert!(largest > 0. && largest.is_finite(), "numbers up to {largest}");
    let off = actual.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs()) / f64::from(largest));
    // Nothing is near to what is no number, which `max` passes over.
    off.fold(0., |most, off| if off.is_nan() { f64::INFINITY } else { most.max(off) })
}

fn agrees(config: &TrainConfig, phases: &[Phase], lod: f64) {
    let gpu = gpu::open(0).unwrap().device;
    let [mut ours, mut moved] = [&Device::Cpu, &gpu].map(|device| gan(config, device));
    for &phase in phases {
        let expected = shard(config, &ours, phase, &Device::Cpu, lod);
        let actual = shard(config, &moved, phase, &gpu, lod);
        let gradient = |sums: &ShardSums| sums.named.row(GRADIENT).unwrap().clone().into_vec().unwrap();
        let e = off(&gradient(&actual), &gradient(&expected));
        println!("{}: gradient off by {e:e}", phase.name);
        assert!(e < GRADIENTS, "{}: gradient off by {e:e}", phase.name);
        assert_eq!(gradient(&actual), gradient(&shard(config, &moved, phase, &gpu, lod)), "{}: other bits", phase.name);
        // Adam's first steps follow the sign of a gradient, however small: both go along the same.
        let means = expected.named.over(N).unwrap();
        step(&mut ours, &phase, &means, 0.002).unwrap();
        step(&mut moved, &phase, &means, 0.002).unwrap();
    }
    ours.advance(0, N).unwrap();
    moved.advance(0, N).unwrap();
    weights_agree(&ours, &moved);
}

/// That a recipe on the CPU and one on a GPU have the same weights, moving averages and statistics.
fn weights_agree(ours: &dyn Recipe, moved: &dyn Recipe) {
    for ((network, ours), (_, moved)) in ours.networks().into_iter().zip(moved.networks()) {
        assert!(moved.device().is_cuda());
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

/// In whichever order shards are done; of several ranks in main memory. The same bits as the CPU's.
#[test]
fn sums_of_gradients_on_a_gpu() {
    let gpu = gpu::open(0).unwrap().device;
    let on = |row: Vec<f32>, device: &Device| match device {
        Device::Cpu => Row::Numbers(row),
        _ => Row::OnGpu(Tensor::new(row, device).unwrap()),
    };
    let total = |part: Part, ranks: &dyn Communicator, device: &Device| -> Row {
        let sums = sum(&part, ranks, |i| {
            let mut sums = ShardSums::default();
            let row = StreamKey::new(1, GRADIENT, i as u64).stream(0, 0).normals_f32(3000);
            sums.named.set(GRADIENT, on(row, device));
            Ok(sums)
        });
        sums.unwrap().named.over(20).unwrap().row(GRADIENT).unwrap().clone()
    };
    let part = |own, at_once| Part { own, count: 5, at_once, reduction: Reduction::Exact };
    let expected = total(part(0..5, 1), &Single, &Device::Cpu);
    for at_once in [1, 2, 5] {
        let found = total(part(0..5, at_once), &Single, &gpu);
        assert!(matches!(found, Row::OnGpu(_)));
        assert_eq!(Row::Numbers(found.into_vec().unwrap()), expected, "{at_once} at once");
    }
    std::thread::scope(|scope| {
        for (own, rank) in [0..2, 2..5].into_iter().zip(Threads::world(2)) {
            let (part, gpu, expected, total) = (part(own, 1), &gpu, &expected, &total);
            scope.spawn(move || assert_eq!(total(part, &rank, gpu), *expected));
        }
    });
    for (value, finite) in [(1e38, true), (f32::INFINITY, false), (f32::NEG_INFINITY, false), (f32::NAN, false)] {
        let mut sums = Sums::default();
        sums.set(GRADIENT, on(vec![0., value, -1.], &gpu));
        assert_eq!(sums.are_finite().unwrap(), finite, "{value}");
    }
}

/// An encoder by all losses that need no file, its generator, and its optimiser, which is Ranger.
fn psp(device: &Device) -> Psp {
    let generator = GeneratorConfig::StyleGan2(StyleGan2Config {
        img_size: [SIZE; 2],
        z_dim: 8,
        w_dim: 8,
        mapping_layers: 2,
        channel_max: 4,
        ..StyleGan2Config::default()
    });
    let config = EncoderTrainConfig {
        encoder: PspConfig { img_size: [32; 2], num_ws: 6, w_dim: 8, channels: 4, ..PspConfig::default() },
        loss: EncoderLossConfig { l2: 1., lpips: 0.8, w_norm: 0.005, ..EncoderLossConfig::default() },
        ..EncoderTrainConfig::default()
    };
    let g = Params::new(1, DType::F32, device);
    build_generator(&generator, g.trainable()).unwrap();
    let losses = Losses::of(&config.loss, device).unwrap();
    Psp::new(&config, Parameters { e: Params::new(2, DType::F32, device), g, generator }, losses).unwrap()
}

#[test]
fn encoders_take_the_same_steps() {
    let gpu = gpu::open(0).unwrap().device;
    let shard = |psp: &Psp, device: &Device| {
        let pictures = (normal("reals", &[3, 32, 32], device) * 0.5).unwrap();
        psp.emain(&Example { input: pictures.clone(), target: pictures }, NoiseMode::Const).unwrap()
    };
    let [mut ours, mut moved] = [&Device::Cpu, &gpu].map(psp);
    let (expected, actual) = (shard(&ours, &Device::Cpu), shard(&moved, &gpu));
    for name in ["gradient", "running_statistics"] {
        let row = |sums: &ShardSums| sums.named.row(name).unwrap().clone().into_vec().unwrap();
        let e = off(&row(&actual), &row(&expected));
        println!("{name}: off by {e:e}");
        assert!(e < GRADIENTS, "{name}: off by {e:e}");
        assert_eq!(row(&actual), row(&shard(&moved, &gpu)), "{name}: other bits");
    }
    for loss in ["loss", "l2", "stlpips", "w_norm"] {
        let mean = |sums: &ShardSums| sums.stats.get(&format!("Loss/E/{loss}")).mean();
        let (found, expected) = (mean(&actual), mean(&expected));
        assert!(expected > 0. && (found / expected - 1.).abs() < 1e-4, "{loss}: {found}, expected {expected}");
    }
    // Until Ranger's slow weights have met the fast ones, and one step on; along the same gradient, as Adam.
    let means = expected.named.over(N).unwrap();
    for _ in 0..7 {
        step(&mut ours, &EMAIN, &means, 0.001).unwrap();
        step(&mut moved, &EMAIN, &means, 0.001).unwrap();
    }
    weights_agree(&ours, &moved);
}

/// Trains on a device to the end; gives the means of a loss in the log, and the last checkpoint.
fn run(config: &dyn RunConfig, device: &Device, set: &Arc<Dataset>, loss: &str) -> (Vec<f64>, PathBuf, TempDir) {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::open(place.path()).unwrap();
    let (stop, observer) = (AtomicBool::new(false), &mut Silent);
    let session =
        Session { config, dataset: set, device, folder: &folder, communicator: &Single, observer, stop: &stop };
    let Outcome::Finished { checkpoint } = session.start().unwrap() else { panic!("interrupted") };
    let log = std::fs::read_to_string(place.path().join("stats.jsonl")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let means: Vec<f64> = lines.filter_map(|line| line[loss]["mean"].as_f64()).collect();
    assert!(!means.is_empty(), "{loss} is not in the log");
    (means, checkpoint, place)
}

fn same_losses(ours: &[f64], moved: &[f64]) {
    let same = ours.iter().zip(moved).all(|(a, b)| (a / b - 1.).abs() < 1e-3);
    assert!(ours.len() == moved.len() && same, "{moved:?}, expected {ours:?}");
}

/// A drawn picture's step and one along the pictures of a set, with sample grids and a checkpoint.
#[test]
fn an_encoder_trains() {
    let (gpu, place) = (gpu::open(0).unwrap().device, tempfile::tempdir().unwrap());
    let generator = place.path().join("G.safetensors");
    stylegan_core::doc::save_tiny_network(&generator).unwrap();
    let set = place.path().join("set");
    std::fs::create_dir(&set).unwrap();
    let set = tools::gradients(&set, 32);
    let text = format!(
        "recipe = \"encoder\"\nkimg = 0.008\npretrain_kimg = 0.004\ngenerator = {:?}\n\
         [encoder]\nimg_size = [32, 32]\nnum_ws = 6\nw_dim = 8\nchannels = 4\n\
         [loss]\nlpips = 0.0\n[schedule]\nbatch = 4\nlr = 0.001\n[output]\ntick_kimg = 0.004\n",
        generator.display().to_string()
    );
    let config = read_recipe(&text, "tiny.toml", &[]).unwrap();
    let [ours, moved] = [&Device::Cpu, &gpu].map(|device| run(&config, device, &set, "Loss/E/loss"));
    same_losses(&ours.0, &moved.0);
    // Its checkpoint is one for every device.
    for device in [&Device::Cpu, &gpu] {
        let encoder = TrainedEncoder::load(&moved.1, device).unwrap();
        let rows = encoder.encode(&Tensor::zeros((1, 3, 32, 32), DType::F32, &Device::Cpu).unwrap()).unwrap();
        assert!(rows.device().is_cpu() && rows.dims() == [1, 6, 8]);
    }
}

/// With noise maps, by the embedded network.
#[test]
fn styles_are_searched_for_alike() {
    let (gpu, place) = (gpu::open(0).unwrap().device, tempfile::tempdir().unwrap());
    let file = place.path().join("G.safetensors");
    stylegan_core::doc::save_tiny_network(&file).unwrap();
    let [ours, moved] = [&Device::Cpu, &gpu].map(|device| {
        let (model, network) = (Model::load(&file, device).unwrap(), StLpips::embedded(device).unwrap());
        let styles = StyleStatistics::new(&model, 100, None).unwrap();
        let target = (normal("target", &[3, SIZE, SIZE], &Device::Cpu).narrow(0, 0, 1).unwrap() * 0.5).unwrap();
        let mut search = Projector::new(&model, &styles, &network, &target, ProjectOptions::default()).unwrap();
        (0..3).map(|_| search.step().unwrap().distance).collect::<Vec<f64>>()
    });
    same_losses(&ours, &moved);
}

#[test]
fn a_classifier_trains() {
    let gpu = gpu::open(0).unwrap().device;
    let set = tools::pictures();
    let config = ClassifierTrainConfig { kimg: 0.024, channel_base: 64, ..ClassifierTrainConfig::default() };
    let [ours, moved] = [&Device::Cpu, &gpu].map(|device| run(&config, device, set, "Loss/C/loss"));
    same_losses(&ours.0, &moved.0);
    let [cpu, gpu] =
        [&Device::Cpu, &gpu].map(|device| TrainedClassifier::load(&config, set, &moved.1, device).unwrap());
    assert_eq!((cpu.accuracy, cpu.chance), (gpu.accuracy, gpu.chance));
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
        tell("NOT RUN: what is copied to the CPU, on a GPU");
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
