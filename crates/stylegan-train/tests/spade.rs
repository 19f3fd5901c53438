//! Tiny runs of networks that paint label maps: they learn, go on as if never broken off, and refuse what does
//! not fit.

#![allow(clippy::unwrap_used)]

mod tools;

use image::{GrayImage, Luma, RgbImage};
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_train::communicator::{Single, Threads};
use stylegan_train::config::{Override, RecipeConfig, read_recipe};
use stylegan_train::data::Dataset;
use stylegan_train::state::config_of;
use stylegan_train::{Outcome, Result, RunFolder, Session};
use tools::{StopAfter, gradients};

/// Batch normalisation, spectral normalisation, an encoder, all losses, an average.
const SPADE: &str = r#"
recipe = "spade"
seed = 3
kimg = 0.032
[generator]
img_size = [32, 32]
classes = 3
edges = false
z_dim = 4
channels = 1
hidden = 4
[encoder]
resolution = 16
channels = 2
[discriminator]
channels = 4
layers = 3
[loss]
perceptual = 1
[schedule]
batch = 4
lr_decay_kimg = 0.016
[data]
mirror = true
[output]
tick_kimg = 0.008
snapshot_kimg = 0.016
checkpoint_kimg = 0.016
"#;

/// Instance normalisation in shards of two.
const PIX2PIXHD: &str = r#"
recipe = "spade"
kimg = 0.048
ema_kimg = 0
[generator]
architecture = "pix2pixhd"
img_size = [32, 32]
classes = 3
edges = false
channels = 4
downsamplings = 2
blocks = 1
spectral = true
[discriminator]
channels = 4
layers = 3
spectral = true
[loss]
perceptual = 0
[schedule]
batch = 12
lr_decay_kimg = 0
[shards]
size = 2
at_once = 2
[output]
tick_kimg = 0.024
"#;

fn config(text: &str, overrides: &[&str]) -> Result<RecipeConfig> {
    let overrides: Vec<_> = overrides.iter().map(|text| Override::parse(text)).collect::<Result<_>>()?;
    read_recipe(text, "tiny.toml", &overrides)
}

/// 40 pictures of 32 pixels with maps of three classes.
fn set() -> &'static Arc<Dataset> {
    static SET: OnceLock<(tempfile::TempDir, Arc<Dataset>)> = OnceLock::new();
    &SET.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        gradients(folder.path(), 32);
        maps(folder.path(), |x, y, i| u8::from(x > i) + u8::from(y > 16));
        let set = Arc::new(Dataset::open(folder.path()).unwrap());
        (folder, set)
    })
    .1
}

fn maps(folder: &Path, class: impl Fn(u32, u32, u32) -> u8) {
    fs::create_dir_all(folder.join("labels")).unwrap();
    for i in 0..40 {
        let map = GrayImage::from_fn(32, 32, |x, y| Luma([class(x, y, i)]));
        map.save(folder.join(format!("labels/{i:02}.png"))).unwrap();
    }
}

