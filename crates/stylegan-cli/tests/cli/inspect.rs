//! `stylegan inspect`, and damaged checkpoints.

use crate::bench::Bench;
use stylegan_core::checkpoint::{Checkpoint, save};

#[test]
fn text_and_json_say_what_is_inside() {
    let bench = Bench::with_network();
    let text = bench.ok("inspect tiny.safetensors");
    assert!(text.contains("--tensors lists them") && !text.contains("G_ema.mapping.fc0.weight"), "{text}");
    let text = bench.ok("inspect tiny.safetensors --tensors");
    for part in ["G_ema", "stylegan1", "intact", "G_ema.mapping.fc0.weight", "[8, 8]"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&bench.ok("inspect tiny.safetensors --json")).unwrap();
    assert_eq!(json["networks"]["G_ema"]["architecture"], "stylegan1");
    assert_eq!(json["verified"], true);
    assert!(json["tensors"].as_array().unwrap().len() > 10);
}

/// What another user has unpacked cannot be written and is in nobody's way; where networks are unpacked nobody asked.
#[test]
#[cfg(target_os = "linux")]
fn each_user_unpacks_what_comes_with_the_program() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("tmp")).unwrap();
    std::fs::write(bench.path(concat!("tmp/stylegan-models-", env!("CARGO_PKG_VERSION"))), "another's").unwrap();
    let output = bench.command("inspect avatars-32").env("TMPDIR", bench.path("tmp")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("avatars-32\n"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// What every verb that computes refuses, `inspect` shows, and `convert` does not copy.
#[test]
fn numbers_that_are_none_are_found() {
    let bench = Bench::with_network();
    let file = Checkpoint::open(bench.path("tiny.safetensors")).unwrap();
    let tensor = |name: &str| {
        let tensor = file.tensor(name, &candle_core::Device::Cpu).unwrap();
        if name == "G_ema.mapping.fc0.weight" { (tensor * f64::NAN).unwrap() } else { tensor }
    };
    let tensors: Vec<_> = file.names().map(|name| (name.to_owned(), tensor(name))).collect();
    save(bench.path("nan.safetensors"), file.metadata().unwrap(), &tensors).unwrap();
    let text = bench.ok("inspect nan.safetensors");
    assert!(text.contains("not finite    G_ema.mapping.fc0.weight: it holds NaN"), "{text}");
    assert!(!bench.ok("inspect tiny.safetensors").contains("not finite"));
    let copy = "convert nan.safetensors copy.safetensors";
    bench.one_sentence(copy, &["nan.safetensors", "G_ema.mapping.fc0.weight", "not finite"]);
    bench.ok("export --network tiny.safetensors --onnx tiny.onnx");
    bench.one_sentence("inspect tiny.onnx", &["tiny.onnx", "an ONNX model"]);
}

#[test]
fn damage_is_found() {
    let bench = Bench::with_network();
    let bytes = std::fs::read(bench.path("tiny.safetensors")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(bench.path(name), bytes).unwrap();

    write("short.safetensors", &bytes[..bytes.len() - 100]);
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    write("flipped.safetensors", &flipped);
    let mut huge = bytes.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    write("huge.safetensors", &huge);
    write("empty.safetensors", b"");
    write("pickle.safetensors", b"\x80\x04\x95not a checkpoint at all");
    for name in ["short", "flipped", "huge", "empty", "pickle"] {
        bench.one_sentence(&format!("inspect {name}.safetensors"), &[&format!("{name}.safetensors")]);
    }
    bench.one_sentence("inspect .", &["no network-<kimg>.safetensors"]);
}
