//! Tiny runs of encoders into the styles of a generator: they learn, go on as if never broken off, and refuse what does
//! not fit.

#![allow(clippy::unwrap_used)]

mod tools;

use candle_core::{Device, Tensor};
use image::{GrayImage, Luma};
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use stylegan_core::checkpoint::{Checkpoint, Metadata, save};
use stylegan_core::{Model, SynthesisOptions, TrainedEncoder};
use stylegan_train::communicator::{Single, Threads};
use stylegan_train::config::{Override, RecipeConfig, read_recipe};
use stylegan_train::data::Dataset;
use stylegan_train::state::config_of;
use stylegan_train::{Outcome, Result, RunFolder, Session};
use tools::{StopAfter, gradients};

/// Drawn pictures in the first three steps, holes, flips, all losses that need no weights.
const ENCODER: &str = r#"
recipe = "encoder"
seed = 3
kimg = 0.032
pretrain_kimg = 0.012
[task]
input = "masked"
flip = true
[encoder]
img_size = [32, 32]
num_ws = 6
w_dim = 8
channels = 4
[loss]
w_norm = 0.005
l2_crop = 0.5
[schedule]
batch = 4
lr = 0.001
[data]
mirror = true
[output]
tick_kimg = 0.008
snapshot_kimg = 0.016
checkpoint_kimg = 0.016
"#;

/// A folder with 40 pictures of 32 pixels, their maps of three classes, and `G.safetensors`.
fn place() -> &'static (tempfile::TempDir, Arc<Dataset>) {
    static SET: OnceLock<(tempfile::TempDir, Arc<Dataset>)> = OnceLock::new();
    SET.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        fs::create_dir_all(set.join("labels")).unwrap();
        gradients(&set, 32);
        for i in 0..40 {
            let map = GrayImage::from_fn(32, 32, |x, y| Luma([u8::from(x > i) + u8::from(y > 16)]));
            map.save(set.join(format!("labels/{i:02}.png"))).unwrap();
        }
        stylegan_core::doc::save_tiny_network(&folder.path().join("G.safetensors")).unwrap();
        let set = Arc::new(Dataset::open(&set).unwrap());
        (folder, set)
    })
}

fn generator() -> String {
    format!("generator={}", place().0.path().join("G.safetensors").display())
}

fn config(overrides: &[&str]) -> Result<RecipeConfig> {
    let generator = generator();
    let overrides: Vec<_> =
        [&generator[..]].iter().chain(overrides).map(|text| Override::parse(text)).collect::<Result<_>>()?;
    read_recipe(ENCODER, "tiny.toml", &overrides)
}

/// Goes on with a run until a step.
fn go_on(config: &RecipeConfig, set: &Arc<Dataset>, folder: &Path, stop_after: u64) -> Result<Outcome> {
    let (stop, folder) = (AtomicBool::new(false), RunFolder::open(folder)?);
    let observer = &mut StopAfter { step: stop_after, stop: &stop, warnings: vec![] };
    Session {
        config,
        dataset: set,
        device: &candle_core::Device::Cpu,
        folder: &folder,
        communicator: &Single,
        observer,
        stop: &stop,
    }
    .resume()
}

fn last(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("network-000000.safetensors")).unwrap()
}

