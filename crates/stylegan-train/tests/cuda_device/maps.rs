//! Networks that paint label maps, and segmenters, which find them.

use super::{GRADIENTS, normal, off, tools};
use candle_core::{DType, Device, Tensor};
use image::{GrayImage, Luma};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use stylegan_core::Params;
use stylegan_core::pix2pixhd::Pix2PixHdConfig;
use stylegan_core::spade::{MultiscaleDiscriminatorConfig, SpadeConfig, SpadeEncoderConfig};
use stylegan_kernels::Labels;
use stylegan_kernels::cuda::gpu;
use stylegan_train::communicator::Single;
use stylegan_train::config::{PainterConfig, SpadeTrainConfig, read_recipe};
use stylegan_train::data::Dataset;
use stylegan_train::observer::Silent;
use stylegan_train::recipe::segmenter::{SegmenterTrainConfig, TrainedSegmenter};
use stylegan_train::recipe::spade::{DMAIN, Example, GMAIN, Parameters, Spade};
use stylegan_train::recipe::{GRADIENT, Recipe, RunConfig, step};
use stylegan_train::shards::ShardSums;
use stylegan_train::{Outcome, RunFolder, Session};
use tempfile::TempDir;

const CLASSES: usize = 4;
const SIZE: usize = 32;

/// Weights after steps along the same gradients, and singular vectors, which each device finds by sums of its own.
const AFTER: f64 = 1e-5;

/// Batch and spectral normalisation, an encoder, all losses.
fn spade() -> SpadeTrainConfig {
    let network = SpadeConfig { classes: CLASSES, z_dim: 8, channels: 1, hidden: 8, ..SpadeConfig::default() };
    SpadeTrainConfig {
        generator: PainterConfig::Spade(SpadeConfig { img_size: [2 * SIZE; 2], ..network }),
        encoder: Some(SpadeEncoderConfig { resolution: 32, channels: 2, z_dim: 8, ..SpadeEncoderConfig::default() }),
        ..of_patches(2 * SIZE)
    }
}

/// Instance normalisation, from the map alone.
fn pix2pixhd() -> SpadeTrainConfig {
    let network = Pix2PixHdConfig { classes: CLASSES, channels: 4, downsamplings: 2, ..Pix2PixHdConfig::default() };
    SpadeTrainConfig {
        generator: PainterConfig::Pix2PixHd(Pix2PixHdConfig { img_size: [SIZE; 2], blocks: 1, ..network }),
        encoder: None,
        ..of_patches(SIZE)
    }
}

fn of_patches(side: usize) -> SpadeTrainConfig {
    SpadeTrainConfig {
        discriminator: MultiscaleDiscriminatorConfig {
            img_size: [side; 2],
            classes: CLASSES,
            channels: 4,
            layers: 3,
            ..MultiscaleDiscriminatorConfig::default()
        },
        ..SpadeTrainConfig::default()
    }
}

/// Real pictures with their maps.
fn example(side: usize, device: &Device) -> Example {
    let images = (normal("reals", &[3, side, side], device) * 0.5).unwrap();
    let n = images.dim(0).unwrap();
    let pixels = |of: fn(usize) -> u8| {
        Tensor::from_vec((0..n * side * side).map(of).collect(), (n, 1, side, side), &Device::Cpu).unwrap()
    };
    let (classes, edges) = (pixels(|i| (i / 50 % CLASSES) as u8), pixels(|i| u8::from(i % 11 == 0)));
    Example { images, map: Labels::new(&classes, Some(&edges), CLASSES).unwrap().into() }
}

/// Both phases in turn: what a shard sums, then everything that training changes.
fn agrees(config: &SpadeTrainConfig, side: usize) {
    let gpu = gpu::open(0).unwrap().device;
    let recipe = |device: &Device| {
        let [g, d, e] = [1, 2, 3].map(|seed| Params::new(seed, DType::F32, device));
        Spade::new(config, Parameters { g, d, e }).unwrap()
    };
    let shard = |spade: &Spade, phase, device: &Device| -> ShardSums {
        let z_dim = config.generator.z_dim();
        let noise = if z_dim == 0 { normal("z", &[0], &Device::Cpu) } else { normal("z", &[z_dim], device) };
        let example = example(side, device);
        if phase == GMAIN { spade.gmain(&example, &noise) } else { spade.dmain(&example, &noise) }.unwrap()
    };
    let [mut ours, mut moved] = [&Device::Cpu, &gpu].map(recipe);
    for phase in [GMAIN, DMAIN] {
        let (expected, actual) = (shard(&ours, phase, &Device::Cpu), shard(&moved, phase, &gpu));
        let again = shard(&moved, phase, &gpu);
        for name in [GRADIENT, "running_statistics"] {
            let row = |sums: &ShardSums| sums.named.row(name).unwrap().clone().into_vec().unwrap();
            if row(&expected).is_empty() {
                continue;
            }
            let e = off(&row(&actual), &row(&expected));
            println!("{}: {name} off by {e:e}", phase.name);
            assert!(e < GRADIENTS, "{}: {name} off by {e:e}", phase.name);
            assert_eq!(row(&actual), row(&again), "{}: other bits", phase.name);
        }
        // Adam's first steps follow the sign of a gradient, however small: both go along the same.
        let means = expected.named.over(4).unwrap();
        step(&mut ours, &phase, &means, 0.002).unwrap();
        step(&mut moved, &phase, &means, 0.002).unwrap();
    }
    ours.advance(0, 4).unwrap();
    moved.advance(0, 4).unwrap();
    let mut vectors = 0;
    for ((network, ours), (_, moved)) in ours.networks().into_iter().zip(moved.networks()) {
        assert!(moved.device().same_device(&gpu));
        for ((name, expected), (_, actual)) in ours.vars().into_iter().zip(moved.vars()) {
            let numbers = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (expected, actual) = (numbers(&expected), numbers(&actual));
            vectors += usize::from(name.ends_with("weight_u"));
            if expected.iter().any(|x| *x != 0.) {
                let e = off(&actual, &expected);
                assert!(e < AFTER, "{network}.{name} after the steps: off by {e:e}");
            }
        }
    }
    assert!(vectors > 0);
}

