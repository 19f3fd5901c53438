//! `--device`: what a program without GPUs makes of it. On a GPU: `cargo xtask cuda`.

use crate::bench::Bench;
use std::fs;

const NET: &str = "generate --network avatars-32 --seeds 3";

/// The program of these tests is built for the CPU.
#[test]
#[cfg(not(feature = "cuda"))]
fn a_program_for_the_cpu_says_how_to_build_one_for_gpus() {
    let bench = Bench::new();
    let sentence = "this program was built for the CPU alone, without the feature `cuda`";
    let verbs = [
        NET,
        "mix --network avatars-32 --rows 0 --cols 1",
        "eval --network avatars-32 --data avatars",
        "directions sefa --network avatars-32",
        "paint --network missing.safetensors --map map.png",
        "classifier --data avatars --out classes.safetensors",
        "segmenter --data set --out segmenter.safetensors",
        "studio --network avatars-32 --no-open",
    ];
    for verb in verbs {
        bench.one_sentence(&format!("{verb} --device cuda"), &["--device cuda: ", sentence, "--features cuda"]);
    }
    bench.ok(&format!("{NET} --out default.png"));
    bench.ok(&format!("{NET} --device cpu --out cpu.png"));
    let ran = bench.run(&format!("{NET} --device auto --out auto.png"));
    assert!(ran.stderr.contains(&format!("--device auto: cpu, since {sentence}")), "{}", ran.stderr);
    let bytes = |name: &str| fs::read(bench.path(name)).unwrap();
    assert!(bytes("default.png") == bytes("cpu.png") && bytes("cpu.png") == bytes("auto.png"));
}

#[test]
fn other_devices_are_refused() {
    Bench::new().wrong(&format!("{NET} --device gpu"), &["gpu", "expected cpu, cuda, cuda:N", "auto"]);
}
