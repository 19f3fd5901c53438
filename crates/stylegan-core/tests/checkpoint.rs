//! Checkpoints: what is written is read back, and damage of every kind is one clear sentence.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata, infer_generator, save};
use stylegan_core::pggan::PgganConfig;
use stylegan_core::stylegan1::StyleGan1Config;
use stylegan_core::stylegan2::{StyleGan2Config, Topology};
use stylegan_core::{GeneratorConfig, Model, NetworkConfig, Params, SynthesisOptions, build_generator};

const CPU: Device = Device::Cpu;

fn tiny() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    stylegan_core::doc::save_tiny_network(&path).unwrap();
    (folder, path)
}

fn metadata() -> Metadata {
    Metadata {
        kind: Kind::State,
        networks: [("G".into(), NetworkConfig::Generator(GeneratorConfig::Pggan(PgganConfig::default())))].into(),
        step: 12,
        images: 384,
        seed: u64::MAX,
        dataset_hash: Some("abc".into()),
        licence: None,
        source: Some("a \"quoted\" source\n".into()),
        extra: [("ada.p".into(), "0.25".into())].into(),
    }
}

fn tensors() -> Vec<(String, Tensor)> {
    vec![
        ("opt_g.m.w".into(), Tensor::new(&[[1f32, -2.], [f32::MIN_POSITIVE, f32::MAX]], &CPU).unwrap()),
        ("G.w".into(), Tensor::new(&[[5f32, 6., 7.]], &CPU).unwrap().t().unwrap()),
        ("wide".into(), Tensor::new(0.1f64, &CPU).unwrap()),
        ("half".into(), Tensor::new(&[half::f16::from_f32(0.5)], &CPU).unwrap()),
        ("order".into(), Tensor::new(&[1i64, -9], &CPU).unwrap()),
        ("bytes".into(), Tensor::new(&[1u8, 2, 3], &CPU).unwrap()),
    ]
}

#[test]
fn what_is_saved_is_read_back_and_the_bytes_are_always_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
    save(&a, &metadata(), &tensors()).unwrap();
    let mut reordered = tensors();
    reordered.reverse();
    save(&b, &metadata(), &reordered).unwrap();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "temporary files are gone");

    let file = Checkpoint::open(&a).unwrap();
    assert_eq!(file.metadata(), Some(&metadata()));
    assert!(file.verify().unwrap());
    assert_eq!(file.content_hash().unwrap().len(), 64);
    for (name, expected) in tensors() {
        let found = file.tensor(&name, &CPU).unwrap();
        assert_eq!((found.dtype(), found.dims()), (expected.dtype(), expected.dims()), "{name}");
        let values = |t: &Tensor| t.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(values(&found), values(&expected), "{name}");
    }
    assert_eq!(file.params("opt_g.m", &CPU).unwrap().vars()[0].0, "w");
    // candle's own reader agrees.
    assert_eq!(candle_core::safetensors::load(&a, &CPU).unwrap().len(), 6);
}

/// The hash is written over its own place, not over a name that looks like the room kept for it.
#[test]
fn a_tensor_may_be_called_by_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros.safetensors");
    for name in ["0".repeat(64), format!("\"content_hash\":\"{}\"", "0".repeat(64))] {
        save(&path, &metadata(), &[(name.clone(), Tensor::new(1f32, &CPU).unwrap())]).unwrap();
        let file = Checkpoint::open(&path).unwrap();
        assert_eq!(file.names().collect::<Vec<_>>(), [&name]);
        assert!(file.verify().unwrap());
    }
}

#[test]
fn saving_replaces_the_old_file_while_it_is_open() {
    let (_folder, path) = tiny();
    let old = Checkpoint::open(&path).unwrap();
    save(&path, &metadata(), &tensors()).unwrap();
    assert!(old.verify().unwrap());
    assert_eq!(Checkpoint::open(&path).unwrap().metadata().unwrap().step, 12);
}

