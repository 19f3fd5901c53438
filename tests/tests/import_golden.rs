//! Released formats: pickles of the official programs give those programs' pictures and scores,
//! converting is repeatable, and damaged files are errors. See `golden/checkpoints/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{Device, Tensor};
use std::collections::HashMap;
use std::path::PathBuf;
use stylegan_core::checkpoint::{Checkpoint, save};
use stylegan_core::import::import;
use stylegan_core::{Condition, Model, NetworkConfig, SynthesisOptions, build_discriminator};
use stylegan_tests::golden::assert_close;

/// f32 against f32 of other kernels on pictures of standard deviation 1 to 2: numerics differ by up
/// to 3e-5 with instance norm (StyleGAN), 1e-5 without; five times that.
const PICTURES: f64 = 1.5e-4;
/// Logits, same reasoning: their f32 and f64 differ by up to 1e-6.
const LOGITS: f64 = 1e-5;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/checkpoints")).join(name)
}

fn results(case: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(golden(&format!("{case}.io.safetensors")), &Device::Cpu).unwrap()
}

/// Pictures of the averaged generator and logits of the discriminator, from the pickle itself and
/// from the file it is converted to.
fn check(file: &str, case: &str, picture: &str) {
    let io = results(case);
    let folder = tempfile::tempdir().unwrap();
    let converted = folder.path().join("network.safetensors");
    let imported = import(golden(file)).unwrap();
    save(&converted, &imported.metadata, &imported.tensors).unwrap();
    let again = folder.path().join("again.safetensors");
    let second = import(golden(file)).unwrap();
    save(&again, &second.metadata, &second.tensors).unwrap();
    assert_eq!(std::fs::read(&converted).unwrap(), std::fs::read(&again).unwrap(), "{file}: conversion repeats");

    for path in [golden(file), converted.clone()] {
        let model = Model::load(&path, &Device::Cpu).unwrap();
        let ws = model.styles(&io["z"], None).unwrap();
        let img = model.synthesize(&ws, &SynthesisOptions::default()).unwrap();
        assert_close(&format!("{file} {picture}"), &img, &io[picture], PICTURES);
        if let Some(expected) = io.get("G_ema.ws_psi0.7") {
            assert_close(&format!("{file} ws"), &model.truncate(&ws, 0.7, None).unwrap(), expected, PICTURES);
        }
        if let Some(expected) = io.get("Gs.img_psi0.7_cut8") {
            let ws = model.truncate(&ws, 0.7, Some(8)).unwrap();
            assert_close(
                &format!("{file} psi"),
                &model.synthesize(&ws, &SynthesisOptions::default()).unwrap(),
                expected,
                PICTURES,
            );
        }
    }

    let checkpoint = Checkpoint::open(&converted).unwrap();
    assert!(checkpoint.verify().unwrap());
    let NetworkConfig::Discriminator(config) = &checkpoint.metadata().unwrap().networks["D"] else { panic!("D") };
    let params = checkpoint.params("D", &Device::Cpu).unwrap();
    let d = build_discriminator(config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    assert_close(
        &format!("{file} logits"),
        &d.logits(&io["img_in"], Condition::None, 0.).unwrap(),
        &io["D.logits"],
        LOGITS,
    );
}

#[test]
fn stylegan2_ada_pytorch() {
    check("stylegan2_ada_pytorch.pkl", "stylegan2_ada_pytorch", "G_ema.img_const");
    check("stylegan2_ada_pytorch.proto3.pkl", "stylegan2_ada_pytorch", "G_ema.img_const");
}

#[test]
fn stylegan2_of_the_stylegan3_repository() {
    check("stylegan3_repo_sg2.pkl", "stylegan3_repo_sg2", "G_ema.img_const");
}

#[test]
fn stylegan_tensorflow() {
    check("stylegan1_tf.pkl", "stylegan1_tf", "Gs.img");
}

#[test]
fn progressive_gan_tensorflow() {
    check("pggan_tf.pkl", "pggan_tf", "Gs.img");
}

/// Pickles from before the end of growth say how far their networks had come, and make their pictures there.
#[test]
fn growing_networks_are_shown_as_far_as_they_have_grown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.pkl");
    // Level of detail 0 as a number of four bytes, which is the only scalar of 0 in these files.
    let (zero, lod) = (b"C\x04\0\0\0\0", 1.5f32);
    for file in ["stylegan1_tf.pkl", "pggan_tf.pkl"] {
        let mut bytes = std::fs::read(golden(file)).unwrap();
        for at in 0..bytes.len() - zero.len() {
            if bytes[at..].starts_with(zero) {
                bytes[at + 2..at + 6].copy_from_slice(&lod.to_le_bytes());
            }
        }
        std::fs::write(&path, bytes).unwrap();
        let [grown, growing] = [golden(file), path.clone()].map(|path| Model::load(path, &Device::Cpu).unwrap());
        assert_eq!((grown.lod(), growing.lod()), (0., 1.5));
        let ws = grown.styles(&grown.latents(&[1]).unwrap(), None).unwrap();
        let options = SynthesisOptions { lod: 1.5, ..SynthesisOptions::default() };
        let expected = grown.synthesize(&ws, &options).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let found = growing.synthesize(&ws, &SynthesisOptions::default()).unwrap();
        assert_eq!(found.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected, "{file}");
    }
}

#[test]
fn every_cut_is_an_error_and_none_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pkl");
    for file in ["stylegan2_ada_pytorch.pkl", "stylegan1_tf.pkl"] {
        let whole = std::fs::read(golden(file)).unwrap();
        for length in (1..whole.len()).step_by(whole.len() / 40) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let message = import(&path).unwrap_err().to_string();
            assert!(message.contains("cut.pkl") && !message.contains('\n'), "{file} at {length}: {message}");
        }
    }
}

/// Flipped bytes may leave a readable file (a weight changed) or give an error, never a panic.
#[test]
fn flipped_bytes_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped.pkl");
    for file in ["stylegan2_ada_pytorch.proto3.pkl", "pggan_tf.pkl"] {
        let whole = std::fs::read(golden(file)).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 100) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xa5;
            std::fs::write(&path, &damaged).unwrap();
            drop(import(&path));
        }
    }
}
