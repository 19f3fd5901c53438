//! Files as they were released: encoder, generator, average style and options in one.

use super::cases::{close, load, weights};
use candle_core::{DType, Device, IndexOp, Tensor};
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::save;
use stylegan_core::import::import;
use stylegan_core::layers::Mode;
use stylegan_core::psp::{Head, PspConfig, PspEncoder};
use stylegan_core::{EncoderConfig, Model, NetworkConfig, Params, SynthesisOptions, TrainedEncoder};
use stylegan_tests::golden::{Place, assert_near};
use stylegan_tests::pickle::Pickle;

fn decoder() -> Vec<(String, Tensor)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/rosinality/stylegan2_g.weights.safetensors");
    candle_core::safetensors::load(path, &Device::Cpu).unwrap().into_iter().collect()
}

fn average() -> Tensor {
    let values: Vec<f32> = (0..64).map(|i| (i as f32 * 0.7).sin()).collect();
    Tensor::from_vec(values, (1, 64), &Device::Cpu).unwrap()
}

/// The single-vector encoder of the golden case with rosinality's generator, as torch saves it, without batch counters.
fn saved(folder: &Path, kind: &str) -> PathBuf {
    saved_of(folder, kind, "ffhq_encode")
}

fn saved_of(folder: &Path, kind: &str, data: &str) -> PathBuf {
    saved_with(folder, kind, data, |p| p)
}

/// The same with more options.
fn saved_with(folder: &Path, kind: &str, data: &str, more: impl Fn(Pickle) -> Pickle) -> PathBuf {
    let encoder = weights(&["backbone", "w"], &Place::cpu(DType::F32)).vars().into_iter();
    let encoder: Vec<_> = encoder.map(|(name, var)| (name, var.as_detached_tensor())).collect();
    let state = |p: Pickle| {
        let named = |p: Pickle, start: &str, tensors: &[(String, Tensor)]| {
            tensors.iter().fold(p, |p, (name, tensor)| p.text(&format!("{start}.{name}")).torch(tensor))
        };
        named(named(p, "encoder", &encoder), "decoder", &decoder())
    };
    let options =
        |p: Pickle| more(p.text("encoder_type").text(kind).text("output_size").int(64).text("dataset_type").text(data));
    let pickle = Pickle::new().dict(|p| {
        let p = p.text("state_dict").dict(state).text("latent_avg").torch(&average());
        p.text("opts").dict(options)
    });
    let path = folder.join(format!("{kind}-{data}.pt"));
    std::fs::write(&path, pickle.stop()).unwrap();
    path
}

#[test]
fn a_released_file_encodes_and_reconstructs() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "BackboneEncoderUsingLastLayerIntoW");
    let io = load("encoders.io");
    let encoder = TrainedEncoder::load(&path, &Device::Cpu).unwrap();
    assert_eq!((encoder.config().img_size, encoder.config().head), ([256, 256], Head::W));
    let x = io["x"].to_dtype(DType::F32).unwrap();
    let rows = encoder.encode(&x).unwrap();
    assert_eq!(rows.dims(), [x.dim(0).unwrap(), 10, 64]);
    let expected = io["w.codes"].to_dtype(DType::F64).unwrap();
    let expected = expected.broadcast_add(&average().to_dtype(DType::F64).unwrap()).unwrap();
    for row in [0, 9] {
        // As the encoder alone, see `encoders`.
        close("released file", &rows.i((.., row)).unwrap(), &expected, 2e-5);
    }
    // The generator is that of its own file, and the encoder fits it.
    let model = Model::load(&path, &Device::Cpu).unwrap();
    encoder.check_fits(model.generator().spec()).unwrap();
    let average_kept = model.generator().w_avg().unwrap().to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap();
    let wanted = average().to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert_near("average style", &average_kept, &wanted, 0.);
    let image = model.synthesize(&rows, &SynthesisOptions::default()).unwrap();
    let imported = import(&path).unwrap();
    assert!(imported.metadata.extra["opts"].contains("\"output_size\":64"));
    assert!(imported.metadata.networks.len() == 2 && imported.tensors.iter().any(|(name, _)| name == "E.latent_avg"));

    // Converted, it is the same encoder and the same generator.
    let own = folder.path().join("own.safetensors");
    save(&own, &imported.metadata, &imported.tensors).unwrap();
    let again = TrainedEncoder::load(&own, &Device::Cpu).unwrap();
    let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(values(&again.encode(&x).unwrap()), values(&rows));
    // So it is under the names that the file has.
    let named = folder.path().join("named.safetensors");
    let encoder = weights(&["backbone", "w"], &Place::cpu(DType::F32)).vars().into_iter();
    let encoder = encoder.map(|(name, var)| (format!("encoder.{name}"), var.as_detached_tensor()));
    let mut tensors: std::collections::HashMap<_, _> = encoder.collect();
    tensors.extend(decoder().into_iter().map(|(name, tensor)| (format!("decoder.{name}"), tensor)));
    tensors.insert("latent_avg".into(), self::average());
    candle_core::safetensors::save(&tensors, &named).unwrap();
    let again = TrainedEncoder::load(&named, &Device::Cpu).unwrap();
    assert_eq!(values(&again.encode(&x).unwrap()), values(&rows));
    let model = Model::load(&own, &Device::Cpu).unwrap();
    assert_eq!(values(&model.synthesize(&rows, &SynthesisOptions::default()).unwrap()), values(&image));
}

