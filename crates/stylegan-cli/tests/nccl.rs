//! Training on several processes as torchrun starts them, joined by NCCL, with a library in the place of NVIDIA's
//! (`stylegan-kernels/tests/nccl_fake`): the same bytes as one process.
#![cfg(all(target_os = "linux", not(feature = "cuda")))]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../../stylegan-kernels/tests/nccl_fake/build.rs"]
mod nccl_fake;

use nccl_fake::build_library;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const TINY: &str = include_str!("ranks.toml");

/// Starts `stylegan` as rank `rank` of `ranks`, the way torchrun does.
fn start(folder: &Path, line: &str, rank: usize, ranks: usize) -> Child {
    Command::new(env!("CARGO_BIN_EXE_stylegan"))
        .args(line.split(' '))
        .current_dir(folder)
        .env("LD_LIBRARY_PATH", folder)
        .env("FAKE_NCCL", folder)
        .envs([("WORLD_SIZE", ranks), ("RANK", rank), ("LOCAL_RANK", rank)].map(|(name, n)| (name, n.to_string())))
        .envs([("TORCHELASTIC_RUN_ID", "none"), ("TORCHELASTIC_RESTART_COUNT", "0")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn runs(folder: &Path, line: &str, ranks: usize) {
    let started: Vec<Child> = (0..ranks).map(|rank| start(folder, line, rank, ranks)).collect();
    for (rank, child) in started.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "rank {rank} of {ranks}: {said}");
        assert!(rank == 0 || said.is_empty(), "rank 0 speaks for all: {said}");
    }
}

fn last(run: &Path) -> Vec<u8> {
    let names = std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = names.filter(|path| path.extension().is_some_and(|end| end == "safetensors")).collect();
    names.sort();
    std::fs::read(names.pop().unwrap()).unwrap()
}

#[test]
fn ranks_of_torchrun_do_not_change_a_bit() {
    let bench = tempfile::tempdir().unwrap();
    let folder = bench.path();
    build_library(folder);
    std::fs::write(folder.join("tiny.toml"), TINY).unwrap();
    runs(folder, "data build avatars --size 16 --count 40 --out set.zip", 1);
    for ranks in 1..=3 {
        let short = "--set kimg=0.48 --set schedule.stable_kimg=0.12 --set schedule.fade_kimg=0.12";
        runs(folder, &format!("train --config tiny.toml --data set.zip --out {ranks} {short}"), ranks);
    }
    let expected = last(&folder.join("1"));
    assert!(last(&folder.join("2")) == expected && last(&folder.join("3")) == expected);
    // What has no folder to meet in works alone.
    let child = start(folder, "eval --images a b", 0, 2);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("torchrun started 2 processes, which meet in the folder of a run"), "{said}");
}