/// The mean of a statistic in each line of the log that has it.
fn logged(folder: &Path, key: &str) -> Vec<f64> {
    let log = fs::read_to_string(folder.join("stats.jsonl")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter_map(|line| line[key]["mean"].as_f64()).collect()
}

#[test]
fn a_run_that_was_broken_off_ends_in_the_same_bytes() {
    let config = config(&[]).unwrap();
    let (straight, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(matches!(go_on(&config, &place().1, straight.path(), u64::MAX), Ok(Outcome::Finished { .. })));
    // Within the drawn pictures, and on the last step before slow weights meet the fast ones.
    for stop_after in [1, 5] {
        assert!(matches!(go_on(&config, &place().1, broken.path(), stop_after), Ok(Outcome::Interrupted { .. })));
    }
    assert!(matches!(go_on(&config, &place().1, broken.path(), u64::MAX), Ok(Outcome::Finished { .. })));
    assert!(last(straight.path()) == last(broken.path()));

    // The folder says which generator it was, and its checkpoint is encoder and generator in one.
    let path = straight.path();
    let RecipeConfig::Encoder(stored) = RecipeConfig::from_file(&path.join("config.toml"), &[]).unwrap() else {
        panic!("another recipe")
    };
    let file = path.join("network-000000.safetensors");
    let (encoder, model) =
        (TrainedEncoder::load(&file, &Device::Cpu).unwrap(), Model::load(&file, &Device::Cpu).unwrap());
    let given = Model::load(place().0.path().join("G.safetensors"), &Device::Cpu).unwrap();
    assert_eq!(Some(stored.generator_hash.as_str()), given.content_hash());
    let Some(RecipeConfig::Encoder(kept)) = config_of(&Checkpoint::open(&file).unwrap()) else { panic!("no config") };
    assert_eq!((&kept.generator_hash, &kept.task), (&stored.generator_hash, &stored.task));
    encoder.check_fits(model.generator().spec()).unwrap();
    let rows = encoder.encode(&Tensor::zeros((2, 3, 32, 32), candle_core::DType::F32, &Device::Cpu).unwrap()).unwrap();
    let pictures = |model: &Model| {
        let images = model.synthesize(&rows, &SynthesisOptions::default()).unwrap();
        images.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(pictures(&model), pictures(&given));
    for key in ["Loss/E/w", "Loss/E/l2", "Loss/E/l2_crop", "Loss/E/stlpips", "Loss/E/w_norm", "Loss/E/loss"] {
        assert!(!logged(path, key).is_empty(), "{key}");
    }
    let shape = |name: &str| {
        let sheet = image::open(path.join(name)).unwrap();
        f64::from(sheet.width()) / f64::from(sheet.height())
    };
    assert!(shape("fakes-init.png") > 2.5 * shape("reals.png"));
}

/// Every kind of input, the other optimiser, a generator that learns as well.
#[test]
fn tasks_train() {
    let short = ["kimg=0.008", "pretrain_kimg=0", "loss.lpips=0", "output.snapshot_kimg=9"];
    let tasks: [&[&str]; 6] = [
        &["task.input=picture", "task.flip=false"],
        &["task.input=sketch", "encoder.img_channels=1", "pretrain_kimg=0.004"],
        &["task.input=map", "encoder.img_channels=3", "data.mirror=false"],
        &["task.input=downscaled", "task.factors=[2,8]"],
        &["encoder.head=w-plus", "schedule.optimizer=adam"],
        &["encoder.head=w", "train_generator=true"],
    ];
    let mut ends = vec![];
    for task in tasks {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&[&short[..], task].concat()).unwrap();
        assert!(
            matches!(go_on(&config, &place().1, folder.path(), u64::MAX), Ok(Outcome::Finished { .. })),
            "{task:?}"
        );
        let model = Model::load(folder.path().join("network-000000.safetensors"), &Device::Cpu).unwrap();
        ends.push(
            model
                .params()
                .vars()
                .into_iter()
                .map(|(name, var)| (name, var.flatten_all().unwrap().to_vec1::<f32>().unwrap()))
                .collect::<Vec<_>>(),
        );
    }
    // A frozen generator is the given one; one that learns moves, but for its mapping.
    assert!(ends[..5].iter().all(|end| *end == ends[0]));
    let pairs = ends[0].iter().zip(&ends[5]);
    let moved: Vec<_> = pairs.filter(|(before, after)| before != after).map(|((name, _), _)| name).collect();
    assert!(moved.len() > 4 && moved.iter().all(|name| name.starts_with("synthesis.")), "{moved:?}");
}

/// A generator that learns later begins then, and the encoder goes on with its moments, also those of older files, which had
/// other names where the generator learned as well.
#[test]
fn a_generator_may_learn_later() {
    let folder = tempfile::tempdir().unwrap();
    let of = |kimg: &str, learns: bool| {
        let learns = format!("train_generator={learns}");
        let settings = [kimg, &learns, "pretrain_kimg=0", "loss.lpips=0", "output.snapshot_kimg=9", "encoder.head=w"];
        let (config, stop) = (config(&settings).unwrap(), AtomicBool::new(false));
        let out = RunFolder::open(folder.path()).unwrap();
        let mut observer = StopAfter { step: u64::MAX, stop: &stop, warnings: vec![] };
        let (dataset, device) = (&place().1, &Device::Cpu);
        Session {
            config: &config,
            dataset,
            device,
            folder: &out,
            communicator: &Single,
            observer: &mut observer,
            stop: &stop,
        }
        .resume()
        .unwrap();
        observer.warnings
    };
    let file = folder.path().join("network-000000.safetensors");
    assert_eq!(of("kimg=0.008", false), Vec::<String>::new());
    let said = of("kimg=0.016", true);
    assert!(said.len() == 1 && said[0].contains("has no moment opt_e.m.G.synthesis."), "{said:?}");
    let began = Checkpoint::open(&file).unwrap().metadata().unwrap().extra["opt_e.began"].clone();
    let began: std::collections::BTreeMap<String, u64> = serde_json::from_str(&began).unwrap();
    assert!(began.iter().all(|(name, step)| name.starts_with("G.synthesis.") && *step == 2), "{began:?}");

    let saved = Checkpoint::open(&file).unwrap();
    let older = |name: &str| match name.split_once("opt_e.") {
        Some((_, rest)) if !rest.contains(".G.") => {
            let (part, rest) = rest.split_once('.').unwrap();
            format!("opt_e.{part}.E.{rest}")
        }
        _ => name.to_owned(),
    };
    let tensors: Vec<_> = saved.names().map(|name| (older(name), saved.tensor(name, &Device::Cpu).unwrap())).collect();
    let metadata = saved.metadata().unwrap().clone();
    drop(saved);
    save(&file, &metadata, &tensors).unwrap();
    assert!(Checkpoint::open(&file).unwrap().names().any(|name| name.starts_with("opt_e.m.E.body.")));
    assert_eq!(of("kimg=0.024", true), Vec::<String>::new());
    assert!(Checkpoint::open(&file).unwrap().names().any(|name| name.starts_with("opt_e.m.body.")));
    assert_eq!(of("kimg=0.032", false), Vec::<String>::new());
}

/// What the generator drew is told from the pictures after a short while.
#[test]
fn losses_fall() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        "kimg=0.96",
        "pretrain_kimg=0.48",
        "task.input=picture",
        "task.flip=false",
        "loss.lpips=0",
        "loss.l2_crop=0",
        "schedule.batch=8",
        // Ranger takes hundreds of steps to come to full ones.
        "schedule.optimizer=adam",
        "schedule.lr=0.003",
        "output.tick_kimg=0.12",
        "output.snapshot_kimg=9",
        "output.checkpoint_kimg=9",
    ];
    let config = config(&settings).unwrap();
    assert!(matches!(go_on(&config, &place().1, folder.path(), u64::MAX), Ok(Outcome::Finished { .. })));
    for key in ["Loss/E/w", "Loss/E/l2"] {
        let values = logged(folder.path(), key);
        assert!(values.len() >= 4 && values[values.len() - 1] < 0.8 * values[0], "{key}: {values:?}");
    }
}