#[test]
fn spade_takes_the_same_steps() {
    agrees(&spade(), 2 * SIZE);
}

#[test]
fn pix2pixhd_takes_the_same_steps() {
    agrees(&pix2pixhd(), SIZE);
}

/// 40 pictures of 32 pixels with maps of three classes.
fn set(place: &TempDir) -> Arc<Dataset> {
    tools::gradients(place.path(), 32);
    std::fs::create_dir(place.path().join("labels")).unwrap();
    for i in 0..40 {
        let map = GrayImage::from_fn(32, 32, |x, y| Luma([u8::from(x > i) + u8::from(y > 16)]));
        map.save(place.path().join(format!("labels/{i:02}.png"))).unwrap();
    }
    Arc::new(Dataset::open(place.path()).unwrap())
}

/// Trains on a device; the means of a loss by lines of the log, and the checkpoint at the end.
fn trained(
    config: &dyn RunConfig,
    dataset: &Arc<Dataset>,
    device: &Device,
    place: &TempDir,
    loss: &str,
) -> (Vec<f64>, PathBuf) {
    let folder = RunFolder::open(place.path()).unwrap();
    let (stop, observer) = (AtomicBool::new(false), &mut Silent);
    let session = Session { config, dataset, device, folder: &folder, communicator: &Single, observer, stop: &stop };
    let Outcome::Finished { checkpoint } = session.resume().unwrap() else { panic!("interrupted") };
    let log = std::fs::read_to_string(place.path().join("stats.jsonl")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    (lines.filter_map(|line| line[loss]["mean"].as_f64()).collect(), checkpoint)
}

fn near(found: &[f64], expected: &[f64]) {
    assert!(!expected.is_empty() && found.len() == expected.len(), "{found:?}, expected {expected:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found / expected - 1.).abs() < 1e-3, "{found}, expected {expected}");
    }
}

/// With grids of samples, an average and a checkpoint, which the other device goes on from.
#[test]
fn a_painter_trains_and_goes_on_elsewhere() {
    let gpu = gpu::open(0).unwrap().device;
    let places = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let set = set(&places[0]);
    let config = |kimg: &str| {
        let text = format!(
            "recipe = \"spade\"\nkimg = {kimg}\n\
             [generator]\nimg_size = [32, 32]\nclasses = 3\nedges = false\nchannels = 1\nhidden = 4\n\
             [discriminator]\nchannels = 4\nlayers = 3\n[loss]\nperceptual = 1\n\
             [schedule]\nbatch = 4\n[output]\ntick_kimg = 0.004\nsnapshot_kimg = 0.004\n"
        );
        read_recipe(&text, "tiny.toml", &[]).unwrap()
    };
    let run = |kimg, device, place| trained(&config(kimg), &set, device, place, "Loss/D/loss").0;
    let [ours, moved] =
        [(&Device::Cpu, &places[1]), (&gpu, &places[2])].map(|(device, place)| run("0.004", device, place));
    near(&moved, &ours);
    // Each goes on on the other's device.
    let [ours, moved] =
        [(&gpu, &places[1]), (&Device::Cpu, &places[2])].map(|(device, place)| run("0.008", device, place));
    near(&moved, &ours);
}

#[test]
fn a_segmenter_trains() {
    let gpu = gpu::open(0).unwrap().device;
    let places = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let set = set(&places[0]);
    let config = SegmenterTrainConfig { kimg: 0.024, channels: 2, ..SegmenterTrainConfig::new(3) };
    let [ours, moved] = [(&Device::Cpu, &places[1]), (&gpu, &places[2])]
        .map(|(device, place)| trained(&config, &set, device, place, "Loss/S/loss"));
    near(&moved.0, &ours.0);
    let [cpu, gpu] =
        [&Device::Cpu, &gpu].map(|device| TrainedSegmenter::load(&config, &set, &moved.1, device).unwrap());
    assert_eq!((cpu.accuracy, cpu.miou, cpu.chance), (gpu.accuracy, gpu.miou, gpu.chance));
}
