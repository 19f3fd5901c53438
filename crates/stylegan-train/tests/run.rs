//! Whole runs: resuming, shards, folders, failures.

#![allow(clippy::unwrap_used)]

mod tools;

use candle_core::Device;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_train::checkpoints::list;
use stylegan_train::communicator::Communicator;
use stylegan_train::config::ByResolution;
use stylegan_train::data::Dataset;
use stylegan_train::observer::{Position, Silent};
use stylegan_train::stats::Stats;
use stylegan_train::{Error, Measured, Observer, Outcome, RunFolder, Score};
use tools::{STYLEGAN2, StopAfter, go_on, gradients, growing_stylegan2, pictures, run, session, tiny};

fn checkpoint(outcome: Outcome) -> PathBuf {
    match outcome {
        Outcome::Finished { checkpoint } | Outcome::Interrupted { checkpoint } => checkpoint,
    }
}

/// The lines without what depends on the clock.
fn stats(folder: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(folder.join("stats.jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            line.as_object_mut()
                .unwrap()
                .retain(|key, _| !key.starts_with("Timing/") && !key.starts_with("Resources/"));
            line
        })
        .collect()
}

/// Those of ticks.
fn ticks(folder: &Path) -> Vec<serde_json::Value> {
    stats(folder).into_iter().filter(|line| line.get("Progress/step").is_some()).collect()
}

#[test]
fn a_folder_holds_what_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(&[]).unwrap();
    let last = checkpoint(run(&config, folder.path()).unwrap());
    for name in ["config.toml", "log.txt", "stats.jsonl", "reals.png", "fakes-init.png", "fakes-000000.png"] {
        assert!(folder.path().join(name).exists(), "{name}");
    }
    assert_eq!(last, folder.path().join("network-000000.safetensors"));
    let lines = ticks(folder.path());
    assert_eq!(lines.len(), 5);
    let counts: Vec<f64> = lines.iter().map(|line| line["Loss/scores/real"]["count"].as_f64().unwrap()).collect();
    assert_eq!(counts, [64.; 5]);
    // 16 pixels from 0.08 kimg on, wholly from 0.16.
    let lods: Vec<f64> = lines.iter().map(|line| line["Progress/lod"]["mean"].as_f64().unwrap()).collect();
    assert_eq!(lods, [1., 0.4, 0., 0., 0.]);
    let text = fs::read_to_string(folder.path().join("config.toml")).unwrap();
    assert_eq!(stylegan_train::config::read(&text, "config.toml", &[]).unwrap(), config);
    // The file serves as a network at once.
    stylegan_core::Model::load(&last, &Device::Cpu).unwrap();
}

/// Each sample grid but the first says how far its pictures are from each other, and how far real ones.
#[test]
fn sample_grids_tell_variety_and_a_collapse() {
    let grids = |overrides: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let stop = AtomicBool::new(false);
        let mut observer = StopAfter { step: u64::MAX, stop: &stop, warnings: vec![] };
        let config = tiny(overrides).unwrap();
        session(&config, pictures(), &RunFolder::open(folder.path()).unwrap(), &mut observer, &stop).start().unwrap();
        let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
        let said: Vec<String> =
            log.lines().filter_map(stylegan_train::health::warning).map(|(_, sentence)| sentence.to_owned()).collect();
        assert_eq!(said, observer.warnings);
        let lines = stats(folder.path()).into_iter().filter(|line| line.get("Variety/fake").is_some());
        let mean = |line: &serde_json::Value, key: &str| line[key]["mean"].as_f64().unwrap();
        let grids: Vec<[f64; 3]> =
            lines.map(|line| ["Progress/kimg", "Variety/fake", "Variety/real"].map(|key| mean(&line, key))).collect();
        (grids, said)
    };
    let labels = ["generator.c_dim=2", "discriminator.c_dim=2", "schedule.lr=1e-9"];
    let cases: [&[&str]; 4] = [&[], &STYLEGAN2, &["schedule.lr=1e-9"], &labels];
    for overrides in cases {
        let (grids, said) = grids(overrides);
        assert_eq!(grids.iter().map(|grid| grid[0]).collect::<Vec<_>>(), [0.16, 0.32]);
        // Said of a grid after a varied one alone.
        let varied: Vec<bool> = grids.iter().map(|[_, fake, real]| fake / real >= 0.3).collect();
        let collapsed = usize::from(varied == [true, false]);
        let named = said.iter().filter(|sentence| sentence.starts_with("the generator has collapsed")).count();
        assert_eq!(named, collapsed, "{overrides:?} {grids:?} {said:?}");
    }
}

/// StyleGAN grows in its run, StyleGAN2 regularises in some of its steps.
fn resumes(architecture: &[&str]) {
    let straight = tempfile::tempdir().unwrap();
    let config = tiny(architecture).unwrap();
    let expected = fs::read(checkpoint(run(&config, straight.path()).unwrap())).unwrap();
    // Before the growth, at the step of it, in the fade (in the middle of a tick), at a checkpoint.
    for step in [3, 5, 7, 10] {
        let folder = tempfile::tempdir().unwrap();
        let stop = AtomicBool::new(false);
        let mut observer = StopAfter { step, stop: &stop, warnings: vec![] };
        let outcome = session(&config, pictures(), &RunFolder::open(folder.path()).unwrap(), &mut observer, &stop)
            .start()
            .unwrap();
        assert!(matches!(outcome, Outcome::Interrupted { .. }));
        let last = checkpoint(go_on(&config, folder.path()).unwrap());
        assert!(fs::read(last).unwrap() == expected, "stopped after step {step}");
        assert_eq!(stats(folder.path()), stats(straight.path()), "stopped after step {step}");
    }
}

