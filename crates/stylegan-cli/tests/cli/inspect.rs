//! `stylegan inspect`, and damaged checkpoints.

use crate::bench::Bench;

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