/// Goes on with a run on some ranks until a step.
fn go_on(config: &RecipeConfig, folder: &Path, ranks: usize, stop_after: u64) -> Vec<Result<Outcome>> {
    let out = &RunFolder::open(folder).unwrap();
    std::thread::scope(|scope| {
        let ranks = Threads::world(ranks).into_iter().map(|communicator| {
            scope.spawn(move || {
                let stop = AtomicBool::new(false);
                let observer = &mut StopAfter { step: stop_after, stop: &stop, warnings: vec![] };
                let communicator = &communicator;
                Session {
                    config,
                    dataset: set(),
                    device: &candle_core::Device::Cpu,
                    folder: out,
                    communicator,
                    observer,
                    stop: &stop,
                }
                .resume()
            })
        });
        ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

fn last(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("network-000000.safetensors")).unwrap()
}

#[test]
fn a_run_that_was_broken_off_ends_in_the_same_bytes() {
    let config = config(SPADE, &[]).unwrap();
    let (straight, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(matches!(go_on(&config, straight.path(), 1, u64::MAX)[..], [Ok(Outcome::Finished { .. })]));
    for stop_after in [1, 5] {
        assert!(matches!(go_on(&config, broken.path(), 1, stop_after)[..], [Ok(Outcome::Interrupted { .. })]));
    }
    assert!(matches!(go_on(&config, broken.path(), 1, u64::MAX)[..], [Ok(Outcome::Finished { .. })]));
    assert!(last(straight.path()) == last(broken.path()));

    // The folder holds what the run says it does: map, truth and ours in each cell of the grid.
    let path = straight.path();
    let stored = RecipeConfig::from_file(&path.join("config.toml"), &[]).unwrap();
    assert_eq!(stored, config);
    let checkpoint = Checkpoint::open(path.join("network-000000.safetensors")).unwrap();
    assert_eq!(config_of(&checkpoint), Some(config.decisive()));
    let networks = &checkpoint.metadata().unwrap().networks;
    assert_eq!(networks.keys().collect::<Vec<_>>(), ["D", "E", "G", "G_ema"]);
    let shape = |name: &str| {
        let sheet = image::open(path.join(name)).unwrap();
        f64::from(sheet.width()) / f64::from(sheet.height())
    };
    let (reals, fakes) = (shape("reals.png"), shape("fakes-init.png"));
    assert!(fakes > 2.5 * reals, "{fakes} and {reals} as wide as high");
    let log = fs::read_to_string(path.join("stats.jsonl")).unwrap();
    for key in ["Loss/G/gan", "Loss/G/features", "Loss/G/stlpips", "Loss/G/kl", "Loss/D/fake", "Loss/signs/real"] {
        assert!(log.contains(key), "{key} in\n{log}");
    }
}

#[test]
fn ranks_and_threads_do_not_change_a_bit() {
    let run = |ranks: &[usize], settings: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let config = config(PIX2PIXHD, settings).unwrap();
        for (i, &count) in ranks.iter().enumerate() {
            let last = i + 1 == ranks.len();
            for outcome in go_on(&config, folder.path(), count, if last { u64::MAX } else { 2 }) {
                assert_eq!(matches!(outcome.unwrap(), Outcome::Finished { .. }), last);
            }
        }
        last(folder.path())
    };
    let expected = run(&[1], &[]);
    assert!(run(&[1], &["shards.at_once=1"]) == expected);
    for ranks in [&[2][..], &[4], &[2, 3]] {
        assert!(run(ranks, &[]) == expected, "{ranks:?} ranks");
    }
}

#[test]
fn batch_normalisation_takes_one_rank() {
    let folder = tempfile::tempdir().unwrap();
    for outcome in go_on(&config(SPADE, &[]).unwrap(), folder.path(), 2, u64::MAX) {
        let error = outcome.unwrap_err();
        assert!(error.is_wrong_input() && error.to_string().contains("2 ranks cannot share"), "{error}");
    }
}

#[test]
fn settings_that_describe_no_run() {
    let wrong = |text: &str, settings: &[&str], parts: &[&str]| {
        let error = config(text, settings).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)) && !error.contains('\n'), "{error}");
    };
    wrong(SPADE, &["shards.size=2"], &["override `shards.size=2`", "batch of 4, found 2", "batch normalisation"]);
    wrong(PIX2PIXHD, &["shards.size=5"], &["divisor of the batch of 12, found 5"]);
    wrong(SPADE, &["discriminator.classes=4"], &["[discriminator]", "generator's"]);
    wrong(SPADE, &["generator.z_dim=0", "encoder.z_dim=8"], &["generator.z_dim", "found 0"]);
    wrong(SPADE, &["dont_care=true", "generator.classes=1"], &["generator.classes", "2 or more"]);
    wrong(SPADE, &["data.preprocess.load_size=0"], &["data.preprocess.load_size", "found 0"]);
    wrong(SPADE, &["data.preprocess.aspect_ratio=0"], &["data.preprocess.aspect_ratio", "above 0"]);
    wrong(SPADE, &["data.preprocess.mode=stretch"], &["data.preprocess", "stretch"]);
    wrong(SPADE, &["encoder.z_dim=8"], &["[encoder]", "(8, 3)", "(4, 3)"]);
    wrong(SPADE, &["generator.img_channels=1"], &["loss.perceptual", "1 channels"]);
    wrong(SPADE, &["generator.img_size=[40,32]"], &["multiples of 32"]);
    wrong(SPADE, &["loss.gan=hing"], &["loss.gan", "did you mean `hinge`?"]);
    wrong(SPADE, &["adam.betas=code2"], &["adam.betas", "`code`"]);
    wrong(SPADE, &["schedule.batchs=4"], &["did you mean `batch`?"]);
    wrong(SPADE, &["schedule.vgg19=x"], &["it belongs to [loss]"]);
    wrong(SPADE, &["generator.architecture=stylegan2"], &["generator.architecture", "none of `spade`, `pix2pixhd`"]);
    wrong("recipe = 'classifier'\nkimg = 3.0\n", &[], &["classifier"]);
    wrong("kimg = 1\nrecipe = 'spadde'\n", &[], &["line 2", "spadde", "`spade`"]);
    wrong("generator = { architecture = 'spade' }", &[], &["generator.architecture", "recipe = \"spade\""]);
    for gan in ["hinge", "lsgan", "original", "wgan"] {
        config(SPADE, &[&format!("loss.gan={gan}")]).unwrap();
    }
}

