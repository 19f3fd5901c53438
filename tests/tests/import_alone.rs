//! Networks without what is usually around them: pickled alone, in checkpoints of which parts are
//! missing, and as state dictionaries under the names of others. See the READMEs of
//! `golden/checkpoints` and `golden/rosinality`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata, save};
use stylegan_core::export::{Naming, state_dict};
use stylegan_core::import::{CONFIG_KEY, Imported, import, import_bytes, import_safetensors};
use stylegan_core::latent::StreamKey;
use stylegan_core::{Model, NoiseKeys, NoiseMode, SynthesisOptions};
use stylegan_tests::golden::assert_close;
use stylegan_tests::pickle::Pickle;

type Named = Vec<(String, Tensor)>;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(name)
}

/// The pictures of two seeds.
fn pictures(path: &Path, noise: NoiseMode<'_>) -> Tensor {
    let model = Model::load(path, &Device::Cpu).unwrap();
    let ws = model.styles(&model.latents(&[3, 4]).unwrap(), None).unwrap();
    model.synthesize(&ws, &SynthesisOptions { noise, ..SynthesisOptions::default() }).unwrap()
}

#[track_caller]
fn same_pictures(a: &Path, b: &Path) {
    assert_close("pictures", &pictures(a, NoiseMode::Const), &pictures(b, NoiseMode::Const), 0.);
}

fn bits(tensors: &[(String, Tensor)]) -> Vec<(String, Vec<usize>, Vec<u32>)> {
    let values =
        |tensor: &Tensor| tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let entry = |(name, tensor): &(String, Tensor)| {
        (name.clone(), tensor.dims().to_vec(), values(tensor).into_iter().map(f32::to_bits).collect())
    };
    let mut all: Vec<_> = tensors.iter().map(entry).collect();
    all.sort();
    all
}

fn dict(p: Pickle, tensors: &[(String, Tensor)]) -> Pickle {
    p.dict(|p| tensors.iter().fold(p, |p, (name, tensor)| p.text(name).torch(tensor)))
}