#[test]
fn resumed_runs_end_in_the_same_bytes() {
    resumes(&[]);
}

#[test]
fn resumed_runs_of_stylegan2_end_in_the_same_bytes() {
    resumes(&STYLEGAN2);
}

#[test]
fn resumed_runs_of_a_growing_stylegan2_end_in_the_same_bytes() {
    resumes(&[&growing_stylegan2()[..], &["augment={pipe='bgcfnc',target=-1,kimg=1,interval=3}"]].concat());
}

/// Five steps at 8x8 pixels, whose networks are what the run has at its end. With a sixth it has some of 16x16 that begin with
/// all that they have in common with those.
#[test]
fn stylegan2_grows_by_larger_networks() {
    let (small, large) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Weights stay as they are at 16x16, and their average is drawn to them.
    let still = ["schedule.lr={base=0.002,16=0}", "path_length.weight=0"];
    let of = |folder: &Path, kimg: &str| {
        let config = tiny(&[&growing_stylegan2()[..], &still, &[kimg]].concat()).unwrap();
        Checkpoint::open(checkpoint(run(&config, folder).unwrap())).unwrap()
    };
    let (before, after) = (of(small.path(), "kimg=0.08"), of(large.path(), "kimg=0.096"));
    let sizes = [&before, &after].map(|file| {
        let model = stylegan_core::Model::of_checkpoint(file, &Device::Cpu).unwrap();
        model.generator().spec().img_size
    });
    assert_eq!(sizes, [[8, 8], [16, 16]]);
    let values = |file: &Checkpoint, name: &str| {
        file.tensor(name, &Device::Cpu).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let kept_of_average = 0.5f32.powf(0.16);
    for prefix in ["G", "G_ema", "D"] {
        let names = |file: &Checkpoint| -> Vec<String> {
            let all = file.params(prefix, &Device::Cpu).unwrap().vars();
            all.into_iter().map(|(name, _)| format!("{prefix}.{name}")).collect()
        };
        let (old, new) = (names(&before), names(&after));
        let (kept, gone): (Vec<_>, Vec<_>) = old.iter().partition(|name| new.contains(name));
        // What reads pictures is of their size.
        assert!(gone.iter().all(|name| name.contains("fromrgb")), "{gone:?}");
        assert!(new.len() > kept.len() && !kept.is_empty());
        for name in kept.iter().filter(|name| !name.ends_with("w_avg")) {
            let (old, new) = (values(&before, name), values(&after, name));
            let weights = values(&before, &name.replace("G_ema.", "G."));
            let is_kept = |((old, new), weight): ((&f32, &f32), &f32)| match prefix {
                "G_ema" if !name.ends_with("noise_const") => {
                    (new - weight - kept_of_average * (old - weight)).abs() < 1e-5
                }
                _ => old == new,
            };
            assert!(old.iter().zip(&new).zip(&weights).all(is_kept), "{name}");
        }
    }
    // Pictures are shown as large as they are going to be.
    let size = |name: &str| image::image_dimensions(small.path().join(name)).unwrap();
    assert_eq!(size("fakes-init.png"), size("reals.png"));
}

/// A run that is at 8x8 pixels by the old schedule and at 16x16 by the new one goes on at 16x16, and back with a word.
#[test]
fn a_growing_stylegan2_goes_on_under_another_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let of = |kimg: &str, stable: &str| {
        let more = [&format!("kimg={kimg}")[..], &format!("schedule.stable_kimg={stable}")];
        let config = tiny(&[&growing_stylegan2()[..], &more].concat()).unwrap();
        let (stop, out) = (AtomicBool::new(false), RunFolder::open(folder.path()).unwrap());
        let mut observer = StopAfter { step: u64::MAX, stop: &stop, warnings: vec![] };
        let last = checkpoint(session(&config, pictures(), &out, &mut observer, &stop).resume().unwrap());
        let model = stylegan_core::Model::load(&last, &Device::Cpu).unwrap();
        (model.generator().spec().img_size[0], observer.warnings)
    };
    assert_eq!(of("0.064", "9"), (8, vec![]));
    assert_eq!(of("0.096", "0.016"), (16, vec![]));
    // Nothing is left to do, and nothing is dropped.
    assert_eq!(of("0.096", "9"), (16, vec![]));
    let (side, said) = of("0.128", "9");
    assert!(side == 8 && said.len() == 1 && said[0].starts_with("layers above 8 pixels are dropped: "), "{said:?}");
    assert!(said[0].contains("network-000000") && said[0].contains("networks of 16 pixels"), "{said:?}");
    assert_eq!(of("0.160", "0"), (16, vec![]));
}