/// Sets that do not fit are refused before the first step, each by one sentence.
#[test]
fn sets_that_do_not_fit() {
    let refused_of = |config: &RecipeConfig, set: &Arc<Dataset>, parts: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let out = RunFolder::open(&folder.path().join("run")).unwrap();
        let stop = AtomicBool::new(false);
        let observer = &mut StopAfter { step: 0, stop: &stop, warnings: vec![] };
        let session = Session {
            config,
            dataset: set,
            device: &candle_core::Device::Cpu,
            folder: &out,
            communicator: &Single,
            observer,
            stop: &stop,
        };
        let error = session.start().unwrap_err();
        let text = error.to_string();
        assert!(
            error.is_wrong_input() && parts.iter().all(|part| text.contains(part)) && !text.contains('\n'),
            "{text}"
        );
    };
    // One that a program made is checked as one of a file is.
    let mut own = config(PIX2PIXHD, &[]).unwrap();
    let RecipeConfig::Spade(spade) = &mut own else { panic!("another recipe") };
    spade.shards.size = 5;
    refused_of(&own, set(), &["the configuration: key `shards.size`: expected a divisor of the batch of 12, found 5"]);

    let refused = |set: &Arc<Dataset>, settings: &[&str], parts: &[&str]| {
        refused_of(&config(SPADE, settings).unwrap(), set, parts);
    };
    refused(set(), &["generator.classes=2"], &["label map of 00.png", "class 2", "0 to 1", "generator.classes = 3"]);
    refused(set(), &["generator.img_size=[64,32]"], &["32x32 pixels", "expected 32x64"]);
    refused(set(), &["generator.edges=true"], &["generator.edges", "instances/"]);
    refused(set(), &["loss.vgg19=nowhere.pth"], &["nowhere.pth"]);

    let place = tempfile::tempdir().unwrap();
    let bare = gradients(place.path(), 32);
    refused(&bare, &[], &["no label maps", "labels/"]);
    maps(place.path(), |_, _, i| if i == 7 { 255 } else { 0 });
    let odd = Arc::new(Dataset::open(place.path()).unwrap());
    refused(&odd, &[], &["label map of 07.png", "without a class (255)", "generator.classes = 4, dont_care = true"]);
    // With a class for those, what is refused is a class beyond it.
    maps(place.path(), |_, _, i| if i == 7 { 3 } else { 255 });
    let odd = Arc::new(Dataset::open(place.path()).unwrap());
    refused(&odd, &["dont_care=true"], &["label map of 07.png", "class 3", "generator.classes = 4"]);
    fs::create_dir(place.path().join("instances")).unwrap();
    for i in 0..40 {
        fs::copy(place.path().join("labels/00.png"), place.path().join(format!("instances/{i:02}.png"))).unwrap();
    }
    fs::write(place.path().join("instances/09.png"), b"no picture").unwrap();
    maps(place.path(), |_, _, _| 255);
    let odd = Arc::new(Dataset::open(place.path()).unwrap());
    refused(&odd, &["dont_care=true", "generator.edges=true"], &["instances/09.png", "not a PNG file"]);
    let grey = tempfile::tempdir().unwrap();
    GrayImage::from_pixel(32, 32, Luma([9])).save(grey.path().join("00.png")).unwrap();
    refused(&Arc::new(Dataset::open(grey.path()).unwrap()), &[], &["with 1 channel,"]);
    let weights = grey.path().join("vgg19.safetensors");
    let tensor = candle_core::Tensor::zeros(3, candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
    candle_core::safetensors::save(&[("features.0.weight", tensor)].into(), &weights).unwrap();
    refused(set(), &[&format!("loss.vgg19={}", weights.display())], &["loss.vgg19", "features.0"]);
}