fn write(folder: &Path, name: &str, bytes: Vec<u8>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn weights(name: &str) -> Named {
    candle_core::safetensors::load(golden(name), &Device::Cpu).unwrap().into_iter().collect()
}

#[test]
fn generators_pickled_alone() {
    for file in ["pggan_tf.pkl", "stylegan1_tf.pkl", "stylegan2_ada_pytorch.pkl"] {
        let alone = golden("checkpoints/bare").join(file);
        same_pictures(&alone, &golden("checkpoints").join(file));
        assert_eq!(import(&alone).unwrap().metadata.networks.keys().collect::<Vec<_>>(), ["G_ema"], "{file}");
    }
}

/// What is on top of the stack when a pickle ends is what it stands for: without its last tuple, the
/// third network.
#[test]
fn tensorflow_stylegan2_alone() {
    let whole = std::fs::read(golden("../../fuzz/seeds/import/tensorflow_stylegan2.pkl")).unwrap();
    let networks = whole.strip_suffix(b"\x87\x94.").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let alone = write(folder.path(), "Gs.pkl", [networks, b"."].concat());
    let whole = write(folder.path(), "all.pkl", whole);
    same_pictures(&alone, &whole);
}

/// A network of the same class name from another program is kept as it is.
#[test]
fn other_generators_stay_what_they_are() {
    let weight = Tensor::arange(0f32, 6., &Device::Cpu).unwrap();
    let parameters = |p: Pickle| p.text("_parameters").dict(|p| p.text("weight").torch(&weight));
    let network = |p: Pickle| p.dict(|p| p.text("class_name").text("Generator").text("state").dict(parameters));
    let bytes = Pickle::new().call("torch_utils.persistence", "_reconstruct_persistent_obj", network).stop();
    let imported = import_bytes(&bytes, Path::new("other.pkl")).unwrap();
    assert_eq!(imported.metadata.kind, Kind::Weights);
    assert_eq!(bits(&imported.tensors), bits(&[("weight".into(), weight)]));
}

#[test]
fn rosinality_without_noises() {
    let (without, with) = (golden("rosinality/no_noises.pt"), golden("rosinality/with_noises.pt"));
    let keys = NoiseKeys::new(StreamKey::new(0, "test", 0), [3, 4]);
    assert_close("none", &pictures(&without, NoiseMode::None), &pictures(&with, NoiseMode::None), 0.);
    let random = |path: &Path| pictures(path, NoiseMode::Random(&keys));
    assert_close("random", &random(&without), &random(&with), 0.);
    same_pictures(&without, &without);
    let imported = import(&without).unwrap();
    assert!(imported.metadata.extra["noise_const"].contains("seed 0"));
    assert!(!import(&with).unwrap().metadata.extra.contains_key("noise_const"));
    // Maps of different layers are different, and of unit variance: 64 numbers within five sigma.
    let map = |name: &str| imported.network("G_ema")[name].clone();
    let (a, b) = (map("synthesis.b8.conv0.noise_const"), map("synthesis.b8.conv1.noise_const"));
    let mean_square = |t: &Tensor| t.sqr().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
    assert!((mean_square(&a) - 1.).abs() < 5. * (2f32 / 64.).sqrt());
    assert!(mean_square(&(a - b).unwrap()) > 0.5);
}

/// Noise of which only a part is missing is damage, not an early version of the program.
#[test]
fn rosinality_with_half_its_noises() {
    let mut tensors = weights("rosinality/stylegan2_g.weights.safetensors");
    tensors.retain(|(name, _)| name != "noises.noise_3");
    let error = import_bytes(&dict(Pickle::new(), &tensors).stop(), Path::new("half.pt")).unwrap_err().to_string();
    assert!(error.contains("`noises.noise_3` is missing"), "{error}");
}

#[test]
fn rosinality_without_an_average() {
    let (g, d) =
        (weights("rosinality/stylegan2_g.weights.safetensors"), weights("rosinality/stylegan2_d.weights.safetensors"));
    let both = Pickle::new().dict(|p| dict(dict(p.text("g"), &g).text("d"), &d)).stop();
    let wrapped: Named = g.iter().map(|(name, tensor)| (format!("module.{name}"), tensor.clone())).collect();
    let wrapped = Pickle::new().dict(|p| dict(p.text("g"), &wrapped)).stop();
    let imported = import_bytes(&both, Path::new("g_d.pt")).unwrap();
    assert_eq!(imported.metadata.networks.keys().collect::<Vec<_>>(), ["D", "G"]);
    let folder = tempfile::tempdir().unwrap();
    let paths = [("both.pt", both), ("wrapped.pt", wrapped), ("alone.pt", dict(Pickle::new(), &g).stop())];
    let [both, wrapped, alone] = paths.map(|(name, bytes)| write(folder.path(), name, bytes));
    same_pictures(&both, &alone);
    same_pictures(&wrapped, &alone);
    let d = import_bytes(&dict(Pickle::new(), &d).stop(), Path::new("d.pt")).unwrap();
    assert_eq!(d.metadata.networks.keys().collect::<Vec<_>>(), ["D"]);
}

/// The tensors of a file that says nothing of itself.
fn plain(folder: &Path, name: &str, tensors: &[(String, Tensor)]) -> PathBuf {
    let path = folder.join(name);
    let tensors: HashMap<_, _> = tensors.iter().cloned().collect();
    candle_core::safetensors::save(&tensors, &path).unwrap();
    path
}

fn prefixed(tensors: &[(String, Tensor)], prefix: &str) -> Named {
    tensors.iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect()
}

#[test]
fn rosinality_names_as_safetensors() {
    let folder = tempfile::tempdir().unwrap();
    let pickled = import(golden("rosinality/stylegan2.pt")).unwrap();
    let (g, d) =
        (weights("rosinality/stylegan2_g.weights.safetensors"), weights("rosinality/stylegan2_d.weights.safetensors"));
    let mean = [("latent_avg".to_owned(), pickled.network("G_ema")["mapping.w_avg"].clone())];
    let alone = plain(folder.path(), "alone.safetensors", &[&g[..], &mean].concat());
    let parts = plain(
        folder.path(),
        "parts.safetensors",
        &[prefixed(&[&g[..], &mean].concat(), "g_ema."), prefixed(&d, "d.module.")].concat(),
    );
    for path in [&alone, &parts] {
        same_pictures(path, &golden("rosinality/stylegan2.pt"));
        let imported = import_safetensors(&Checkpoint::open(path).unwrap()).unwrap().unwrap();
        let own = |prefix| pickled.network(prefix).into_iter().collect::<Named>();
        for prefix in imported.metadata.networks.keys() {
            assert_eq!(bits(&imported.network(prefix).into_iter().collect::<Named>()), bits(&own(prefix)), "{prefix}");
        }
    }
    assert_eq!(import_safetensors(&Checkpoint::open(parts).unwrap()).unwrap().unwrap().metadata.networks.len(), 2);
    let other = plain(
        folder.path(),
        "other.safetensors",
        &[("weight".into(), Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap())],
    );
    assert!(import_safetensors(&Checkpoint::open(&other).unwrap()).unwrap().is_none());
    let error = Model::load(&other, &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("holds no generator"), "{error}");
}

/// What is written under the names of others comes back tensor by tensor, with all of its configuration.
#[test]
fn written_names_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let rosinality = import(golden("rosinality/stylegan2.pt")).unwrap();
    let ada = import(golden("checkpoints/stylegan2_ada_pytorch.pkl")).unwrap();
    for (original, naming, prefixes) in [
        (&rosinality, Naming::Rosinality, &["G_ema"][..]),
        (&rosinality, Naming::Rosinality, &["D"][..]),
        (&rosinality, Naming::Nvlabs, &["D", "G", "G_ema"][..]),
        (&ada, Naming::Nvlabs, &["G_ema"][..]),
        (&ada, Naming::Nvlabs, &["G"][..]),
        (&ada, Naming::Nvlabs, &["D"][..]),
        (&ada, Naming::Nvlabs, &["D", "G_ema"][..]),
    ] {
        let path = folder.path().join("theirs.safetensors");
        let mut metadata = Metadata { kind: Kind::Weights, ..Metadata::default() };
        let mut tensors = Vec::new();
        for prefix in prefixes {
            let config = &original.metadata.networks[*prefix];
            let own = state_dict(config, &original.network(prefix), naming).unwrap();
            let theirs = if prefixes.len() == 1 { String::new() } else { format!("{prefix}.") };
            tensors.extend(prefixed(&own, &theirs));
            metadata.extra.insert(format!("{CONFIG_KEY}{prefix}"), serde_json::to_string(config).unwrap());
        }
        save(&path, &metadata, &tensors).unwrap();
        let back: Imported = import_safetensors(&Checkpoint::open(&path).unwrap()).unwrap().unwrap();
        assert_eq!(back.metadata.networks.len(), prefixes.len());
        for prefix in prefixes {
            assert_eq!(back.metadata.networks[*prefix], original.metadata.networks[*prefix], "{naming:?} {prefix}");
            let own = |file: &Imported| bits(&file.network(prefix).into_iter().collect::<Named>());
            assert_eq!(own(&back), own(original), "{naming:?} {prefix}");
        }
    }
}