/// A probability of augmentation that is fixed on a run that goes on is that from there on; before, that of the checkpoint
/// stayed.
#[test]
fn a_probability_can_be_fixed_later() {
    let folder = tempfile::tempdir().unwrap();
    let of = |more: &[&str]| tiny(&[&augmented()[..], more].concat()).unwrap();
    run(&of(&["kimg=0.064"]), folder.path()).unwrap();
    go_on(&of(&["kimg=0.128", "augment.fixed_p=0.5"]), folder.path()).unwrap();
    let lines = ticks(folder.path());
    let p = |line: &serde_json::Value| line["Progress/augment"]["mean"].as_f64().unwrap();
    assert!(p(&lines[0]) < 0.1 && p(&lines[1]) == 0.5, "{lines:?}");
}

/// StyleGAN2 with every augmentation, whose probability rises to about 0.3.
fn augmented() -> Vec<&'static str> {
    [&STYLEGAN2[..], &["augment={pipe='bgcfnc',target=-1,kimg=1,interval=3}"]].concat()
}

#[test]
fn resumed_runs_with_augmentation_end_in_the_same_bytes() {
    resumes(&augmented());
}

#[test]
fn neither_lanes_nor_threads_change_a_bit_with_augmentation() {
    lanes_and_threads(&augmented());
}

#[test]
fn augmentation_adapts_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let last = checkpoint(run(&tiny(&augmented()).unwrap(), folder.path()).unwrap());
    let lines = ticks(folder.path());
    let means =
        |key: &str| -> Vec<f64> { lines.iter().map(|line| line[key]["mean"].as_f64().unwrap_or(-9.)).collect() };
    // 20 steps of 16 images, a move of 0.048 after every third; p counts as it was when a step began.
    // A tick is four steps: 0 0 0 1, 1 1 2 2, 2 3 3 3, 4 4 4 5, 5 5 6 6 moves.
    let expected = [1., 6., 11., 17., 22.].map(|moves: f64| moves / 4. * 0.048);
    assert!(means("Progress/augment").iter().zip(expected).all(|(p, e)| (p - e).abs() < 1e-12), "{lines:?}");
    assert!(means("Progress/overfitting").iter().all(|r| (-1. ..=1.).contains(r)));
    let open = stylegan_core::checkpoint::Checkpoint::open(&last).unwrap();
    let p: f64 = open.metadata().unwrap().extra["augment_p"].parse().unwrap();
    assert!((p - 0.288).abs() < 1e-12, "{p}");
    assert!(fs::read_to_string(folder.path().join("log.txt")).unwrap().contains(" augment 0.288"));
}

/// StyleGAN2 with pictures that are held back, whose scores the probability follows.
fn validated() -> Vec<&'static str> {
    [&STYLEGAN2[..], &["augment={validation=6,follows='validation',target=0.01,kimg=1,interval=3}"]].concat()
}

#[test]
fn resumed_runs_with_pictures_held_back_end_in_the_same_bytes() {
    resumes(&validated());
}

#[test]
fn neither_lanes_nor_threads_change_a_bit_with_pictures_held_back() {
    lanes_and_threads(&validated());
}

/// Scores of pictures that are held back are reported beside the others, and what they are changes no weight.
#[test]
fn pictures_that_are_held_back_are_looked_at_and_not_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(&validated()).unwrap();
    let settings = stylegan_train::recipe::RunConfig::settings(&config, pictures()).unwrap();
    let (trained, held) = (settings.pictures.unwrap(), settings.held_back.unwrap());
    let mut all = [&trained[..], &held[..]].concat();
    all.sort_unstable();
    assert_eq!((held.len(), all), (6, (0..40).collect::<Vec<_>>()));
    run(&config, folder.path()).unwrap();
    let lines = ticks(folder.path());
    for line in &lines {
        // Four steps of 16 pictures.
        assert_eq!(line["Loss/scores/held_back"]["count"].as_f64(), Some(64.), "{line}");
        assert_eq!(line["Loss/signs/held_back"]["count"].as_f64(), Some(64.), "{line}");
    }
    // r_v of the last interval: steps counted from 0 look at what was known when they began.
    let known = lines.iter().filter_map(|line| line["Progress/overfitting_held_back"]["mean"].as_f64());
    assert!(known.clone().count() > 0 && known.clone().all(f64::is_finite), "{lines:?}");
    let too_many = tiny(&["augment={validation=40}"]).unwrap();
    let error = run(&too_many, &folder.path().join("other")).unwrap_err().to_string();
    assert!(error.contains("augment.validation") && error.contains("the set has 40"), "{error}");

    // The same run on a set whose held-back pictures are others: the same weights where nobody follows them.
    let of = |set: &Arc<Dataset>, out: &Path| {
        let config = tiny(&[&STYLEGAN2[..], &["augment={validation=6,fixed_p=0.3}", "kimg=0.064"]].concat()).unwrap();
        let out = RunFolder::open(out).unwrap();
        checkpoint(session(&config, set, &out, &mut Silent, &AtomicBool::new(false)).start().unwrap())
    };
    let other = tempfile::tempdir().unwrap();
    gradients(other.path(), 16);
    for picture in held.iter() {
        fs::copy(other.path().join("00.png"), other.path().join(format!("{picture:02}.png"))).unwrap();
    }
    let changed = Arc::new(Dataset::open(other.path()).unwrap());
    assert_ne!(changed.hash().unwrap(), pictures().hash().unwrap());
    let (one, two) = (of(pictures(), &folder.path().join("one")), of(&changed, &folder.path().join("two")));
    let weights = |path: &Path, prefix: &str| {
        let params = Checkpoint::open(path).unwrap().params(prefix, &Device::Cpu).unwrap();
        let numbers = |var: &candle_core::Var| var.as_tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        params.vars().iter().map(|(name, var)| (name.clone(), numbers(var))).collect::<Vec<_>>()
    };
    for prefix in ["G", "D", "G_ema"] {
        assert!(weights(&one, prefix) == weights(&two, prefix), "{prefix}");
    }
    let scores = |run: &str| stats(&folder.path().join(run))[0]["Loss/scores/held_back"].clone();
    assert_ne!(scores("one"), scores("two"));
}

