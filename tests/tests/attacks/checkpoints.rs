//! Safetensors files: headers that lie, metadata that does, weights that cannot be.

use crate::{Attack, attack};
use serde_json::{Value, json};

pub(crate) fn attacks() -> Vec<Attack> {
    let tensor = |offsets: Value, shape: Value, dtype: &str| {
        json!({ "G.w": { "dtype": dtype, "shape": shape, "data_offsets": offsets } }).to_string()
    };
    let two = |a: [i64; 2], b: [i64; 2]| {
        let entry = |offsets: [i64; 2]| json!({ "dtype": "F32", "shape": [2], "data_offsets": offsets });
        file(&json!({ "a": entry(a), "b": entry(b) }).to_string(), &[0; 16])
    };
    let one = |header: String| file(&header, &[0; 8]);
    let mut all = vec![
        attack("overlapping.safetensors", two([0, 8], [4, 12]), &["damaged header"]),
        attack("same-place.safetensors", two([0, 8], [0, 8]), &["damaged header"]),
        attack("hole.safetensors", two([0, 8], [12, 20]), &["damaged header"]),
        attack("out-of-range.safetensors", two([0, 8], [8, 1 << 40]), &["damaged header"]),
        attack("offsets-reversed.safetensors", one(tensor(json!([8, 0]), json!([2]), "F32")), &["damaged header"]),
        attack("offsets-negative.safetensors", one(tensor(json!([-8, 0]), json!([2]), "F32")), &["damaged header"]),
        attack("offsets-text.safetensors", one(tensor(json!("all"), json!([2]), "F32")), &["damaged header"]),
        attack("shape-larger.safetensors", one(tensor(json!([0, 8]), json!([3]), "F32")), &["damaged header"]),
        attack(
            "shape-overflow.safetensors",
            one(tensor(json!([0, 8]), json!([1u64 << 40, 1u64 << 40]), "F32")),
            &["damaged header"],
        ),
        attack("dtype-unknown.safetensors", one(tensor(json!([0, 8]), json!([2]), "F31")), &["damaged header"]),
        attack("data-cut.safetensors", file(&tensor(json!([0, 8]), json!([2]), "F32"), &[0; 4]), &["cut off"]),
        attack("data-left-over.safetensors", file(&tensor(json!([0, 8]), json!([2]), "F32"), &[0; 99]), &["cut off"]),
        attack("empty.safetensors", b"", &["empty"]),
        attack("header-length-gigantic.safetensors", [&[0xff; 8][..], b"{}{}"].concat(), &["header of"]),
        attack("header-longer-than-file.safetensors", [&1000u64.to_le_bytes()[..], b"{}  "].concat(), &["cut off"]),
        attack("header-not-json.safetensors", file("{nonsense}", &[]), &["damaged header"]),
        attack(
            "header-not-utf8.safetensors",
            [&8u64.to_le_bytes()[..], b"{\"\xff\xfe\":1}"].concat(),
            &["damaged header"],
        ),
        attack(
            "header-nested.safetensors",
            file(&format!("{{\"a\":{}", "[".repeat(100_000)), &[]),
            &["damaged header"],
        ),
        attack("header-of-5-mb.safetensors", file(&format!("{{{}}}", " ".repeat(5 << 20)), &[]), &["header of"]),
        attack("header-of-tensors.safetensors", file(&tensors(60_000), &[]), &["no generator"]),
        attack("no-generator.safetensors", one(tensor(json!([0, 8]), json!([2]), "F32")), &["cannot be told"]),
        attack("pickle-renamed.safetensors", b"\x80\x02cos\nsystem\n(S'echo owned'\ntR.", &["`os.system`"]),
        attack("levels-endless.safetensors", file(&levels(), &[]), &["cannot be told"]),
        attack("web-page.safetensors", b"<!DOCTYPE html><html><body>Sign in</body></html>", &["web page"]),
    ];
    let stated = |change: &dyn Fn(&mut Value)| {
        let mut metadata = metadata(&config());
        change(&mut metadata);
        file(&json!({ "__metadata__": metadata }).to_string(), &[])
    };
    let configured = |key: &str, value: Value| {
        let mut config = config();
        config[key] = value;
        file(&json!({ "__metadata__": metadata(&config), "G_ema.a": a_tensor("F32") }).to_string(), &[0; 4])
    };
    all.extend([
        attack("version-99.safetensors", stated(&|m| m["format_version"] = "99".into()), &["format_version 99"]),
        attack("kind-unknown.safetensors", stated(&|m| m["kind"] = "virus".into()), &["kind"]),
        attack("step-text.safetensors", stated(&|m| m["step"] = "many".into()), &["step"]),
        attack("metadata-number.safetensors", stated(&|m| m["step"] = 7.into()), &["damaged header"]),
        attack("config-broken.safetensors", stated(&|m| m["network.G_ema"] = "{".into()), &["configuration"]),
        attack(
            "config-nested.safetensors",
            stated(&|m| m["network.G_ema"] = "[".repeat(50_000).into()),
            &["configuration"],
        ),
        attack("config-unknown-field.safetensors", configured("backdoor", json!(1)), &["backdoor"]),
        attack("config-escapes.safetensors", configured("\x1b[2J\n", json!(1)), &["\\\\u{1b}[2J\\\\n"]),
        attack("name-escapes.safetensors", escaping(), &["\\\\u{1b}]0;owned\\\\u{7}", "element type"]),
        attack("config-size-odd.safetensors", configured("img_size", json!([1000, 1000])), &["img_size"]),
        attack("config-size-gigantic.safetensors", configured("img_size", json!([1u64 << 62, 4])), &["img_size"]),
        attack("config-channels-gigantic.safetensors", configured("channel_max", json!(u64::MAX)), &["channel_max"]),
        attack("config-label-gigantic.safetensors", configured("c_dim", json!(u64::MAX)), &["c_dim"]),
        attack("config-layers-gigantic.safetensors", configured("mapping_layers", json!(u64::MAX)), &["mapping.fc0"]),
        attack("config-filter-long.safetensors", configured("blur_filter", json!(vec![1; 200_000])), &["blur_filter"]),
        attack("config-eps-zero.safetensors", configured("norm_eps", json!(0)), &["norm_eps"]),
        attack("weights-missing.safetensors", configured("z_dim", json!(8)), &["is missing"]),
        attack("discriminator-as-generator.safetensors", discriminator(), &["G_ema is no generator"]),
        attack("hash-wrong.safetensors", hashed(), &["hash"]),
        attack("weights-nan.safetensors", network(f32::NAN, "F32"), &["not finite"]),
        attack("weights-infinite.safetensors", network(f32::INFINITY, "F32"), &["not finite"]),
        attack("weights-integers.safetensors", network(0., "I32"), &["element type"]),
        attack("weights-booleans.safetensors", network(0., "BOOL"), &["cannot be read"]),
    ]);
    all
}