/// Official names in a torch file, alone and in the places where programs put them, without a
/// configuration.
#[test]
fn official_names_as_torch_files() {
    let original = import(golden("rosinality/stylegan2.pt")).unwrap();
    let own = state_dict(&original.metadata.networks["G_ema"], &original.network("G_ema"), Naming::Nvlabs).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let alone = write(folder.path(), "alone.pt", dict(Pickle::new(), &own).stop());
    same_pictures(&alone, &golden("rosinality/stylegan2.pt"));
    for part in ["G_ema", "state_dict"] {
        let path = write(folder.path(), "part.pt", Pickle::new().dict(|p| dict(p.text(part), &own)).stop());
        same_pictures(&path, &alone);
    }
    let plain = plain(folder.path(), "plain.safetensors", &own);
    same_pictures(&plain, &alone);
    let alias_free = [("synthesis.input.freqs".to_owned(), Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap())];
    let error = import_bytes(&dict(Pickle::new(), &alias_free).stop(), Path::new("r.pt")).unwrap_err().to_string();
    assert!(error.contains("alias-free"), "{error}");
}

/// NumPy's files, row by row and column by column, of either byte order, stored and packed.
#[test]
fn numpy_files() {
    let header = |descr: &str, fortran: &str| {
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (2, 3), }}          \n")
    };
    let file = |header: String, data: Vec<u8>| {
        [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &data].concat()
    };
    let rows: Vec<f64> = vec![0., 1., 2., 3., 4., 5.];
    let columns: Vec<f64> = vec![0., 3., 1., 4., 2., 5.];
    let small = |values: &[f64]| values.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect::<Vec<_>>();
    let large = |values: &[f64]| values.iter().flat_map(|&x| x.to_be_bytes()).collect::<Vec<_>>();
    let arrays = [
        file(header("<f4", "False"), small(&rows)),
        file(header("<f4", "True"), small(&columns)),
        file(header(">f8", "False"), large(&rows)),
    ];
    let expected = Tensor::new(&[[0f32, 1., 2.], [3., 4., 5.]], &Device::Cpu).unwrap();
    for array in &arrays {
        let imported = import_bytes(array, Path::new("w.npy")).unwrap();
        assert_eq!(bits(&imported.tensors), bits(&[("arr_0".into(), expected.clone())]));
    }
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (i, array) in arrays.iter().enumerate() {
            let options = zip::write::SimpleFileOptions::default().compression_method(method).large_file(true);
            writer.start_file(format!("w{i}.npy"), options).unwrap();
            std::io::Write::write_all(&mut writer, array).unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();
        let imported = import_bytes(&bytes, Path::new("projected_w.npz")).unwrap();
        assert_eq!(imported.metadata.kind, Kind::Weights);
        let all: Named = (0..3).map(|i| (format!("w{i}"), expected.clone())).collect();
        assert_eq!(bits(&imported.tensors), bits(&all));
    }
}
