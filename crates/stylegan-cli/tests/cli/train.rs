//! `stylegan train`: runs of 8x8 pictures that take a second.

use crate::bench::Bench;
use image::{Rgb, RgbImage};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};
use stylegan_core::latent::StreamKey;

/// A StyleGAN of 8x8 pixels that grows from 4x4, in shards of 4.
pub(crate) const CONFIG: &str = include_str!("../tiny.toml");

/// A bench with `tiny.toml` and 12 pictures in `pictures/`.
pub(crate) fn bench() -> Bench {
    let bench = Bench::new();
    std::fs::write(bench.path("tiny.toml"), CONFIG).unwrap();
    pictures(&bench, "pictures", 12, 8);
    bench
}

pub(crate) fn pictures(bench: &Bench, folder: &str, count: u32, side: u32) {
    std::fs::create_dir(bench.path(folder)).unwrap();
    for i in 0..count {
        let picture = RgbImage::from_fn(side, side, |x, y| Rgb([(x * 30) as u8, (y * 30) as u8, (i * 20) as u8]));
        picture.save(bench.path(format!("{folder}/{i:03}.png"))).unwrap();
    }
}

pub(crate) const TRAIN: &str = "train --config tiny.toml --data pictures";

fn checkpoint(bench: &Bench, run: &str) -> Vec<u8> {
    std::fs::read(bench.path(format!("{run}/network-000000.safetensors"))).unwrap()
}

#[test]
fn a_run_leaves_what_it_promises() {
    let bench = bench();
    let ran = bench.run(&format!("{TRAIN} --out run"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for name in [
        "config.toml",
        "log.txt",
        "stats.jsonl",
        "reals.png",
        "fakes-init.png",
        "fakes-000000.png",
        "network-000000.safetensors",
    ] {
        assert!(bench.path(format!("run/{name}")).is_file(), "{name}");
    }
    // Not on a terminal: a line per tick, none of them torn by a bar.
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("kimg ")).count(), 8, "{}", ran.stderr);
    assert!(ran.stderr.contains("stylegan generate --network run"), "{}", ran.stderr);
    assert!(ran.stderr.contains("growth:   8 pixels from here on, at 0.104 kimg"), "{}", ran.stderr);
    let stats = std::fs::read_to_string(bench.path("run/stats.jsonl")).unwrap();
    assert_eq!(stats.lines().filter(|line| line.contains("Progress/step")).count(), 8);

    // The folder of a run serves as a network, and a finished run can be made longer.
    bench.ok("generate --network run --seeds 0-3 --grid 4x1 --zoom 1 --no-captions --out four.png");
    assert_eq!(bench.size("four.png"), (4 * 10 + 2, 12));
    bench.ok("train --out run --kimg 0.5");
    assert!(bench.ok("inspect run").contains("0.504 kimg"));
    bench.one_sentence("train --out run --kimg 0.2", &["--kimg 0.2", "kimg already", "--new"]);
    bench.ok("train --out run --kimg 0.5");
}

/// A network that is still growing is shown as far as it has grown, by a run and by what is converted of it; the layers that
/// are to come were never trained.
#[test]
fn networks_are_shown_as_far_as_they_have_grown() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} --out run --kimg 0.08"));
    bench.ok("convert run release.safetensors");
    let picture = |network: &str| {
        bench.ok(&format!("generate --network {network} --seeds 3 --out picture.png"));
        image::open(bench.path("picture.png")).unwrap().to_rgb8()
    };
    let small = picture("run");
    assert!(small.enumerate_pixels().all(|(x, y, pixel)| pixel == small.get_pixel(x & !1, y & !1)), "{small:?}");
    assert_eq!(picture("release.safetensors"), small);
    bench.one_sentence("export --network run --onnx run.onnx", &["still growing (its level of detail is 1)"]);
    bench.ok("train --out run --kimg 0.5");
    let grown = picture("run");
    assert!(grown.enumerate_pixels().any(|(x, y, pixel)| pixel != grown.get_pixel(x & !1, y & !1)), "{grown:?}");
    bench.ok("export --network run --onnx run.onnx");
}