#[test]
fn without_probability_augmentation_changes_no_step() {
    let (plain, still) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for architecture in [&[][..], &STYLEGAN2[..]] {
        let lines = [(plain.path(), ""), (still.path(), "augment={fixed_p=0}")].map(|(folder, augment)| {
            let overrides: Vec<&str> =
                architecture.iter().copied().chain(["kimg=0.064", augment]).filter(|text| !text.is_empty()).collect();
            fs::remove_dir_all(folder).unwrap();
            run(&tiny(&overrides).unwrap(), folder).unwrap();
            stats(folder)
        });
        assert_eq!(lines[0][0]["Loss/scores/real"], lines[1][0]["Loss/scores/real"]);
        assert_eq!(lines[0][0]["Loss/G/loss"], lines[1][0]["Loss/G/loss"]);
    }
}

#[test]
fn stylegan2_regularises_in_turns_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let last = checkpoint(run(&tiny(&STYLEGAN2).unwrap(), folder.path()).unwrap());
    // Those of ticks: sample grids have lines of their own.
    let text = fs::read_to_string(folder.path().join("stats.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let lines: Vec<_> = lines.filter(|line| line.get("Variety/fake").is_none()).collect();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        // Four steps of 16 samples, two path length phases of 8, one of R1.
        let count = |key: &str| line[key]["count"].as_f64().unwrap();
        for (key, expected) in [
            ("Loss/G/loss", 64.),
            ("Loss/D/loss", 64.),
            ("Loss/scores/real", 64.),
            ("Loss/pl_length", 16.),
            ("Loss/pl_penalty", 16.),
            ("Loss/r1_penalty", 16.),
            ("Timing/Gmain", 4.),
            ("Timing/Greg", 2.),
            ("Timing/Dmain", 4.),
            ("Timing/Dreg", 1.),
        ] {
            assert_eq!(count(key), expected, "{key}");
        }
        assert_eq!(
            (line["Progress/lod"]["mean"].as_f64(), line["Progress/resolution"]["mean"].as_f64()),
            (Some(0.), Some(16.))
        );
    }
    // The running mean of lengths has moved 10 times by 1 % of a batch's mean.
    let checkpoint = stylegan_core::checkpoint::Checkpoint::open(&last).unwrap();
    let pl_mean: f64 = checkpoint.metadata().unwrap().extra["pl_mean"].parse().unwrap();
    let lengths: Vec<f64> = lines.iter().map(|line| line["Loss/pl_length"]["mean"].as_f64().unwrap()).collect();
    let (least, most) = lengths.iter().fold((f64::MAX, 0f64), |(a, b), &x| (a.min(x), b.max(x)));
    let moved = 1. - 0.99f64.powi(10);
    assert!((moved * least..moved * most).contains(&pl_mean), "{pl_mean} from {lengths:?}");
    assert!(checkpoint.names().any(|name| name == "G_ema.synthesis.b16.conv0.affine.weight"));
}

/// Lines of the log leave out what none of a tick's steps measured; they said 0.
#[test]
fn lines_leave_out_what_was_not_measured() {
    let folder = tempfile::tempdir().unwrap();
    let lazy = ["loss.r1_interval=8", "path_length.interval=8", "kimg=0.192"];
    run(&tiny(&[&STYLEGAN2[..], &lazy].concat()).unwrap(), folder.path()).unwrap();
    let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
    // Steps 0 to 3, 4 to 7, 8 to 11.
    let lines = log.lines().filter(|line| line.contains(" signs "));
    let has: Vec<_> = lines.map(|line| [" reg ", " pl "].map(|word| line.contains(word))).collect();
    assert_eq!(has, [[true; 2], [false; 2], [true; 2]], "{log}");
}

