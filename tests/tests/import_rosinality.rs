//! Checkpoints of rosinality's StyleGAN2 and StyleGAN give those programs' pictures and scores. See
//! `golden/rosinality/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, IndexOp, Tensor};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, save};
use stylegan_core::import::layouts::{Change, convert, rosinality};
use stylegan_core::import::{import, import_bytes};
use stylegan_core::layers::{Resample, ResamplingConv};
use stylegan_core::{Condition, Model, NetworkConfig, Params, SynthesisOptions, broadcast_ws, build_discriminator};
use stylegan_tests::golden::assert_close;
use stylegan_tests::pickle::Pickle;

/// f32 against f32 of other kernels: f32 and f64 of StyleGAN2 differ by up to 8e-6 on pictures of
/// standard deviation 1 to 2, of StyleGAN (instance norm) by up to 3e-5; five times that.
const STYLEGAN2: f64 = 4e-5;
const STYLEGAN1: f64 = 1.5e-4;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/rosinality")).join(name)
}

fn results(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(golden(name), &Device::Cpu).unwrap()
}

fn picture(model: &Model, ws: &Tensor) -> Tensor {
    model.synthesize(ws, &SynthesisOptions::default()).unwrap()
}

#[test]
fn stylegan2_generator() {
    let io = results("stylegan2.io.safetensors");
    let folder = tempfile::tempdir().unwrap();
    let converted = folder.path().join("network.safetensors");
    for file in ["stylegan2.pt", "stylegan2_legacy.pt"] {
        let imported = import(golden(file)).unwrap();
        save(&converted, &imported.metadata, &imported.tensors).unwrap();
        for path in [golden(file), converted.clone()] {
            let model = Model::load(&path, &Device::Cpu).unwrap();
            let ws = model.styles(&io["z"], None).unwrap();
            // Styles are of order 1 and pass four layers: a few units of the last place.
            assert_close("w", &ws.i((.., 0)).unwrap(), &io["w"], 2e-6);
            assert_close("picture", &picture(&model, &ws), &io["img"], STYLEGAN2);
            assert_close("from w+", &picture(&model, &io["wplus"]), &io["img_from_wplus"], STYLEGAN2);
            let cut = model.truncate(&ws, 0.7, None).unwrap();
            assert_close("psi 0.7", &picture(&model, &cut), &io["img_trunc0.7"], STYLEGAN2);
            let other = model.styles(&io["z2"], None).unwrap();
            let mixed = stylegan_core::latent::mix(&ws, &[(&other, 4..10)]).unwrap();
            assert_close("mixed", &picture(&model, &mixed), &io["img_mix4"], STYLEGAN2);
        }
    }
}