/// Length, header, data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A header of so many empty tensors.
fn tensors(count: usize) -> String {
    let entries: Vec<String> =
        (0..count).map(|i| format!(r#""{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#)).collect();
    format!("{{{}}}", entries.join(","))
}

fn config() -> Value {
    json!({
        "network": "generator", "architecture": "stylegan1", "img_size": [8, 8], "z_dim": 4, "w_dim": 4,
        "mapping_width": 4, "mapping_layers": 1, "channel_max": 4,
    })
}

fn metadata(config: &Value) -> Value {
    json!({
        "format": "stylegan-rs", "format_version": "1", "kind": "release", "step": "0", "images": "0", "seed": "0",
        "network.G_ema": config.to_string(),
    })
}

fn a_tensor(dtype: &str) -> Value {
    let bytes = if dtype == "BOOL" { 1 } else { 4 };
    json!({ "dtype": dtype, "shape": [1], "data_offsets": [0, bytes] })
}

fn discriminator() -> Vec<u8> {
    let config = json!({ "network": "discriminator", "architecture": "stylegan1" });
    file(&json!({ "__metadata__": metadata(&config), "G_ema.a": a_tensor("F32") }).to_string(), &[0; 4])
}

fn hashed() -> Vec<u8> {
    let mut metadata = metadata(&config());
    metadata["content_hash"] = "0".repeat(64).into();
    file(&json!({ "__metadata__": metadata, "G_ema.a": a_tensor("F32") }).to_string(), &[0; 4])
}

/// A tensor whose name sets a terminal's title.
fn escaping() -> Vec<u8> {
    let header = json!({ "__metadata__": metadata(&config()), "G_ema.\x1b]0;owned\x07\n": a_tensor("I32") });
    file(&header.to_string(), &[0; 4])
}

/// A network of one bad tensor.
fn network(value: f32, dtype: &str) -> Vec<u8> {
    let header = json!({ "__metadata__": metadata(&config()), "G_ema.a": a_tensor(dtype) }).to_string();
    let bytes = value.to_le_bytes();
    file(&header, if dtype == "BOOL" { &bytes[..1] } else { &bytes })
}

/// A block of no size for each power of two, and one beyond them.
fn levels() -> String {
    let name = |side: u64| format!("synthesis.b{side}.conv1.weight");
    let empty = json!({ "dtype": "F32", "shape": [0], "data_offsets": [0, 0] });
    let sides = (0..62).map(|level| 4u64 << level).chain([0]);
    json!(sides.map(|side| (name(side), empty.clone())).collect::<serde_json::Map<_, _>>()).to_string()
}