#[test]
fn longer_runs_go_on_where_shorter_ones_ended() {
    let (straight, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (short, long) = (tiny(&["kimg=0.208"]).unwrap(), tiny(&[]).unwrap());
    let expected = fs::read(checkpoint(run(&long, straight.path()).unwrap())).unwrap();
    run(&short, folder.path()).unwrap();
    assert!(fs::read(checkpoint(go_on(&long, folder.path()).unwrap())).unwrap() == expected);
    assert_eq!(stats(folder.path()), stats(straight.path()));
}

#[test]
fn neither_lanes_nor_threads_change_a_bit() {
    lanes_and_threads(&[]);
}

#[test]
fn neither_lanes_nor_threads_change_a_bit_of_stylegan2() {
    lanes_and_threads(&STYLEGAN2);
}

fn lanes_and_threads(architecture: &[&str]) {
    let mut results = vec![];
    for (at_once, threads) in [(1, 1), (1, 2), (2, 2), (4, 1), (4, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let at_once_is = format!("shards.at_once={at_once}");
        let config = tiny(&[architecture, &["kimg=0.128", &at_once_is]].concat()).unwrap();
        let outcome = stylegan_kernels::threads::with_limit(threads, || run(&config, folder.path())).unwrap();
        results.push((at_once, threads, fs::read(checkpoint(outcome)).unwrap()));
    }
    for (at_once, threads, bytes) in &results {
        assert!(*bytes == results[0].2, "{at_once} shards at once on {threads} threads");
    }
}

#[test]
fn damaged_newest_checkpoint_is_passed_over() {
    let (straight, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // One file per 1000 pictures: this run crosses that border.
    let config = tiny(&[
        "kimg=1.28",
        "schedule.batch=64",
        "shards.size=32",
        "output.checkpoint_kimg=0.64",
        "output.tick_kimg=0.64",
        "output.snapshot_kimg=9",
    ])
    .unwrap();
    let expected = fs::read(checkpoint(run(&config, straight.path()).unwrap())).unwrap();
    run(&config, folder.path()).unwrap();
    let found = list(folder.path()).unwrap();
    assert_eq!(found.len(), 2);
    let bytes = fs::read(&found[0]).unwrap();
    fs::write(&found[0], &bytes[..bytes.len() / 2]).unwrap();
    let stop = AtomicBool::new(false);
    let mut observer = StopAfter { step: u64::MAX, stop: &stop, warnings: vec![] };
    let outcome =
        session(&config, pictures(), &RunFolder::open(folder.path()).unwrap(), &mut observer, &stop).resume().unwrap();
    assert_eq!(observer.warnings.len(), 1);
    assert!(observer.warnings[0].contains("network-000001"), "{:?}", observer.warnings);
    assert!(fs::read(checkpoint(outcome)).unwrap() == expected);
    // With every file damaged, the run is not started over behind the user's back.
    for path in list(folder.path()).unwrap() {
        fs::write(path, "").unwrap();
    }
    let error = go_on(&config, folder.path()).unwrap_err();
    assert!(error.is_wrong_input() && error.to_string().contains("no whole checkpoint"), "{error}");
}

#[test]
fn divergence_stops_and_keeps_the_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(&["schedule.lr=1e30", "output.checkpoint_kimg=0.016"]).unwrap();
    let error = run(&config, folder.path()).unwrap_err();
    let Error::Diverged { kimg, .. } = &error else { panic!("{error}") };
    assert!(*kimg < 0.3 && !error.is_wrong_input());
    assert!(error.to_string().contains("schedule.lr"), "{error}");
    for path in list(folder.path()).unwrap() {
        stylegan_core::checkpoint::Checkpoint::open(path).unwrap().verify().unwrap();
    }
}

/// A run that diverges between two ticks, where it is to be saved or stopped: what was good before stays as it was.
#[test]
fn what_diverged_is_not_saved() {
    let settings = ["kimg=0.064", "output.tick_kimg=9", "output.snapshot_kimg=9", "output.keep_checkpoints=1"];
    let stop = AtomicBool::new(false);
    for (kimg, checkpoint_kimg, step) in [("0.192", "9", u64::MAX), ("9", "0.192", u64::MAX), ("9", "9", 12)] {
        let folder = tempfile::tempdir().unwrap();
        let good = checkpoint(run(&tiny(&settings).unwrap(), folder.path()).unwrap());
        let bytes = fs::read(&good).unwrap();
        let (kimg, checkpoint_kimg) = (format!("kimg={kimg}"), format!("output.checkpoint_kimg={checkpoint_kimg}"));
        let fast = [&settings[..], &[&kimg, &checkpoint_kimg, "schedule.lr=3"]].concat();
        stop.store(false, Ordering::Relaxed);
        let mut observer = StopAfter { step, stop: &stop, warnings: vec![] };
        let (config, out) = (tiny(&fast).unwrap(), RunFolder::open(folder.path()).unwrap());
        let error = session(&config, pictures(), &out, &mut observer, &stop).resume().unwrap_err();
        let Error::Diverged { problem, advice, .. } = &error else { panic!("{error}") };
        assert!(problem.contains("score"), "not by a gradient, but by what was seen: {error}");
        assert!(advice.contains(&*good.display().to_string()), "{error}");
        assert_eq!(list(folder.path()).unwrap(), std::slice::from_ref(&good));
        assert!(fs::read(&good).unwrap() == bytes, "{fast:?}");
    }
}

/// A measurement that was due at a checkpoint which an interruption left unmeasured is made up for at the next one; the pace
/// of training is without the time that it takes.
#[test]
fn measurements_are_made_up_for() {
    struct Judge<'a> {
        every: u64,
        stop: (u64, &'a AtomicBool),
        measured: Vec<u64>,
    }
    const PAUSE: Duration = Duration::from_millis(300);
    impl Observer for Judge<'_> {
        fn stepped(&mut self, at: &Position, _stats: &Stats) {
            self.stop.1.store(at.images == self.stop.0, Ordering::Relaxed);
        }
        fn is_to_be_measured(&mut self, at: &Position) -> bool {
            let due = at.images / self.every > at.measured / self.every;
            self.measured.extend(due.then_some(at.images));
            due
        }
        fn measure(&mut self, _checkpoint: &Checkpoint, _ranks: &dyn Communicator) -> stylegan_train::Result<Measured> {
            std::thread::sleep(PAUSE);
            Ok(Measured { numbers: vec![("fid".into(), 1.)], score: None })
        }
    }
    let config = tiny(&["output.checkpoint_kimg=0.064"]).unwrap();
    for (every, until, expected) in [
        (80, 96, [&[][..], &[128, 192, 256, 320]]),
        (160, 208, [&[192][..], &[320]]),
        (80, 0, [&[128, 192, 256, 320], &[]]),
    ] {
        let (stop, folder) = (AtomicBool::new(false), tempfile::tempdir().unwrap());
        let out = RunFolder::open(folder.path()).unwrap();
        let started = Instant::now();
        for (until, expected) in [until, 0].into_iter().zip(expected) {
            let mut judge = Judge { every, stop: (until, &stop), measured: vec![] };
            session(&config, pictures(), &out, &mut judge, &stop).resume().unwrap();
            assert_eq!(judge.measured, expected, "every {every}, until {until}");
        }
        let took = started.elapsed() - PAUSE * expected.concat().len() as u32;
        let text = fs::read_to_string(folder.path().join("stats.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        // A tick is 64 pictures, that of a run which goes on less.
        let trained: f64 = lines.filter_map(|line| line["Timing/sec_per_kimg"]["mean"].as_f64()).sum::<f64>() * 0.064;
        assert!(until > 0 || trained < took.as_secs_f64(), "{trained} s of training in {took:?}");
    }
}

/// What a run is told to do later begins as in a new run, with a word: augmentation, and layers that were frozen.
#[test]
fn what_a_checkpoint_lacks_begins_anew() {
    let adaptive = "augment={pipe='bgcfnc',target=-1,kimg=1,interval=3}";
    for (before, after, said) in [
        ("kimg=0.064", adaptive, "number augment_p (and 5 more)"),
        ("transfer.freeze_d=2", "transfer.freeze_d=0", "moment opt_d.m.b16."),
    ] {
        let (stop, folder) = (AtomicBool::new(false), tempfile::tempdir().unwrap());
        let of = |more: &[&str]| tiny(&[&STYLEGAN2[..], more].concat()).unwrap();
        run(&of(&["kimg=0.064", before]), folder.path()).unwrap();
        let mut observer = StopAfter { step: u64::MAX, stop: &stop, warnings: vec![] };
        let (config, out) = (of(&["kimg=0.128", after]), RunFolder::open(folder.path()).unwrap());
        session(&config, pictures(), &out, &mut observer, &stop).resume().unwrap();
        let [warning] = &observer.warnings[..] else { panic!("{:?}", observer.warnings) };
        assert!(warning.contains("network-000000") && warning.contains(said), "{warning}");
        assert_eq!(ticks(folder.path()).len(), 2);
    }
}

/// Layers that were frozen count their steps from where they begin, also when the run is broken off after that; runs that
/// froze nothing say nothing of it.
#[test]
fn layers_that_begin_later_count_their_own_steps() {
    let (straight, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let of = |more: &[&str]| tiny(&[&STYLEGAN2[..], more].concat()).unwrap();
    let began = |path: &Path| Checkpoint::open(path).unwrap().metadata().unwrap().extra.get("opt_d.began").cloned();
    let ends =
        [(straight.path(), &["kimg=0.128"][..]), (broken.path(), &["kimg=0.096", "kimg=0.128"])].map(|(out, parts)| {
            let mut last = checkpoint(run(&of(&["kimg=0.064", "transfer.freeze_d=2"]), out).unwrap());
            assert_eq!(began(&last), None);
            for kimg in parts {
                last = checkpoint(go_on(&of(&[kimg, "transfer.freeze_d=0"]), out).unwrap());
            }
            last
        });
    // Four steps along the loss, one along the penalty.
    let names: std::collections::BTreeMap<String, u64> = serde_json::from_str(&began(&ends[0]).unwrap()).unwrap();
    assert!(names.len() > 2 && names.iter().all(|(name, step)| name.starts_with("b16.") && *step == 5), "{names:?}");
    assert!(fs::read(&ends[0]).unwrap() == fs::read(&ends[1]).unwrap());
}

#[test]
fn other_losses_and_labels_train() {
    for overrides in [
        &["loss.kind=wgan-gp", "loss.n_critic=2", "kimg=0.064"][..],
        &["generator.c_dim=2", "discriminator.c_dim=2", "kimg=0.032"],
        &[&STYLEGAN2[..], &["generator.c_dim=2", "kimg=0.032", "path_length.shrink=1"]].concat(),
        &[&STYLEGAN2[..1], &STYLEGAN2[3..], &["loss.kind=wgan-gp", "path_length.weight=0", "kimg=0.032"]].concat(),
        &["loss.r1_interval=2", "path_length.interval=1", "kimg=0.096"],
        &["generator.architecture=pggan", "mixing_probability=0", "kimg=0.032", "ema.kind=per-step"],
    ] {
        let mut config = overrides.to_vec();
        let folder = tempfile::tempdir().unwrap();
        if overrides[0].contains("pggan") {
            config.push("schedule.start_resolution=4");
            let text = "kimg = 0.032\nmixing_probability = 0\n[generator]\narchitecture = \"pggan\"\nimg_size = [16, 16]\n\
                        z_dim = 8\nc_dim = 2\nchannel_base = 64\nchannel_max = 8\n[discriminator]\nchannel_base = 64\n\
                        channel_max = 8\n[loss]\nkind = \"wgan-gp\"\n[schedule]\nbatch = 16\n[ema]\nkind = \"per-step\"\n";
            let config = stylegan_train::config::read(text, "pggan.toml", &[]).unwrap();
            run(&config, folder.path()).unwrap();
            assert!(fs::read_to_string(folder.path().join("log.txt")).unwrap().contains(" classes "));
            continue;
        }
        run(&tiny(&config).unwrap(), folder.path()).unwrap();
        assert!(!stats(folder.path()).is_empty());
    }
}

#[test]
fn wrong_folders_and_sets_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = tiny(&["kimg=0.016"]).unwrap();
    run(&config, folder.path()).unwrap();
    let text = |error: Error| {
        assert!(error.is_wrong_input());
        error.to_string()
    };
    assert!(text(run(&config, folder.path()).unwrap_err()).contains("holds a run already"));
    let stop = AtomicBool::new(false);
    let others = tempfile::tempdir().unwrap();
    gradients(others.path(), 16);
    std::fs::remove_file(others.path().join("39.png")).unwrap();
    let other = Arc::new(Dataset::open(others.path()).unwrap());
    let mut silent = Silent;
    let error =
        session(&config, &other, &RunFolder::open(folder.path()).unwrap(), &mut silent, &stop).resume().unwrap_err();
    assert!(text(error).contains("on other pictures, or by other labels"));
    let large_folder = tempfile::tempdir().unwrap();
    let large = gradients(large_folder.path(), 32);
    let empty = tempfile::tempdir().unwrap();
    let out = RunFolder::open(empty.path()).unwrap();
    let error = session(&config, &large, &out, &mut silent, &stop).start().unwrap_err();
    assert!(text(error).contains("32x32"));
    let error = go_on(&tiny(&["kimg=0.032", "generator.z_dim=9"]).unwrap(), folder.path()).unwrap_err();
    assert!(text(error).contains("another configuration"));
    let error = go_on(&tiny(&["kimg=0.032", "seed=4"]).unwrap(), folder.path()).unwrap_err();
    assert!(text(error).contains("seed"));
}

/// A configuration that a program made is checked as one of a file is: before, samples of a batch that is not whole shards
/// were left out, and a shard larger than its batch was waited for without end.
#[test]
fn configurations_made_in_rust_are_checked() {
    for (batch, shard) in [(ByResolution::new(40, []), 16), (ByResolution::new(16, [(8, 4)]), 16)] {
        let mut config = tiny(&[]).unwrap();
        (config.schedule.batch, config.shards.size) = (batch, ByResolution::new(shard, []));
        let folder = tempfile::tempdir().unwrap();
        let stop = AtomicBool::new(false);
        for goes_on in [false, true] {
            let (out, observer) = (RunFolder::open(folder.path()).unwrap(), &mut Silent);
            let session = session(&config, pictures(), &out, observer, &stop);
            let error = if goes_on { session.resume() } else { session.start() }.unwrap_err();
            let (text, expected) =
                (error.to_string(), "the configuration: key `shards.size`: expected a divisor of the batch of ");
            assert!(error.is_wrong_input() && text.starts_with(expected), "{text}");
        }
    }
}

/// Does something to the disk after a step, and remembers what it was told.
struct Trouble<F> {
    at: u64,
    what: F,
    warnings: Vec<String>,
}

impl<F: FnMut(u64)> Trouble<F> {
    fn new(at: u64, what: F) -> Self {
        Self { at, what, warnings: vec![] }
    }
}

impl<F: FnMut(u64)> Observer for Trouble<F> {
    fn stepped(&mut self, at: &Position, _stats: &Stats) {
        if at.step >= self.at {
            (self.what)(at.step);
        }
    }
    fn warned(&mut self, sentence: &str) {
        self.warnings.push(sentence.to_owned());
    }
}

/// Pictures that vanish for a moment cost nothing. If they stay away, the run ends in the middle of a
/// step, is saved there, and ends in the same bytes when they are back.
fn survives_without_pictures(architecture: &[&str]) {
    let straight = tempfile::tempdir().unwrap();
    let config = tiny(architecture).unwrap();
    let expected = fs::read(checkpoint(run(&config, straight.path()).unwrap())).unwrap();
    let place = tempfile::tempdir().unwrap();
    let (here, away) = (place.path().join("set"), place.path().join("away"));
    fs::create_dir(&here).unwrap();
    gradients(&here, 16);
    let set = Arc::new(Dataset::open(&here).unwrap().with_cache(0));
    let stop = AtomicBool::new(false);

    let folder = tempfile::tempdir().unwrap();
    let out = RunFolder::open(folder.path()).unwrap();
    let mut observer = Trouble::new(5, |step| {
        if step == 5 {
            fs::rename(&here, &away).unwrap();
            let (here, away) = (here.clone(), away.clone());
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(250));
                fs::rename(away, here).unwrap();
            });
        }
    });
    let outcome = session(&config, &set, &out, &mut observer, &stop).start().unwrap();
    assert!(fs::read(checkpoint(outcome)).unwrap() == expected);

    let folder = tempfile::tempdir().unwrap();
    let out = RunFolder::open(folder.path()).unwrap();
    let mut observer = Trouble::new(5, |step| {
        if step == 5 {
            fs::rename(&here, &away).unwrap();
        }
    });
    let error = session(&config, &set, &out, &mut observer, &stop).start().unwrap_err();
    let Error::Saved { checkpoint: saved, error: cause } = &error else { panic!("{error}") };
    assert!(matches!(**cause, Error::Data { .. }) && error.is_wrong_input(), "{error}");
    assert!(error.to_string().contains("same command goes on"), "{error}");
    assert_eq!(list(folder.path()).unwrap(), std::slice::from_ref(saved));
    fs::rename(&away, &here).unwrap();
    let outcome = session(&config, &set, &out, &mut Silent, &stop).resume().unwrap();
    assert!(fs::read(checkpoint(outcome)).unwrap() == expected);
    assert_eq!(stats(folder.path()), stats(straight.path()));
}

