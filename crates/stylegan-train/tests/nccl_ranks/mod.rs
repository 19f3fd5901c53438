//! Ranks that are processes, joined by the library that stands for NCCL (`stylegan-kernels/tests/nccl_fake`): a test starts its
//! program once more for each, to play one of them.

#[path = "../../../stylegan-kernels/tests/nccl_fake/build.rs"]
mod nccl_fake;

use nccl_fake::build_library;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};
use stylegan_train::communicator::{MeetingFile, Nccl, Place};

const FOLDER: &str = "NCCL_TEST_FOLDER";
const RANK: &str = "NCCL_TEST_RANK";

/// Starts this program once more for each rank, as `play` of them.
pub(crate) fn start(folder: &Path, play: &str, ranks: usize) -> Vec<Child> {
    build_library(folder);
    let others = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let libraries =
        std::env::join_paths([folder.to_owned()].into_iter().chain(std::env::split_paths(&others))).unwrap();
    let start = |rank: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", play, "--ignored", "--nocapture"])
            .env("LD_LIBRARY_PATH", &libraries)
            .env("FAKE_NCCL", folder)
            .env("EMULATED_GPUS", ranks.to_string())
            .env("EMULATED_COPIES", folder.join(format!("copies-{rank}")))
            .env(FOLDER, folder)
            .env(RANK, rank.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    (0..ranks).map(start).collect()
}

pub(crate) fn ends_well(ranks: Vec<Child>) {
    for (rank, child) in ranks.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "rank {rank}: {}", String::from_utf8_lossy(&said));
    }
}

/// In a process that plays a rank: the folder that all share.
pub(crate) fn folder() -> PathBuf {
    std::env::var(FOLDER).unwrap().into()
}

/// In a process that plays a rank: this one, and the others.
pub(crate) fn joined(ranks: usize, patience: Duration) -> Nccl {
    let rank = std::env::var(RANK).unwrap().parse().unwrap();
    let meeting = MeetingFile::new(&folder(), "a run, restart 0", SystemTime::UNIX_EPOCH);
    let id = if rank == 0 { meeting.open().unwrap() } else { meeting.find(patience).unwrap() };
    let joined = Nccl::join(&id, Place { rank, ranks, gpu: rank }, patience).unwrap();
    if rank == 0 {
        meeting.close();
    }
    joined
}