/// Cityscapes' and COCO's kind: pictures of two sizes, resized and cut at random, pixels without a class, edges between
/// instances. A run that is broken off in between ends in the same bytes, and its file says which class is none.
#[test]
fn edges_and_cuts_go_on_as_well() {
    let place = tempfile::tempdir().unwrap();
    for folder in ["labels", "instances"] {
        fs::create_dir(place.path().join(folder)).unwrap();
    }
    for i in 0..12u32 {
        let (w, h) = if i % 2 == 0 { (50, 40) } else { (36, 44) };
        let name = format!("{i:02}.png");
        RgbImage::from_fn(w, h, |x, y| image::Rgb([x * 5, y * 5, i * 20].map(|v| v as u8)))
            .save(place.path().join(&name))
            .unwrap();
        let class = |x: u32, y: u32| if x < 6 { 255 } else { u8::from(y > 20 + i) };
        GrayImage::from_fn(w, h, |x, y| Luma([class(x, y)])).save(place.path().join("labels").join(&name)).unwrap();
        let thing = |x: u32, y: u32| (x / 9 + 7 * (y / 11)) as u8;
        GrayImage::from_fn(w, h, |x, y| Luma([thing(x, y)])).save(place.path().join("instances").join(&name)).unwrap();
    }
    let settings = [
        "kimg=0.024",
        "dont_care=true",
        "generator.edges=true",
        "data.preprocess={ mode = \"scale_width_and_crop\", load_size = 44, crop_size = 32 }",
    ];
    let config = &config(SPADE, &settings).unwrap();
    let dataset = &Arc::new(Dataset::open_as(place.path(), config.data().preprocess).unwrap());
    let run = |folder: &Path, stop_after: u64| {
        let (stop, out) = (AtomicBool::new(false), RunFolder::open(folder).unwrap());
        let observer = &mut StopAfter { step: stop_after, stop: &stop, warnings: vec![] };
        Session {
            config,
            dataset,
            device: &candle_core::Device::Cpu,
            folder: &out,
            communicator: &Single,
            observer,
            stop: &stop,
        }
        .resume()
        .unwrap()
    };
    let (straight, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(matches!(run(straight.path(), u64::MAX), Outcome::Finished { .. }));
    assert!(matches!(run(broken.path(), 3), Outcome::Interrupted { .. }));
    assert!(matches!(run(broken.path(), u64::MAX), Outcome::Finished { .. }));
    assert!(last(straight.path()) == last(broken.path()));
    let checkpoint = Checkpoint::open(straight.path().join("network-000000.safetensors")).unwrap();
    assert_eq!(checkpoint.metadata().unwrap().no_class(), Some(2));
    assert_eq!(config_of(&checkpoint), Some(config.decisive()));
}

/// Maps of a single class each: after a short run the pictures of different classes differ, as the argument of
/// the paper has it for SPADE, and look like those of their own class.
#[test]
fn classes_are_told_apart_where_a_map_has_only_one() {
    let place = tempfile::tempdir().unwrap();
    let colours = [[230, 20, 20], [20, 230, 20], [20, 20, 230]];
    fs::create_dir(place.path().join("labels")).unwrap();
    for i in 0..12usize {
        let name = format!("{i:02}.png");
        RgbImage::from_pixel(32, 32, image::Rgb(colours[i % 3])).save(place.path().join(&name)).unwrap();
        GrayImage::from_pixel(32, 32, Luma([i as u8 % 3])).save(place.path().join("labels").join(&name)).unwrap();
    }
    let dataset = Arc::new(Dataset::open(place.path()).unwrap());
    let run = tempfile::tempdir().unwrap();
    let settings = [
        "kimg=0.3",
        "ema_kimg=0",
        "schedule.lr=0.02",
        "schedule.lr_decay_kimg=0.15",
        "output.snapshot_kimg=9",
        "output.tick_kimg=0.1",
        "loss.perceptual=0",
        "loss.kl=0",
        "generator.channels=2",
    ];
    let text = SPADE.replace("[encoder]\nresolution = 16\nchannels = 2\n", "").replace("z_dim = 4\n", "");
    let config = &config(&text, &settings).unwrap();
    let (stop, folder) = (AtomicBool::new(false), RunFolder::open(run.path()).unwrap());
    let observer = &mut StopAfter { step: u64::MAX, stop: &stop, warnings: vec![] };
    let session = Session {
        config,
        dataset: &dataset,
        device: &candle_core::Device::Cpu,
        folder: &folder,
        communicator: &Single,
        observer,
        stop: &stop,
    };
    assert!(matches!(session.start().unwrap(), Outcome::Finished { .. }));

    let device = candle_core::Device::Cpu;
    let model = stylegan_core::Model::load(run.path().join("network-000000.safetensors"), &device).unwrap();
    let sampler = stylegan_core::Sampler::new(model.generator());
    let mean = |class: u32| -> Vec<f32> {
        let map = candle_core::Tensor::full(class, (1, 1, 32, 32), &device).unwrap();
        let map = stylegan_kernels::Labels::new(&map, None, 3).unwrap().into();
        let condition = stylegan_core::Condition::Map(&map);
        let z = candle_core::Tensor::zeros((1, 0), candle_core::DType::F32, &device).unwrap();
        let images = sampler.images(&sampler.styles(&z, condition).unwrap(), condition, &[]).unwrap();
        images.flatten_from(2).unwrap().mean(2).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    };
    let found: Vec<_> = (0..3).map(mean).collect();
    for (class, levels) in found.iter().enumerate() {
        let strongest = (0..3).max_by(|&a, &b| levels[a].total_cmp(&levels[b]));
        assert_eq!(strongest, Some(class), "{found:?}");
    }
}