#[test]
fn stylegan2_discriminator() {
    let io = results("stylegan2.io.safetensors");
    let folder = tempfile::tempdir().unwrap();
    let converted = folder.path().join("network.safetensors");
    let imported = import(golden("stylegan2.pt")).unwrap();
    save(&converted, &imported.metadata, &imported.tensors).unwrap();
    let checkpoint = Checkpoint::open(&converted).unwrap();
    let NetworkConfig::Discriminator(config) = &checkpoint.metadata().unwrap().networks["D"] else { panic!("D") };
    let params = checkpoint.params("D", &Device::Cpu).unwrap();
    let d = build_discriminator(config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    // f32 and f64 of this network differ by up to 1e-6 on logits; five times that.
    for (n, name) in [(8, "d_logits_n8"), (2, "d_logits_n2")] {
        let img = io["d_in"].narrow(0, 0, n).unwrap();
        assert_close(name, &d.logits(&img, Condition::None, 0.).unwrap(), &io[name], 5e-6);
    }
}

/// A file without average style gets the mean of many styles: within six standard errors of that of
/// the original, which took the mean of others.
#[test]
fn a_missing_average_style_is_computed() {
    let imported = import(golden("stylegan1.model")).unwrap();
    let get = |name: &str| imported.tensors.iter().find(|(own, _)| own == name).unwrap().1.clone();
    let w_avg = get("G_ema.mapping.w_avg");
    let model = Model::load(golden("stylegan1.model"), &Device::Cpu).unwrap();
    let key = stylegan_core::latent::StreamKey::new(3, "test", 0);
    let indices: Vec<u64> = (0..1024).collect();
    let z = key.normal_rows(&indices, 0, &[32], DType::F32, &Device::Cpu).unwrap();
    let w = model.generator().mapping(&z, Condition::None).unwrap();
    let mean = w.mean_keepdim(0).unwrap();
    let sigma = w.broadcast_sub(&mean).unwrap().sqr().unwrap().mean(0).unwrap().sqrt().unwrap();
    let sigma = sigma.max(0).unwrap().to_scalar::<f32>().unwrap();
    assert_close("w_avg", &w_avg, &mean.squeeze(0).unwrap(), 6. * f64::from(sigma) / 32.);
    assert!(imported.metadata.extra["w_avg"].contains("4096"));
}

/// The original draws one noise map per picture and resolution; here its maps stand in place of the
/// network's own.
#[test]
fn stylegan1_generator() {
    let io = results("stylegan1.io.safetensors");
    let imported = import(golden("stylegan1.model")).unwrap();
    assert!(imported.metadata.extra["resolution"].contains("64x64"));
    let NetworkConfig::Generator(config) = imported.metadata.networks["G_ema"].clone() else { panic!("G_ema") };
    assert_eq!(config.img_size(), [64, 64]);
    let own = imported.tensors.iter().filter_map(|(n, t)| Some((n.strip_prefix("G_ema.")?.to_owned(), t.clone())));
    let params = Params::from_tensors(own).unwrap();
    params.get("mapping.w_avg").unwrap().set(&io["mean_style"].squeeze(0).unwrap()).unwrap();
    let model = Model::from_params(config, params.clone()).unwrap();
    let w = model.generator().mapping(&io["z"], Condition::None).unwrap();
    assert_close("w", &w, &io["w"], 2e-6);
    for sample in 0..2 {
        for level in 0..5 {
            let map = io[&format!("noise{level}")].i((sample, 0)).unwrap();
            for half in 0..2 {
                let name = format!("synthesis.b{}.conv{half}.noise_const", 4 << level);
                params.get(&name).unwrap().set(&map).unwrap();
            }
        }
        let one = |name: &str| io[name].narrow(0, sample, 1).unwrap();
        let ws = broadcast_ws(&w.narrow(0, sample, 1).unwrap(), 10).unwrap();
        assert_close("picture", &picture(&model, &ws), &one("img_step4"), STYLEGAN1);
        // The original fades by alpha from the lower resolution to the higher one.
        let fading = model.synthesize(&ws, &SynthesisOptions { lod: 0.6, ..SynthesisOptions::default() }).unwrap();
        assert_close("alpha 0.4", &fading, &one("img_step4_a0.4"), STYLEGAN1);
        let cut = model.truncate(&ws, 0.7, None).unwrap();
        assert_close("psi 0.7", &picture(&model, &cut), &one("img_step4_trunc0.7"), STYLEGAN1);
    }
}

/// A training checkpoint's discriminator is kept, and the file says why no network is made of it.
#[test]
fn stylegan1_discriminator_is_kept() {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let tensor = |p: Pickle, name: &str, shape: &[usize]| p.text(name).torch(&zeros(shape));
    let equalised = |p: Pickle, layer: &str, weight: &[usize], bias: usize| {
        tensor(tensor(p, &format!("{layer}.weight_orig"), weight), &format!("{layer}.bias"), &[bias])
    };
    let block = |p: Pickle, level: usize| {
        let own = format!("generator.progression.{level}");
        let p = match level {
            0 => tensor(p, &format!("{own}.conv1.input"), &[1, 2, 4, 4]),
            _ => equalised(p, &format!("{own}.conv1.1.conv"), &[2, 2, 3, 3], 2),
        };
        let p = [1, 2].iter().fold(equalised(p, &format!("{own}.conv2.conv"), &[2, 2, 3, 3], 2), |p, half| {
            let p = tensor(p, &format!("{own}.noise{half}.weight_orig"), &[1, 2, 1, 1]);
            equalised(p, &format!("{own}.adain{half}.style.linear"), &[4, 4], 4)
        });
        equalised(p, &format!("generator.to_rgb.{level}.conv"), &[3, 2, 1, 1], 3)
    };
    let generator = |p: Pickle| p.dict(|p| block(block(equalised(p, "style.1.linear", &[4, 4], 4), 0), 1));
    let weight = Tensor::new(&[[1f32, 2.], [3., 4.]], &Device::Cpu).unwrap();
    let discriminator = |p: Pickle| p.dict(|p| p.text("linear.weight_orig").torch(&weight));
    let file = Pickle::new().dict(|p| discriminator(generator(p.text("g_running")).text("discriminator"))).stop();

    let imported = import_bytes(&file, Path::new("train_step-7.model")).unwrap();
    assert_eq!(imported.metadata.networks.keys().collect::<Vec<_>>(), ["G_ema"]);
    assert!(imported.metadata.extra["discriminator"].contains("not built here"));
    let kept: Vec<_> = imported.tensors.iter().filter(|(name, _)| name.starts_with("discriminator.")).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].0, "discriminator.linear.weight_orig");
    assert_close("weight", &kept[0].1, &weight, 0.);
}

