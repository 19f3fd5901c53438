//! A tiny run: 8x8 to 16x16 pixels, a second or two for a few hundred pictures.

#![allow(dead_code, clippy::unwrap_used)]

use image::{Rgb, RgbImage};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use stylegan_core::picture::write_png;
use stylegan_train::communicator::Single;
use stylegan_train::config::{Override, TrainConfig, read};
use stylegan_train::data::Dataset;
use stylegan_train::observer::{Observer, Position, Silent};
use stylegan_train::stats::Stats;
use stylegan_train::{Outcome, Result, RunFolder, Session};

pub(crate) const TINY: &str = r#"
seed = 3
kimg = 0.32
[generator]
img_size = [16, 16]
z_dim = 8
w_dim = 8
mapping_layers = 2
mapping_width = 8
channel_base = 64
channel_max = 8
[discriminator]
channel_base = 64
channel_max = 8
[schedule]
stable_kimg = 0.08
fade_kimg = 0.08
batch = 16
lr = 0.002
[shards]
size = 4
[ema]
kimg = 0.1
[data]
mirror = true
[output]
tick_kimg = 0.064
snapshot_kimg = 0.16
checkpoint_kimg = 0.16
"#;

/// Makes the tiny run one of StyleGAN2, with regularising phases in every second and fourth step.
pub(crate) const STYLEGAN2: [&str; 5] = [
    "generator.architecture=stylegan2",
    "path_length.interval=2",
    "loss.r1_interval=4",
    "schedule.stable_kimg=0",
    "schedule.fade_kimg=0",
];

/// As [`STYLEGAN2`], from 8x8 pixels on and with larger networks for 16x16 after five steps.
pub(crate) fn growing_stylegan2() -> Vec<&'static str> {
    [&STYLEGAN2[..], &["schedule.stable_kimg=0.08"]].concat()
}

pub(crate) fn tiny(overrides: &[&str]) -> Result<TrainConfig> {
    let overrides: Vec<_> = overrides.iter().map(|text| Override::parse(text)).collect::<Result<_>>()?;
    read(TINY, "tiny.toml", &overrides)
}

/// A set of 40 pictures of coloured gradients of `side` pixels, with two classes.
pub(crate) fn gradients(folder: &Path, side: u32) -> Arc<Dataset> {
    let name = |i: u32| format!("{i:02}.png");
    for i in 0..40 {
        let colour = |x: u32, y: u32| Rgb([x * (i % 7 + 1) * 2, y * (i % 3) * 5, x + y + i].map(|v| v as u8));
        write_png(&folder.join(name(i)), &RgbImage::from_fn(side, side, colour), &[]).unwrap();
    }
    let labels: Vec<_> = (0..40).map(|i| serde_json::json!([name(i), i % 2])).collect();
    std::fs::write(folder.join("dataset.json"), serde_json::json!({ "labels": labels }).to_string()).unwrap();
    Arc::new(Dataset::open(folder).unwrap())
}

/// [`gradients`] of 16 pixels, made once for all tests of a file.
pub(crate) fn pictures() -> &'static Arc<Dataset> {
    static SET: OnceLock<(tempfile::TempDir, Arc<Dataset>)> = OnceLock::new();
    &SET.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let set = gradients(folder.path(), 16);
        (folder, set)
    })
    .1
}

/// A session of one process.
pub(crate) fn session<'a>(
    config: &'a TrainConfig,
    dataset: &'a Arc<Dataset>,
    folder: &'a RunFolder,
    observer: &'a mut dyn Observer,
    stop: &'a AtomicBool,
) -> Session<'a> {
    Session { config, dataset, device: &candle_core::Device::Cpu, folder, communicator: &Single, observer, stop }
}

pub(crate) fn run(config: &TrainConfig, out: &Path) -> Result<Outcome> {
    session(config, pictures(), &RunFolder::open(out)?, &mut Silent, &AtomicBool::new(false)).start()
}

pub(crate) fn go_on(config: &TrainConfig, out: &Path) -> Result<Outcome> {
    session(config, pictures(), &RunFolder::open(out)?, &mut Silent, &AtomicBool::new(false)).resume()
}

/// Asks to stop after a step, and remembers what it was told.
pub(crate) struct StopAfter<'a> {
    pub(crate) step: u64,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) warnings: Vec<String>,
}

impl Observer for StopAfter<'_> {
    fn stepped(&mut self, at: &Position, _stats: &Stats) {
        if at.step == self.step {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
    fn warned(&mut self, sentence: &str) {
        self.warnings.push(sentence.to_owned());
    }
}