#[test]
fn unwritable_input_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let twice = vec![tensors()[0].clone(), tensors()[0].clone()];
    assert!(save(&path, &metadata(), &twice).unwrap_err().to_string().contains("twice"));
    let nowhere = folder.path().join("missing/x.safetensors");
    assert!(save(&nowhere, &metadata(), &tensors()).unwrap_err().to_string().contains("cannot write"));
    assert!(save("/", &metadata(), &tensors()).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// One byte of the weights was changed, as by a disk: whoever loads the network hears of it.
#[test]
fn damaged_weights_are_not_loaded() {
    let (_folder, path) = tiny();
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let config = Checkpoint::open(&path).unwrap().metadata().unwrap().networks["G_ema"].clone();
    let NetworkConfig::Generator(config) = config else { panic!("no generator") };
    for loaded in [Model::load(&path, &CPU), Model::load_with(&path, config, &CPU)] {
        let message = loaded.map(drop).unwrap_err().to_string();
        assert!(message.contains("is damaged: its contents have hash"), "{message}");
    }
}

/// Changes a valid file and expects opening, loading or verifying it to say `expected` in one line
/// that begins with the path or "cannot".
fn attack(change: impl FnOnce(&mut Vec<u8>), expected: &str) {
    let (_folder, path) = tiny();
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    // Metadata may lie and be hashed: the hash comes last.
    let outcome = Checkpoint::open(&path).and_then(|file| {
        Model::of_checkpoint(&file, &CPU)?;
        file.verify()
    });
    let message = outcome.expect_err(expected).to_string();
    assert!(message.contains(expected), "{message}\nlacks: {expected}");
    assert!(message.starts_with(path.to_str().unwrap()) && !message.contains('\n'), "{message}");
}

fn header_length(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

/// Replaces text in the header, keeping its length field right.
fn edit_header(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let end = 8 + header_length(bytes);
    let header = String::from_utf8(bytes[8..end].to_vec()).unwrap();
    assert!(header.contains(from), "{from} is not in {header}");
    let header = header.replacen(from, to, 1);
    bytes.splice(8..end, header.bytes());
    bytes[..8].copy_from_slice(&(header.len() as u64).to_le_bytes());
}

#[test]
fn empty_and_short_files() {
    attack(Vec::clear, "is empty; copy it again from its source");
    attack(|bytes| bytes.truncate(9), "9 bytes, too few");
}

#[test]
fn files_of_other_kinds() {
    attack(|bytes| *bytes = b"\x80\x04\x95 a pickle of some sort".to_vec(), "not a safetensors file");
    attack(|bytes| *bytes = vec![0x89; 5000], "not a safetensors file");
    let folder = tempfile::tempdir().unwrap();
    let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("a folder, where a file is needed"), "{error}");
    let error = Checkpoint::open(folder.path().join("none")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read"), "{error}");
}

#[test]
fn cut_off_files() {
    attack(|bytes| bytes.truncate(bytes.len() - 1), "cut off");
    attack(|bytes| bytes.truncate(100), "cut off: its header");
    attack(|bytes| bytes.push(0), "bytes too many");
}

#[test]
fn huge_headers_and_sizes_take_no_memory() {
    attack(|bytes| bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes()), "announces a header of");
    attack(|bytes| bytes[..8].copy_from_slice(&(90u64 << 20).to_le_bytes()), "announces a header of");
    attack(|bytes| bytes[..8].copy_from_slice(&(1u64 << 20).to_le_bytes()), "cut off");
    attack(|bytes| edit_header(bytes, "\"shape\":[8]", "\"shape\":[4294967296,4294967296]"), "damaged header");
    attack(|bytes| edit_header(bytes, "\"shape\":[8]", "\"shape\":[800000000]"), "damaged header");
}

#[test]
fn nonsense_in_headers() {
    attack(|bytes| edit_header(bytes, "\"shape\":[8]", "\"shape\":[NaN]"), "damaged header");
    attack(|bytes| edit_header(bytes, "\"shape\":[8]", "\"shape\":[-8]"), "damaged header");
    attack(|bytes| edit_header(bytes, "\"shape\":[8]", "\"shape\":8"), "damaged header");
    attack(|bytes| edit_header(bytes, "\"dtype\":\"F32\"", "\"dtype\":\"F31\""), "damaged header");
    attack(|bytes| edit_header(bytes, "\"data_offsets\":[0,", "\"data_offsets\":[4,"), "damaged header");
    attack(|bytes| bytes[9] = 0xff, "damaged header");
}

#[test]
fn metadata_that_lies() {
    attack(|bytes| edit_header(bytes, "\"step\":\"0\"", "\"step\":\"x\""), "step `x`");
    attack(
        |bytes| edit_header(bytes, "\"kind\":\"release\"", "\"kind\":\"other\""),
        "expected release, state or weights",
    );
    attack(|bytes| edit_header(bytes, "\"format_version\":\"2\"", "\"format_version\":\"9\""), "newer stylegan-rs");
    attack(|bytes| edit_header(bytes, "stylegan1", "stylegan9"), "network G_ema that cannot be read");
    attack(|bytes| edit_header(bytes, "\\\"z_dim\\\":8", "\\\"z_dim\\\":9"), "expected [8, 9]");
    attack(|bytes| edit_header(bytes, "size\\\":[16,16]", "size\\\":[32,32]"), "`synthesis.b32.");
    attack(|bytes| edit_header(bytes, "size\\\":[16,16]", "size\\\":[17,16]"), "img_size 17x16");
}

#[test]
fn a_flipped_bit_is_noticed() {
    for (from, to) in [
        ("\"step\":\"0\"", "\"step\":\"1\""),
        ("\"images\":\"0\"", "\"images\":\"2\""),
        ("\"kind\":\"release\"", "\"kind\":\"weights\""),
        ("\"format_version\":\"2\"", "\"format_version\":\"1\""),
        ("\"crate_version\"", "\"crate_versioo\""),
    ] {
        attack(|bytes| edit_header(bytes, from, to), "is damaged: its contents have hash");
    }
    attack(
        |bytes| {
            let last = bytes.len() - 3;
            bytes[last] ^= 1;
        },
        "is damaged: its contents have hash",
    );
}

#[test]
fn weights_of_a_larger_network_are_refused() {
    let (_folder, path) = tiny();
    let model = Model::load(&path, &CPU).unwrap();
    let GeneratorConfig::StyleGan1(config) = model.config().clone() else { unreachable!() };
    let config = GeneratorConfig::StyleGan1(StyleGan1Config { img_size: [8, 8], ..config });
    let error = Model::load_with(&path, config, &CPU).map(drop).unwrap_err().to_string();
    assert!(error.contains("belong to no module") && error.contains("synthesis.b16"), "{error}");
}

#[test]
fn integer_weights_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let weights = vec![("G_ema.synthesis.b4.torgb.weight".into(), Tensor::new(&[1u8], &CPU).unwrap())];
    save(&path, &Metadata::default(), &weights).unwrap();
    let error = Model::load_with(&path, GeneratorConfig::Pggan(PgganConfig::default()), &CPU);
    let error = error.map(drop).unwrap_err().to_string();
    assert!(error.contains("element type u8"), "{error}");
}