/// An encoder of sketches begins with the backbone of one of pictures.
#[test]
fn backbones_are_taken_over() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let short = ["kimg=0.004", "loss.lpips=0", "output.snapshot_kimg=9", "pretrain_kimg=0"];
    go_on(&config(&short).unwrap(), &place().1, first.path(), u64::MAX).unwrap();
    let backbone = format!("backbone={}", first.path().join("network-000000.safetensors").display());
    let still = ["task.input=sketch", "encoder.img_channels=1", "schedule.lr=0", &backbone];
    go_on(&config(&[&short[..], &still].concat()).unwrap(), &place().1, second.path(), u64::MAX).unwrap();
    let tensor = |folder: &Path, name: &str| {
        let file = Checkpoint::open(folder.join("network-000000.safetensors")).unwrap();
        file.tensor(name, &Device::Cpu).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    for (name, taken) in [("E.body.7.res_layer.1.weight", true), ("E.styles.0.convs.0.weight", false)] {
        assert_eq!(tensor(first.path(), name) == tensor(second.path(), name), taken, "{name}");
    }
    assert_eq!(tensor(second.path(), "E.input_layer.0.weight").len(), 4 * 9);
    let wide = config(&[&short[..], &still, &["encoder.channels=8"]].concat()).unwrap();
    let error = go_on(&wide, &place().1, &second.path().join("wide"), u64::MAX).unwrap_err().to_string();
    assert!(error.contains("backbone = ") && error.contains("encoder.channels"), "{error}");
}

