//! The folder of a run: who works in it, what it may lack, and what finds no room in it.

use crate::bench::Bench;
use crate::train::{TRAIN, bench, without_times};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

/// A second training in a folder is refused, also to move the run aside, and disturbs nothing.
#[test]
fn a_folder_has_one_process() {
    let bench = bench();
    let train = format!("{TRAIN} --out run --kimg 1000");
    let mut child = bench.command(&train).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    said.next();
    bench.one_sentence(&train, &["run", "in use by another training"]);
    bench.one_sentence(&format!("{train} --new"), &["run", "in use"]);
    assert!(!bench.path("run-1").exists() && child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    // The lock ends with its process.
    bench.ok(&format!("{TRAIN} --out run --kimg 0.05 --new"));

    // Both at once: one trains on.
    let train = format!("{TRAIN} --out both --kimg 1000");
    let mut children = [0, 1].map(|_| bench.command(&train).stderr(Stdio::null()).spawn().unwrap());
    let loser = loop {
        if let Some(loser) = children.iter_mut().position(|child| child.try_wait().unwrap().is_some()) {
            break loser;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(children[loser].wait().unwrap().code(), Some(2));
    assert!(children[1 - loser].try_wait().unwrap().is_none());
    children[1 - loser].kill().unwrap();
    children[1 - loser].wait().unwrap();
}

/// Without its config.toml a run goes on as its checkpoints say, or as --config does.
#[test]
fn a_run_without_its_configuration() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} --out straight --kimg 0.4"));
    let last = |run: &str| std::fs::read(bench.path(format!("{run}/network-000000.safetensors"))).unwrap();
    for (run, config) in [("empty", Some("# nothing\n")), ("gone", None)] {
        bench.ok(&format!("{TRAIN} --out {run} --kimg 0.2"));
        let path = bench.path(format!("{run}/config.toml"));
        std::fs::remove_file(&path).unwrap();
        if let Some(text) = config {
            std::fs::write(&path, text).unwrap();
        }
        bench.one_sentence(&format!("train --out {run}"), &["config.toml is missing", "--data"]);
        bench.one_sentence(&format!("{TRAIN} --out {run} --kimg 0.4 --seed 4"), &["seed = 3, not 4"]);
        // What is watched from tick to tick is part of a checkpoint, but when a tick comes is not.
        let of_itself = "train --data pictures --set output.tick_kimg=0.05";
        let how = if run == "empty" { of_itself } else { TRAIN };
        let ran = bench.run(&format!("{how} --out {run} --kimg 0.4"));
        assert!(ran.code == 0 && ran.stderr.contains("config.toml is missing"), "{}", ran.stderr);
        assert!(last(run) == last("straight"), "{run}");
        assert!(std::fs::read_to_string(&path).unwrap().contains("kimg = 0.4"));
        // Started again, by its own configuration.
        std::fs::remove_file(&path).unwrap();
        bench.ok(&format!("{of_itself} --out {run} --kimg 0.4 --new"));
        assert!(last(run) == last("straight") && last(&format!("{run}-1")) == last("straight"));
    }
}

/// A checkpoint of format version 1 is gone on with, without a word; only its config.toml cannot be
/// made up.
#[test]
fn runs_of_version_1_go_on() {
    let bench = Bench::new();
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/version-1");
    for folder in ["run", "pictures"] {
        std::fs::create_dir(bench.path(folder)).unwrap();
    }
    for name in ["run/config.toml", "run/network-000000.safetensors", "pictures/0.png", "pictures/1.png"] {
        std::fs::copy(source.join(name), bench.path(name)).unwrap();
    }
    let ran = bench.run("train --data pictures --out run --kimg 0.2");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("going on at 0.1 of 0.2 kimg") && !ran.stderr.contains("warning"), "{}", ran.stderr);
    std::fs::copy(source.join("run/network-000000.safetensors"), bench.path("run/network-000000.safetensors")).unwrap();
    assert!(bench.ok("inspect run").contains("intact"));
    std::fs::remove_file(bench.path("run/config.toml")).unwrap();
    bench.one_sentence("train --data pictures --out run", &["config.toml is missing", "--config"]);
}

/// What is not a run of this program is neither trained in nor moved, and a start that fails is in
/// nobody's way.
/// A broken config.toml: what helps is said, and does.
#[test]
fn a_run_with_a_broken_configuration() {
    let bench = bench();
    let train = format!("{TRAIN} --out run --kimg 0.05");
    bench.ok(&train);
    let broken = || std::fs::write(bench.path("run/config.toml"), "kimg = = 3").unwrap();
    broken();
    bench.one_sentence("train --out run --kimg 0.1", &["run/config.toml: line 1", "put that right", "--new"]);
    std::fs::remove_file(bench.path("run/config.toml")).unwrap();
    bench.ok("train --data pictures --out run --kimg 0.1");
    broken();
    bench.ok(&format!("{train} --new"));
    assert!(bench.path("run-1/network-000000.safetensors").exists());
}