/// e4e calls the encoder of one vector by another name; rows are counted from the average unless the options say otherwise.
#[test]
fn options_name_the_encoder_and_what_its_rows_are_counted_from() {
    let folder = tempfile::tempdir().unwrap();
    let io = load("encoders.io");
    let x = io["x"].to_dtype(DType::F32).unwrap();
    let from_average = |opcode: &'static [u8]| move |p: Pickle| p.text("start_from_latent_avg").raw(opcode);
    for (opcode, counted) in [(b"\x88", 1.), (b"\x89", 0.)] {
        let path = saved_with(folder.path(), "SingleStyleCodeEncoder", "ffhq_encode", from_average(opcode));
        let encoder = TrainedEncoder::load(&path, &Device::Cpu).unwrap();
        assert_eq!(
            (encoder.config().head, encoder.options()["start_from_latent_avg"].as_bool()),
            (Head::W, Some(counted > 0.))
        );
        let from = (average().to_dtype(DType::F64).unwrap() * counted).unwrap();
        let expected = io["w.codes"].to_dtype(DType::F64).unwrap().broadcast_add(&from).unwrap();
        // As the encoder alone, see `encoders`.
        close("rows", &encoder.encode(&x).unwrap().i((.., 3)).unwrap(), &expected, 2e-5);
        let model = Model::load(&path, &Device::Cpu).unwrap();
        let kept = model.generator().w_avg().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(kept, average().flatten_all().unwrap().to_vec1::<f32>().unwrap());
    }
}

#[test]
fn other_files_are_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &Path| TrainedEncoder::load(path, &Device::Cpu).err().unwrap().to_string();
    let unknown = error(&saved(folder.path(), "ResNetBackboneEncoder"));
    assert!(unknown.contains("ResNetBackboneEncoder") && unknown.contains("not known here"), "{unknown}");
    let cars = error(&saved_of(folder.path(), "Encoder4Editing", "cars_encode"));
    assert!(cars.contains("cars_encode") && cars.contains("256x192"), "{cars}");
    // The first layers of an encoder are kept, and are no encoder.
    let part = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/kept/psp.pt");
    assert!(error(Path::new(part)).contains("holds no encoder"));
    let network = folder.path().join("network.safetensors");
    stylegan_core::doc::save_tiny_network(&network).unwrap();
    assert!(error(&network).contains("holds no encoder"));
    let encoder =
        TrainedEncoder::load(saved(folder.path(), "BackboneEncoderUsingLastLayerIntoW"), &Device::Cpu).unwrap();
    let model = Model::load(&network, &Device::Cpu).unwrap();
    let misfit = encoder.check_fits(model.generator().spec()).unwrap_err().to_string();
    assert!(misfit.contains("10 style rows of 64 numbers") && misfit.contains("6 of 8"), "{misfit}");
}

/// e4e's rows are offsets from the first; pyramids are told from their names, at any size.
#[test]
fn offsets_are_added_to_the_first_row() {
    let folder = tempfile::tempdir().unwrap();
    let config = PspConfig { img_size: [32, 32], num_ws: 8, w_dim: 12, channels: 16, ..PspConfig::default() };
    let params = Params::new(5, DType::F32, &Device::Cpu);
    let plain = PspEncoder::new(&config, params.trainable()).unwrap();
    let offsets = PspConfig { head: Head::Offsets, ..config.clone() };
    let added = PspEncoder::new(&offsets, params.frozen()).unwrap();
    let values: Vec<f32> = (0..3 * 32 * 32).map(|i| (i as f32 * 0.37).sin()).collect();
    let x = Tensor::from_vec(values, (1, 3, 32, 32), &Device::Cpu).unwrap();
    let rows = |encoder: &PspEncoder| {
        let rows = encoder.forward(&x, Mode::Eval).unwrap().detach();
        rows.squeeze(0).unwrap().to_vec2::<f32>().unwrap()
    };
    let (plain, added) = (rows(&plain), rows(&added));
    assert_eq!(plain[0], added[0]);
    for row in 1..8 {
        assert!((0..12).all(|i| added[row][i] == plain[row][i] + plain[0][i]), "{row}");
    }
    let path = folder.path().join("encoder.safetensors");
    let metadata = stylegan_core::checkpoint::Metadata {
        networks: [("E".to_owned(), NetworkConfig::Encoder(EncoderConfig::Psp(offsets)))].into(),
        ..Default::default()
    };
    let tensors: Vec<_> =
        params.vars().into_iter().map(|(name, var)| (format!("E.{name}"), var.as_detached_tensor())).collect();
    save(&path, &metadata, &tensors).unwrap();
    let loaded = TrainedEncoder::load(&path, &Device::Cpu).unwrap();
    assert_eq!(loaded.encode(&x).unwrap().squeeze(0).unwrap().to_vec2::<f32>().unwrap(), added);
}