/// Evaluation on the way leaves reports, marks the best checkpoint, keeps it, and changes no byte of the
/// run; what cannot be measured is named before the run starts.
#[test]
fn checkpoints_are_evaluated_on_the_way() {
    let bench = bench();
    pictures(&bench, "many", 48, 8);
    let train = "train --config tiny.toml --data many --kimg 2 --set output.checkpoint_kimg=1 --set output.tick_kimg=1";
    bench.ok(&format!("{train} --out plain"));
    let eval = "--set eval.metrics=[\"kid\",\"ppl_wend\"] --set eval.kimg=1 --set eval.count=40";
    let ran = bench.run(&format!("{train} --out measured {eval} --set output.keep_checkpoints=1"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("kid-stlpips")).collect();
    assert_eq!(lines.len(), 2, "{}", ran.stderr);
    let last = |run: &str| std::fs::read(bench.path(format!("{run}/network-000002.safetensors"))).unwrap();
    assert_eq!(last("plain"), last("measured"));
    let best: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bench.path("measured/best.json")).unwrap()).unwrap();
    let score = |kimg: u32| {
        let report = std::fs::read(bench.path(format!("measured/metrics-{kimg:06}.json"))).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report.as_array().unwrap().len(), 2);
        report[0]["value"].as_f64().unwrap()
    };
    let winner = if score(1) <= score(2) { 1 } else { 2 };
    assert_eq!(best["checkpoint"], format!("network-{winner:06}.safetensors"));
    assert!(bench.path(format!("measured/network-{winner:06}.safetensors")).is_file());
    // The numbers are in the logs and in TensorBoard's events.
    let text = |name: &str| String::from_utf8_lossy(&std::fs::read(bench.path(name)).unwrap()).into_owned();
    assert_eq!(text("measured/stats.jsonl").matches("\"Metrics/kid-stlpips\"").count(), 2);
    assert_eq!(text("measured/log.txt").matches("measured kid-stlpips").count(), 2);
    assert_eq!(text("measured/events.out.tfevents.0.stylegan-rs").matches("Metrics/ppl_wend-stlpips").count(), 2);
    // The last checkpoint is measured, however long the way between two evaluations.
    let short = "train --config tiny.toml --data many --kimg 1 --set output.checkpoint_kimg=1 --out short";
    bench.ok(&format!("{short} {eval} --set eval.kimg=200"));
    assert!(bench.path("short/metrics-000001.json").is_file());
    bench.one_sentence(&format!("{TRAIN} --out wrong --set eval.metrics=[\"fdi\"]"), &["[eval]", "fdi"]);
    let few = "--set eval.metrics=[\"kid\"] --set eval.count=39";
    bench.one_sentence(&format!("{train} --out wrong {few}"), &["[eval]", "at least 40", "generated set, found 39"]);
    let few = "--set eval.metrics=[\"fid\"] --set eval.count=100";
    bench.one_sentence(&format!("{TRAIN} --out wrong {few}"), &["[eval]", "at least 40", "real set"]);
    bench.one_sentence(&format!("{TRAIN} --out wrong --set eval.metrics=[\"miou\"]"), &["[eval]", "miou", "pictures"]);
}

/// The configuration that a run stores is the run: trained again from it, it ends in the same bytes.
#[test]
fn printed_configurations_are_complete() {
    let bench = bench();
    let printed = bench.ok("train --config tiny.toml --print-config --set schedule.lr=0.002 --kimg 0.1 --seed 9");
    for part in ["seed = 9", "kimg = 0.1", "lr = 0.002", "r1_gamma = 10.0"] {
        assert!(printed.contains(part), "{part} in\n{printed}");
    }
    std::fs::write(bench.path("printed.toml"), &printed).unwrap();
    assert_eq!(bench.ok("train --config printed.toml --print-config"), printed);
    bench.ok(&format!("{TRAIN} --out a --set schedule.lr=0.002 --kimg 0.1 --seed 9"));
    bench.ok("train --config printed.toml --data pictures --out b");
    assert!(checkpoint(&bench, "a") == checkpoint(&bench, "b"));
}

#[test]
fn a_folder_holds_one_run() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} --out run --kimg 0.1"));
    let first = checkpoint(&bench, "run");
    bench.one_sentence(&format!("{TRAIN} --out run --kimg 0.1 --seed 4"), &["seed = 3, not 4", "--new"]);
    assert!(checkpoint(&bench, "run") == first);
    bench.ok(&format!("{TRAIN} --out run --kimg 0.1 --seed 4 --new"));
    assert!(checkpoint(&bench, "run") != first, "another seed");
    assert!(checkpoint(&bench, "run-1") == first, "the earlier run is kept");
}