fn save_plain(path: &Path, config: &GeneratorConfig) -> Params {
    let params = Params::new(3, DType::F32, &CPU);
    build_generator(config, params.trainable()).unwrap();
    let mut tensors: HashMap<_, _> =
        params.vars().into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect();
    // As the official StyleGAN2 stores it, a constant.
    let taps = Tensor::new(&[1f32, 3., 3., 1.], &CPU).unwrap();
    let filter = (taps.unsqueeze(1).unwrap().broadcast_mul(&taps).unwrap() / 64.).unwrap();
    tensors.insert("synthesis.b8.resample_filter".into(), filter);
    candle_core::safetensors::save::<String, _>(&tensors, path).unwrap();
    params
}

fn stylegan2(topology: Topology, c_dim: usize) -> GeneratorConfig {
    GeneratorConfig::StyleGan2(StyleGan2Config {
        img_size: [16, 16],
        z_dim: 6,
        c_dim,
        w_dim: 10,
        mapping_layers: 2,
        mapping_width: Some(9),
        embed_width: (c_dim > 0).then_some(4),
        topology,
        channel_base: 128,
        channel_max: 24,
        ..StyleGan2Config::default()
    })
}

#[test]
fn plain_files_are_inferred_from_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.safetensors");
    let base = StyleGan1Config {
        img_size: [16, 32],
        img_channels: 1,
        z_dim: 6,
        w_dim: 10,
        mapping_layers: 2,
        mapping_width: 9,
        channel_base: 256,
        channel_max: 24,
        ..StyleGan1Config::default()
    };
    let configs = [
        GeneratorConfig::StyleGan1(base.clone()),
        GeneratorConfig::StyleGan1(StyleGan1Config { c_dim: 3, ..base.clone() }),
        GeneratorConfig::StyleGan1(StyleGan1Config {
            img_size: [32, 32],
            const_input: false,
            use_styles: false,
            use_noise: false,
            pixel_norm: true,
            mapping_layers: 0,
            mapping_width: 512,
            w_dim: 6,
            ..base.clone()
        }),
        GeneratorConfig::Pggan(PgganConfig {
            img_size: [32, 32],
            z_dim: 6,
            channel_base: 256,
            channel_max: 24,
            ..PgganConfig::default()
        }),
        stylegan2(Topology::Skip, 0),
        stylegan2(Topology::Resnet, 3),
        stylegan2(Topology::Orig, 0),
    ];
    for config in configs {
        let params = save_plain(&path, &config);
        let model = Model::load(&path, &CPU).unwrap();
        assert_eq!(model.config(), &config);
        // What shapes do not tell is said to be assumed, unless it is stated.
        let assumed = model.metadata().unwrap().assumed().collect::<Vec<_>>();
        let fields = serde_json::to_value(&config).unwrap();
        assert!(!assumed.is_empty() && assumed.iter().all(|field| fields.get(field).is_some()), "{assumed:?}");
        assert!(assumed.contains(&"mapping_lr") || matches!(config, GeneratorConfig::Pggan(_)));
        assert!(Model::load_with(&path, config.clone(), &CPU).unwrap().metadata().is_none());
        let z = model.latents(&[1]).unwrap();
        let ws = model.styles(&z, model.labels(0, 1).unwrap().as_ref()).unwrap();
        let img = model.synthesize(&ws, &SynthesisOptions::default()).unwrap();
        let direct =
            build_generator(&config, params.frozen()).unwrap().synthesis(&ws, &SynthesisOptions::default()).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(&img), values(&direct));
    }
}

#[test]
fn a_stored_filter_must_be_the_known_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.safetensors");
    save_plain(&path, &stylegan2(Topology::Skip, 0));
    let mut tensors = candle_core::safetensors::load(&path, &CPU).unwrap();
    tensors.insert("synthesis.b8.resample_filter".into(), Tensor::new(&[[0.25f32; 2]; 2], &CPU).unwrap());
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let error = Model::load(&path, &CPU).err().unwrap().to_string();
    assert!(error.contains("`synthesis.b8.resample_filter` is not [1, 3, 3, 1]"), "{error}");
}

#[test]
fn what_cannot_be_inferred_is_named() {
    let error = infer_generator(&|_| None).unwrap_err().to_string();
    assert!(error.contains("`synthesis.b4.conv1.weight` is missing") && error.contains("convert the file"), "{error}");
}