/// What does not fit is refused before the first step, each by one sentence.
#[test]
fn generators_and_sets_that_do_not_fit() {
    let refused_of = |config: &RecipeConfig, set: &Arc<Dataset>, parts: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let error = go_on(config, set, &folder.path().join("run"), 0).unwrap_err();
        let text = error.to_string();
        assert!(parts.iter().all(|part| text.contains(part)) && !text.contains('\n'), "{text}");
    };
    let (folder, set) = place();
    // One that a program made is checked as one of a file is.
    let mut own = config(&[]).unwrap();
    let RecipeConfig::Encoder(encoder) = &mut own else { panic!("another recipe") };
    encoder.schedule.batch = 0;
    refused_of(&own, set, &["the configuration: key `schedule.batch`: expected at least 1, found 0"]);

    let refused = |set: &Arc<Dataset>, settings: &[&str], parts: &[&str]| {
        refused_of(&config(settings).unwrap(), set, parts);
    };
    refused(set, &["generator="], &["generator", "is empty", "--set generator="]);
    refused(set, &["generator=nowhere.safetensors"], &["nowhere.safetensors"]);
    refused(set, &[&format!("generator={}", folder.path().display())], &["no whole checkpoint"]);
    refused(set, &["generator_hash=abc"], &["the run began with abc"]);
    refused(set, &["encoder.num_ws=8"], &["takes 6 style rows of 8 numbers", "set encoder.num_ws = 6"]);
    refused(set, &["encoder.w_dim=16"], &["encoder.w_dim = 8"]);
    refused(set, &["encoder.img_size=[64,64]"], &["32x32 pixels", "64x64", "--size 64"]);
    refused(
        set,
        &["loss.classifier=nowhere.safetensors"],
        &["loss.classifier = nowhere.safetensors", "--set loss.id=0"],
    );
    refused(
        set,
        &["loss.lpips_weights=nowhere.pth"],
        &["loss.lpips_weights = nowhere.pth", "--set loss.lpips_weights="],
    );
    refused(
        set,
        &["task.input=map", "encoder.img_channels=2", "pretrain_kimg=0"],
        &["class 2", "encoder.img_channels = 3"],
    );
    let bare = tempfile::tempdir().unwrap();
    refused(&gradients(bare.path(), 32), &["task.input=map", "pretrain_kimg=0"], &["no label maps", "labels/"]);
    // A classifier of the program's own format, but no network of faces.
    let weights = bare.path().join("faces.safetensors");
    let tensor = Tensor::zeros(3, candle_core::DType::F32, &Device::Cpu).unwrap();
    save(&weights, &Metadata::default(), &[("input_layer.0.weight".to_owned(), tensor)]).unwrap();
    refused(set, &[&format!("loss.arcface={}", weights.display())], &["loss.arcface", "model_ir_se50.pth"]);
}

#[test]
fn one_rank_trains() {
    let (config, folder) = (config(&[]).unwrap(), tempfile::tempdir().unwrap());
    let out = &RunFolder::open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        for communicator in Threads::world(2) {
            let config = &config;
            scope.spawn(move || {
                let stop = AtomicBool::new(false);
                let observer = &mut StopAfter { step: 0, stop: &stop, warnings: vec![] };
                let communicator = &communicator;
                let session = Session {
                    config,
                    dataset: &place().1,
                    device: &candle_core::Device::Cpu,
                    folder: out,
                    communicator,
                    observer,
                    stop: &stop,
                };
                let error = session.start().unwrap_err().to_string();
                assert!(error.contains("2 ranks cannot share"), "{error}");
            });
        }
    });
}

#[test]
fn settings_that_describe_no_run() {
    let wrong = |settings: &[&str], parts: &[&str]| {
        let error = config(settings).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)) && !error.contains('\n'), "{error}");
    };
    wrong(&["encoder.img_size=[48,48]"], &["img_size 48x48"]);
    wrong(&["encoder.img_channels=1"], &["encoder.img_channels", "expected 3"]);
    wrong(&["task.input=sketch", "encoder.img_channels=3"], &["encoder.img_channels", "expected 1"]);
    wrong(&["task.input=sketches"], &["task.input", "did you mean `sketch`?"]);
    wrong(&["task.input=map"], &["pretrain_kimg", "label maps"]);
    wrong(&["task.input=downscaled", "task.factors=[3]"], &["task.factors", "powers of two", "found 3"]);
    wrong(&["task.input=downscaled", "task.factors=[]"], &["task.factors", "at least one"]);
    wrong(&["loss.l2=0", "loss.l2_crop=0", "loss.lpips=0"], &["loss.l2", "above 0"]);
    wrong(&["loss.id=-1"], &["loss.id", "from 0"]);
    wrong(&["loss.arcface=a", "loss.classifier=b"], &["loss.classifier", "one network"]);
    wrong(&["schedule.batch=0"], &["schedule.batch", "at least 1"]);
    wrong(&["schedule.optimizer=rangr"], &["schedule.optimizer", "`ranger`"]);
    wrong(&["loss.lr=1"], &["it belongs to [schedule]"]);
    // A sketch needs no word on its channel.
    let text = ENCODER.replace("masked", "sketch");
    let RecipeConfig::Encoder(sketch) = read_recipe(&text, "tiny.toml", &[]).unwrap() else { panic!("another recipe") };
    assert_eq!(sketch.encoder.img_channels, 1);
    let written = sketch.to_toml().unwrap();
    assert_eq!(read_recipe(&written, "written", &[]).unwrap(), RecipeConfig::Encoder(sketch));
}