/// Threads and the number of shards in work at once change time and memory, not one bit.
#[test]
fn resources_do_not_matter() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} --out a --kimg 0.1"));
    for (run, options) in
        [("b", "--threads 1"), ("c", "--set shards.at_once=2"), ("d", "--threads 3 --set shards.at_once=2")]
    {
        bench.ok(&format!("{TRAIN} --out {run} --kimg 0.1 {options}"));
        // config.toml is part of neither: networks, moments and progress are.
        assert!(checkpoint(&bench, run) == checkpoint(&bench, "a"), "{options}");
    }
}

/// Ten times kill -9 at a random moment (while starting, or within a random tick), then to the end:
/// the same bytes as the run in one go.
#[test]
fn killed_runs_end_in_the_same_bytes() {
    let bench = bench();
    let start = Instant::now();
    bench.ok(&format!("{TRAIN} --out straight --kimg 1"));
    let tick = start.elapsed().as_secs_f64() / 20.;
    let mut moments = StreamKey::new(1, "moments of death", 0).stream(0, 0);
    let mut at_work = 0;
    for death in 0..10 {
        let line = format!("{TRAIN} --out killed --kimg 1");
        let mut child = bench.command(&line).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        // The machine may be busy, so moments are counted in lines that the run prints.
        let lines = if death % 3 == 0 { 0 } else { 1 + moments.below(2) };
        for _ in 0..lines {
            said.next();
        }
        std::thread::sleep(Duration::from_secs_f64(tick * moments.uniform()));
        at_work += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(at_work >= 8, "only {at_work} of ten runs were killed at work");
    bench.ok(&format!("{TRAIN} --out killed --kimg 1"));
    let last = |run: &str, name: &str| std::fs::read(bench.path(format!("{run}/{name}"))).unwrap();
    for name in ["network-000001.safetensors", "fakes-init.png", "fakes-000000.png", "fakes-000001.png", "reals.png"] {
        assert!(last("killed", name) == last("straight", name), "{name} differs");
    }
    let lines = |run: &str| {
        let log = String::from_utf8(last(run, "stats.jsonl")).unwrap();
        log.lines().map(without_times).collect::<Vec<_>>()
    };
    assert_eq!(lines("killed"), lines("straight"));
}

/// A line of stats.jsonl without what the clock and the system said.
pub(crate) fn without_times(line: &str) -> serde_json::Value {
    let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
    line.as_object_mut().unwrap().retain(|key, _| !key.starts_with("Timing/") && !key.starts_with("Resources/"));
    line
}

#[cfg(unix)]
#[test]
fn signals_save_and_say_how_to_go_on() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} --out straight --kimg 2"));
    for signal in ["-TERM", "-INT"] {
        let run = format!("run{signal}");
        let child = bench.command(&format!("{TRAIN} --out {run} --kimg 2")).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !bench.path(format!("{run}/network-000000.safetensors")).exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(75), "{stderr}");
        assert!(stderr.contains(&format!("go on with: stylegan train --out {run}")), "{stderr}");
        bench.ok(&format!("train --out {run}"));
        let last = |run: &str| std::fs::read(bench.path(format!("{run}/network-000002.safetensors"))).unwrap();
        assert!(last(&run) == last("straight"), "{signal}");
    }
}

#[test]
fn damaged_checkpoints_give_way_to_older_ones() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} --out run --kimg 2.1 --set output.checkpoint_kimg=1"));
    let newest = bench.path("run/network-000002.safetensors");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    let ran = bench.run("train --out run");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("warning: ") && ran.stderr.contains("network-000002"), "{}", ran.stderr);
    assert!(std::fs::read(&newest).unwrap() == bytes, "the lost part was trained again, to the same bytes");
}