/// The fused upsampling convolution of the original: the kernel is summed over four shifts, divided
/// by four, and transposed; inputs come first in its weight. f64, sums of 100 products: 1e-12.
#[test]
fn stylegan1_fused_upsampling() {
    let key = stylegan_core::latent::StreamKey::new(0, "test", 0);
    let draw = |index, dims: &[usize]| {
        key.normal_rows(&[index], 0, dims, DType::F64, &Device::Cpu).unwrap().squeeze(0).unwrap()
    };
    let (inputs, outputs) = (5, 3);
    let theirs = draw(0, &[inputs, outputs, 3, 3]);
    let x = draw(1, &[2, inputs, 4, 6]);
    let shift = |top, left| {
        let w = theirs.pad_with_zeros(2, top, 1 - top).unwrap();
        w.pad_with_zeros(3, left, 1 - left).unwrap()
    };
    let sum = (((shift(0, 0) + shift(0, 1)).unwrap() + shift(1, 0)).unwrap() + shift(1, 1)).unwrap();
    let multiplier = (2. / (inputs * 9) as f64).sqrt() / 4.;
    #[allow(clippy::disallowed_methods, reason = "the other implementation to compare with")]
    let expected = x.conv_transpose2d(&(sum * multiplier).unwrap(), 1, 0, 2, 1).unwrap();

    let ours = (Change::RotateTransposed.apply(&theirs).unwrap() * 0.25).unwrap();
    let bias = Tensor::zeros(outputs, DType::F64, &Device::Cpu).unwrap();
    let tensors = HashMap::from([("weight".to_owned(), ours), ("bias".to_owned(), bias)]);
    let vb = candle_nn::VarBuilder::from_tensors(tensors, DType::F64, &Device::Cpu);
    for fused in [false, true] {
        let layer = ResamplingConv::new(inputs, outputs, Resample::Up, fused, 2f64.sqrt(), vb.clone()).unwrap();
        assert_close("fused", &layer.convolve(&x).unwrap(), &expected, 1e-12);
    }
}

/// Renaming loses nothing: every parameter goes back to the bytes it came from.
#[test]
fn stylegan2_names_go_both_ways() {
    let imported = import(golden("stylegan2.pt")).unwrap();
    let ours: HashMap<_, _> = imported.tensors.into_iter().collect();
    for (prefix, rows) in
        [("G_ema", rosinality::stylegan2_generator(5, 4)), ("D", rosinality::stylegan2_discriminator(5))]
    {
        let mut theirs = HashMap::new();
        for (own, other, change) in &rows {
            let tensor = &ours[&format!("{prefix}.{own}")];
            theirs.insert(other.clone(), change.invert(tensor, tensor.dims()).unwrap());
        }
        for (name, tensor) in convert(&rows, |name| theirs.get(name).cloned()).unwrap() {
            assert_close(&name, &tensor, &ours[&format!("{prefix}.{name}")], 0.);
        }
    }
}