#[test]
fn folders_of_others_are_left_alone() {
    let bench = bench();
    let left = |name: &str| {
        std::fs::create_dir_all(bench.path(name).parent().unwrap()).unwrap();
        std::fs::write(bench.path(name), "theirs").unwrap();
    };
    for (name, how) in
        [("a/log.txt", ""), ("b/stats.jsonl", " --new"), ("c/reals.png", ""), ("d/config.toml", " --new")]
    {
        left(name);
        let (folder, file) = name.split_once('/').unwrap();
        bench.one_sentence(&format!("{TRAIN} --out {folder}{how}"), &[folder, file]);
        assert_eq!(std::fs::read(bench.path(name)).unwrap(), b"theirs");
        assert_eq!(std::fs::read_dir(bench.path(folder)).unwrap().count(), 1, "{folder}");
        assert!(!bench.path(format!("{folder}-1")).exists());
    }
    bench.one_sentence(&format!("{TRAIN} --out pictures"), &["pictures is read by this command"]);
    bench.one_sentence(&format!("{TRAIN} --out pictures/run/a"), &["pictures", "outside"]);
    assert_eq!(std::fs::read_dir(bench.path("pictures")).unwrap().count(), 12);
    left("e/notes.md");
    bench.ok(&format!("{TRAIN} --out e --kimg 0.1 --new"));
    assert!(bench.path("e/notes.md").exists() && !bench.path("e-1").exists());

    // The pictures are of another size: found when the run is opened.
    let wrong = format!("{TRAIN} --out f --set generator.img_size=[16,16]");
    bench.one_sentence(&wrong, &["8x8"]);
    assert!(!bench.path("f").exists());
    bench.ok(&format!("{TRAIN} --out f --kimg 0.1"));
    // A run without a checkpoint yet is no obstacle either.
    std::fs::remove_file(bench.path("f/network-000000.safetensors")).unwrap();
    bench.ok(&format!("{TRAIN} --out f --kimg 0.1 --seed 8"));
    bench.wrong("train --config tiny.toml --data nowhere --out f --kimg 0.1 --new", &["nowhere"]);
    assert!(bench.path("f/network-000000.safetensors").exists(), "moved for nothing");
}

/// The folder of a run stands for its newest whole checkpoint, not for the greatest name.
#[test]
fn the_newest_of_a_run() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} --out run --kimg 2.1 --set output.checkpoint_kimg=1"));
    let copy = |from: &str, to: &str| std::fs::copy(bench.path(from), bench.path(to)).unwrap();
    copy("run/network-000001.safetensors", "run/network-final.safetensors");
    stylegan_core::doc::save_tiny_network(&bench.path("run/network-900000.safetensors")).unwrap();
    copy("run/network-000001.safetensors", "run/network-+5.safetensors");
    // How new a network is stands in its file.
    let ran = bench.run("inspect run");
    assert!(ran.stdout.contains("2.104 kimg") && ran.stderr.is_empty(), "{}{}", ran.stdout, ran.stderr);
    let newest = bench.path("run/network-000002.safetensors");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() - 1]).unwrap();
    let ran = bench.run("generate --network run --seeds 1 --out one.png");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("network-000002") && ran.stderr.contains("network-000001.safetensors is used"));
    std::fs::create_dir(bench.path("none")).unwrap();
    copy("run/network-final.safetensors", "none/network-final.safetensors");
    bench.one_sentence("inspect none", &["none", "network-<kimg>"]);
}

/// Where nothing larger than 16 KiB can be written: no checkpoint, no further line of statistics, all of
/// them warnings; the last checkpoint must succeed. With room again the run ends as one that always had it.
#[cfg(unix)]
#[test]
fn no_room_for_files() {
    let bench = bench();
    let train = |out: &str, kimg: u32| format!("{TRAIN} --out {out} --kimg {kimg} --set output.checkpoint_kimg=0.5");
    bench.ok(&train("straight", 2));
    bench.ok(&train("full", 1));
    let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
    let kept = ["full/network-000000.safetensors", "full/network-000001.safetensors"];
    let before = kept.map(read);

    // By default the system ends a process that writes more; ours is told by an error.
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -f 32 && exec \"$@\"", "sh"]);
    let command = bench.command(&train("full", 2));
    limited.arg(command.get_program()).args(command.get_args()).current_dir(bench.path("."));
    let output = limited.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let warned = |part: &str| said.lines().any(|line| line.starts_with("warning: cannot write") && line.contains(part));
    assert!(warned("stats.jsonl") && warned("network-000001.safetensors"), "{said}");
    assert!(said.contains("tried again at the next tick"), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("error: cannot write") && last.contains("network-000002.safetensors"), "{said}");
    assert!(kept.map(read) == before, "earlier checkpoints stay");
    let names = std::fs::read_dir(bench.path("full")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with(".tmp")));

    bench.ok("train --out full");
    let end = "network-000002.safetensors";
    assert!(read(&format!("full/{end}")) == read(&format!("straight/{end}")));
    let lines = |run: &str| {
        let text = String::from_utf8(read(&format!("{run}/stats.jsonl"))).unwrap();
        text.lines().map(without_times).collect::<Vec<_>>()
    };
    assert_eq!(lines("full"), lines("straight"));
}