#[test]
fn wrong_input_is_named() {
    let bench = bench();
    let write = |name: &str, text: &str| std::fs::write(bench.path(name), text).unwrap();
    let config = |name: &str, parts: &[&str]| {
        bench.one_sentence(&format!("train --config {name} --data pictures --out run"), parts)
    };
    config("gone.toml", &["gone.toml"]);
    write("syntax.toml", "kimg = = 3");
    config("syntax.toml", &["syntax.toml", "line 1"]);
    write("unknown.toml", "[schedule]\nbatchsize = 3");
    config("unknown.toml", &["unknown.toml", "batchsize"]);
    write("type.toml", "kimg = 'many'");
    config("type.toml", &["type.toml", "kimg"]);
    write("negative.toml", "kimg = -1");
    config("negative.toml", &["negative.toml", "kimg"]);
    write("odd.toml", &CONFIG.replace("[8, 8]", "[7, 8]"));
    config("odd.toml", &["odd.toml", "img_size"]);
    write("shards.toml", &CONFIG.replace("batch = 8", "batch = 6"));
    config("shards.toml", &["shards.toml", "batch"]);

    bench.one_sentence("train --out run", &["holds no run", "--config"]);
    bench.one_sentence("train --config tiny.toml --out run", &["--data"]);
    bench.one_sentence(&format!("{TRAIN} --out run --set kimg"), &["kimg", "KEY=VALUE"]);
    bench.one_sentence("train --config tiny.toml --data nowhere --out run", &["nowhere"]);
    assert!(!bench.path("run/network-000000.safetensors").exists());
}

#[test]
fn wrong_pictures_are_named() {
    let bench = bench();
    let data = |set: &str, parts: &[&str]| {
        bench.one_sentence(&format!("train --config tiny.toml --data {set} --out run"), parts)
    };
    std::fs::create_dir(bench.path("empty")).unwrap();
    data("empty", &["empty"]);
    pictures(&bench, "large", 2, 16);
    data("large", &["16x16", "8x8"]);
    pictures(&bench, "mixed", 3, 8);
    RgbImage::new(8, 9).save(bench.path("mixed/odd.png")).unwrap();
    data("mixed", &["mixed/odd.png"]);
    pictures(&bench, "cut", 3, 8);
    let bytes = std::fs::read(bench.path("cut/000.png")).unwrap();
    std::fs::write(bench.path("cut/001.png"), &bytes[..20]).unwrap();
    data("cut", &["cut/001.png"]);
    std::fs::write(bench.path("fake.zip"), "PK\x03\x04 and nothing more").unwrap();
    data("fake.zip", &["fake.zip"]);
    pictures(&bench, "labelled", 2, 8);
    std::fs::write(bench.path("labelled/dataset.json"), "{\"labels\": [[\"000.png\", 1], [\"001.png\", [0.5]]]}")
        .unwrap();
    data("labelled", &["labelled"]);
    std::fs::write(bench.path("labelled/dataset.json"), "{\"labels\": 3}").unwrap();
    data("labelled", &["dataset.json"]);
}

#[test]
fn labels_that_are_not_used_are_said() {
    let bench = bench();
    let labels: Vec<String> = (0..12).map(|i| format!(r#"["{i:03}.png", {}]"#, i % 3)).collect();
    std::fs::write(bench.path("pictures/dataset.json"), format!(r#"{{"labels": [{}]}}"#, labels.join(","))).unwrap();
    let ran = bench.run(&format!("{TRAIN} --out run --kimg 0.05"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("3 classes, which this run does not use; --cond does"), "{}", ran.stderr);
    let ran = bench.run(&format!("{TRAIN} --out used --kimg 0.05 --set generator.c_dim=3"));
    assert!(ran.code == 0 && !ran.stderr.contains("does not use"), "{}", ran.stderr);
}

/// The run says how to go on where its pictures are no longer.
#[test]
fn a_set_that_was_moved_is_asked_for() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} --out run --kimg 0.05"));
    std::fs::rename(bench.path("pictures"), bench.path("moved")).unwrap();
    bench.one_sentence(
        "train --out run --kimg 0.1",
        &["pictures: it does not exist", "say with --data where the set is now"],
    );
    bench.ok("train --out run --kimg 0.1 --data moved");
}

/// A copy of a set is resized and cut as the set is.
#[test]
fn a_copied_set_is_preprocessed() {
    let bench = bench();
    pictures(&bench, "large", 12, 12);
    pictures(&bench, "small", 12, 10);
    std::fs::rename(bench.path("small/000.png"), bench.path("large/small.png")).unwrap();
    let way = "--set data.preprocess={mode=\"resize_and_crop\",load_size=10,crop_size=8}";
    let line = |out: &str| format!("train --config tiny.toml --data large --kimg 0.04 {way} --out {out}");
    bench.ok(&line("plain"));
    bench.ok(&format!("{} --set data.copy_to=local", line("copied")));
    assert!(checkpoint(&bench, "plain") == checkpoint(&bench, "copied"));
}
