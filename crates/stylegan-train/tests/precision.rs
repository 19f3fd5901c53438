//! Runs whose products are less precise than f32.

#![allow(clippy::unwrap_used)]

mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use stylegan_train::config::TrainConfig;
use stylegan_train::{Outcome, RunFolder};
use tools::{STYLEGAN2, StopAfter, pictures, run, session, tiny};

/// Networks wide enough for tiles, and five steps: with R1 and path lengths as phases of their own, or with R1 in each.
fn wide(architecture: &[&str], products: &str) -> TrainConfig {
    let channels = [
        "kimg=0.08",
        "generator.channel_base=512",
        "generator.channel_max=16",
        "discriminator.channel_base=512",
        "discriminator.channel_max=16",
    ];
    let products = format!("precision.products={products}");
    tiny(&[architecture, &channels, &[&products[..]]].concat()).unwrap()
}

fn checkpoint(outcome: Outcome) -> PathBuf {
    match outcome {
        Outcome::Finished { checkpoint } | Outcome::Interrupted { checkpoint } => checkpoint,
    }
}

fn bytes(config: &TrainConfig, folder: &Path) -> Vec<u8> {
    fs::read(checkpoint(run(config, folder).unwrap())).unwrap()
}

/// Stops a run after a step and goes on with it under another configuration; what it then ends with and says.
fn stopped(config: &TrainConfig, later: &TrainConfig) -> (Vec<u8>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let go = |config: &TrainConfig, step, resume: bool| {
        let stop = AtomicBool::new(false);
        let mut observer = StopAfter { step, stop: &stop, warnings: vec![] };
        let run = RunFolder::open(folder.path()).unwrap();
        let session = session(config, pictures(), &run, &mut observer, &stop);
        let outcome = if resume { session.resume() } else { session.start() };
        (checkpoint(outcome.unwrap()), observer.warnings)
    };
    go(config, 3, false);
    let (last, warnings) = go(later, 99, true);
    (fs::read(last).unwrap(), warnings)
}

#[test]
fn resumed_runs_end_in_the_same_bytes() {
    for (architecture, products) in [(&STYLEGAN2[..], "bf16x3"), (&STYLEGAN2[..], "bf16"), (&[][..], "bf16")] {
        let config = wide(architecture, products);
        let straight = tempfile::tempdir().unwrap();
        let (resumed, warnings) = stopped(&config, &config);
        assert!(resumed == bytes(&config, straight.path()), "{products}");
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}

#[test]
fn another_precision_gets_one_note() {
    let [before, later] = ["f32", "bf16"].map(|products| wide(&STYLEGAN2, products));
    let straight = tempfile::tempdir().unwrap();
    let (resumed, warnings) = stopped(&before, &later);
    assert!(resumed != bytes(&before, straight.path()));
    let expected = "the run came with products in f32 and goes on in bf16: as well, but not to the same bits";
    assert_eq!(warnings, [expected]);
}

#[test]
fn neither_lanes_nor_threads_change_a_bit() {
    let bytes = [(1, 1), (2, 2), (4, 1)].map(|(at_once, threads)| {
        let folder = tempfile::tempdir().unwrap();
        let mut config = wide(&STYLEGAN2, "bf16x3");
        config.shards.at_once = at_once;
        stylegan_kernels::threads::with_limit(threads, || bytes(&config, folder.path()))
    });
    assert!(bytes[0] == bytes[1] && bytes[0] == bytes[2]);
}

/// The losses of the first line, which is of four steps. Those of the first step differ by what 16 or 8 bits lose in some
/// layers, later ones also by what that does to the steps.
#[test]
fn losses_are_near_those_of_f32() {
    let losses = |products: &str| {
        let folder = tempfile::tempdir().unwrap();
        run(&wide(&STYLEGAN2, products), folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join("stats.jsonl")).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        ["Loss/G/loss", "Loss/D/loss", "Loss/r1_penalty", "Loss/pl_length"]
            .map(|key| line[key]["mean"].as_f64().unwrap())
    };
    let exact = losses("f32");
    for (products, bound) in [("bf16x3", 5e-3), ("bf16", 0.2)] {
        let found = losses(products);
        for (found, exact) in found.iter().zip(exact) {
            let error = (found / exact - 1.).abs();
            assert!(error > 0. && error < bound, "{products}: {found} for {exact}");
        }
    }
}