#[test]
fn missing_pictures_end_a_run_where_it_can_go_on() {
    survives_without_pictures(&[]);
}

#[test]
fn missing_pictures_end_a_run_of_stylegan2_where_it_can_go_on() {
    survives_without_pictures(&STYLEGAN2);
}

/// What cannot be written is a warning: a picture is left out, a checkpoint is tried again at the next
/// tick; only the last one must succeed.
#[test]
fn what_cannot_be_written_ends_no_run() {
    let straight = tempfile::tempdir().unwrap();
    let config = tiny(&[]).unwrap();
    let expected = fs::read(checkpoint(run(&config, straight.path()).unwrap())).unwrap();
    let stop = AtomicBool::new(false);
    // A folder that is not empty is in the way of the file.
    let blocked = |path: &Path| fs::create_dir_all(path.join("x")).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let (picture, network) = (folder.path().join("fakes-000000.png"), folder.path().join("network-000000.safetensors"));
    let mut seen = vec![];
    let mut observer = Trouble::new(5, |step| match step {
        5 => [&picture, &network].into_iter().for_each(|path| blocked(path)),
        11 => fs::remove_dir_all(&network).unwrap(),
        13 => seen.push(network.is_file()),
        _ => {}
    });
    let out = RunFolder::open(folder.path()).unwrap();
    let outcome = session(&config, pictures(), &out, &mut observer, &stop).start().unwrap();
    let warnings = std::mem::take(&mut observer.warnings);
    assert!(fs::read(checkpoint(outcome)).unwrap() == expected);
    assert_eq!(seen, [true], "saved at the tick after the schedule");
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].contains("fakes-000000") && warnings[2].contains("fakes-000000"), "{warnings:?}");
    assert!(warnings[1].contains("network-000000") && warnings[1].contains("tried again"), "{warnings:?}");
    assert_eq!(stats(folder.path()), stats(straight.path()));

    let folder = tempfile::tempdir().unwrap();
    let network = folder.path().join("network-000000.safetensors");
    let mut observer = Trouble::new(5, |step| {
        if step == 5 {
            blocked(&network)
        }
    });
    let out = RunFolder::open(folder.path()).unwrap();
    let error = session(&config, pictures(), &out, &mut observer, &stop).start().unwrap_err();
    let Error::Saved { checkpoint: saved, .. } = &error else { panic!("{error}") };
    assert!(!error.is_wrong_input() && error.to_string().contains("cannot write"), "{error}");
    // There was room elsewhere.
    assert_eq!(*saved, folder.path().join("network-000000-320.safetensors"));
}

