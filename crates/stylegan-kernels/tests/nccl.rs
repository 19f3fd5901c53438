//! What a rank says to memory that is not its own, with a library in the place of NVIDIA's (`nccl_fake`). Ranks that
//! exchange are tested in `stylegan-train`.
#![cfg(all(target_os = "linux", not(feature = "cuda")))]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "nccl_fake/build.rs"]
mod nccl_fake;

use std::path::Path;
use std::process::Command;
use stylegan_kernels::nccl::{Group, new_id};

#[test]
fn memory_of_another_gpu_is_refused() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nccl-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    nccl_fake::build_library(&folder);
    let mut played = Command::new(std::env::current_exe().unwrap());
    played.args(["--exact", "play_two_gpus", "--ignored", "--nocapture"]);
    let output = played.env("LD_LIBRARY_PATH", &folder).env("FAKE_NCCL", &folder).output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
#[ignore = "the process of memory_of_another_gpu_is_refused, which starts it"]
fn play_two_gpus() {
    let joined = |gpu| Group::join(&new_id().unwrap(), 0, 1, gpu).unwrap();
    let (mut group, other) = (joined(0), joined(1));
    let (mut own, mut own_too) = (group.buffer(4).unwrap(), group.buffer(4).unwrap());
    let (mut foreign, patience) = (other.buffer(4).unwrap(), &mut || true);
    let all = std::slice::from_ref(&(0..4));
    let refused = [
        ("all_gather", group.all_gather(&foreign, &mut own, patience)),
        ("all_gather", group.all_gather(&own, &mut foreign, patience)),
        ("exchange", group.exchange((&foreign, all), (&mut own, all), patience)),
        ("exchange", group.exchange((&own, all), (&mut foreign, all), patience)),
        ("sum", group.sum(&mut foreign, patience)),
    ];
    for (what, outcome) in refused {
        let error = outcome.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{what}: a buffer is on another GPU")), "{error}");
    }
    // The group goes on with what is its own.
    own.write(&1f32.to_le_bytes()).unwrap();
    group.all_gather(&own, &mut own_too, patience).unwrap();
    group.exchange((&own, all), (&mut own_too, all), patience).unwrap();
    group.sum(&mut own_too, patience).unwrap();
    let mut got = [0; 4];
    own_too.read(&mut got).unwrap();
    assert_eq!(f32::from_le_bytes(got), 1.);
}