/// The best checkpoint outlives later ones of the same thousand of pictures.
#[test]
fn the_best_checkpoint_is_not_replaced() {
    struct Judge(Vec<f64>);
    impl Observer for Judge {
        fn is_to_be_measured(&mut self, _at: &Position) -> bool {
            true
        }
        fn measure(&mut self, _checkpoint: &Checkpoint, _ranks: &dyn Communicator) -> stylegan_train::Result<Measured> {
            let value = self.0.remove(0);
            Ok(Measured { score: Some(Score { metric: "fid".into(), value }), numbers: vec![("fid".into(), value)] })
        }
    }
    let stop = AtomicBool::new(false);
    let config = tiny(&["output.checkpoint_kimg=0.08", "output.keep_checkpoints=1"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = RunFolder::open(folder.path()).unwrap();
    let outcome = session(&config, pictures(), &out, &mut Judge(vec![3., 2., 4., 5.]), &stop).start().unwrap();
    let best: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("best.json")).unwrap()).unwrap();
    assert_eq!((&best["checkpoint"], &best["images"]), (&"network-000000-160.safetensors".into(), &160.into()));
    assert_eq!(checkpoint(outcome), folder.path().join("network-000000.safetensors"));
    assert_eq!(list(folder.path()).unwrap().len(), 2, "the newest and the best");
}
