//! ReStyle (Alaluf et al. 2021): files in pixel2style2pixel's layout, and passes that look at what the pass before made.
//! What the files are called by is recalled, as none of them has been at hand.

use super::cases::{by_formula, close, load, picture as of_bytes};
use candle_core::{DType, Device, Tensor};
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::save;
use stylegan_core::import::import;
use stylegan_core::layers::{BufferUpdates, Mode};
use stylegan_core::psp::{Head, PspConfig, PspEncoder};
use stylegan_core::{Model, Params, SynthesisOptions, TrainedEncoder};
use stylegan_kernels::resize_area;
use stylegan_tests::golden::Place;
use stylegan_tests::pickle::Pickle;

fn config(head: Head) -> PspConfig {
    PspConfig { img_size: [32, 32], img_channels: 6, num_ws: 10, w_dim: 64, channels: 16, head, ..PspConfig::default() }
}

/// The weights of an encoder of either kind: they have the same names and shapes.
fn encoder() -> Params {
    let params = Params::new(5, DType::F32, &Device::Cpu);
    PspEncoder::new(&config(Head::Restyle), params.trainable()).unwrap();
    params
}

fn average() -> Tensor {
    Tensor::from_vec((0..64).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>(), 64, &Device::Cpu).unwrap()
}

/// The encoder with rosinality's generator, as torch saves it.
fn saved(folder: &Path, kind: &str) -> PathBuf {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/rosinality/stylegan2_g.weights.safetensors");
    let decoder: Vec<_> = candle_core::safetensors::load(path, &Device::Cpu).unwrap().into_iter().collect();
    let encoder: Vec<_> = encoder().vars().into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect();
    let state = |p: Pickle| {
        let named = |p: Pickle, start: &str, tensors: &[(String, Tensor)]| {
            tensors.iter().fold(p, |p, (name, tensor)| p.text(&format!("{start}.{name}")).torch(tensor))
        };
        named(named(p, "encoder", &encoder), "decoder", &decoder)
    };
    let pickle = Pickle::new().dict(|p| {
        let p = p.text("state_dict").dict(state).text("latent_avg").torch(&average());
        p.text("opts").dict(|p| p.text("encoder_type").text(kind).text("input_nc").int(6))
    });
    let path = folder.join(format!("{kind}.pt"));
    std::fs::write(&path, pickle.stop()).unwrap();
    path
}

fn picture() -> Tensor {
    let values: Vec<f32> = (0..3 * 32 * 32).map(|i| (i as f32 * 0.37).sin()).collect();
    Tensor::from_vec(values, (1, 3, 32, 32), &Device::Cpu).unwrap()
}

fn rows(ws: &Tensor) -> Vec<Vec<f32>> {
    ws.squeeze(0).unwrap().to_vec2().unwrap()
}

/// Each pass looks at the picture of the rows before, and adds to them; the first starts from the average.
#[test]
fn passes_look_at_what_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "BackboneEncoder");
    let loaded = TrainedEncoder::load(&path, &Device::Cpu).unwrap();
    assert_eq!((loaded.config(), loaded.config().picture_channels()), (&config(Head::Restyle), 3));
    let model = Model::load(&path, &Device::Cpu).unwrap();
    let x = picture();
    let found = loaded.refine(&x, model.generator(), 3).unwrap();
    let network = PspEncoder::new(&config(Head::Restyle), encoder().frozen()).unwrap();
    let mut expected = average().broadcast_as((1, 10, 64)).unwrap().contiguous().unwrap();
    for (pass, found) in found.iter().enumerate() {
        let made = model.synthesize(&expected, &SynthesisOptions::default()).unwrap();
        let made = resize_area(&made, 32, 32).unwrap();
        let step = network.forward(&Tensor::cat(&[&x, &made], 1).unwrap(), Mode::Eval).unwrap();
        expected = (expected + step).unwrap();
        assert_eq!(rows(found), rows(&expected), "pass {pass}");
    }
    assert!(found.len() == 3 && rows(&found[0]) != rows(&found[2]));
    // Fewer passes are the first ones of more.
    assert_eq!(rows(&loaded.refine(&x, model.generator(), 1).unwrap()[0]), rows(&found[0]));
    let error = loaded.encode(&x).unwrap_err().to_string();
    assert!(error.contains("refine"), "{error}");

    // Converted, it is the same.
    let imported = import(&path).unwrap();
    assert!(imported.metadata.source.clone().unwrap_or_default().starts_with("ReStyle checkpoint (PyTorch)"));
    let own = folder.path().join("own.safetensors");
    save(&own, &imported.metadata, &imported.tensors).unwrap();
    let again = TrainedEncoder::load(&own, &Device::Cpu).unwrap();
    assert_eq!(rows(&again.refine(&x, model.generator(), 3).unwrap()[2]), rows(&found[2]));
    // Another network than the encoder's.
    let tiny = folder.path().join("tiny.safetensors");
    stylegan_core::doc::save_tiny_network(&tiny).unwrap();
    let misfit = loaded.refine(&x, Model::load(&tiny, &Device::Cpu).unwrap().generator(), 1).unwrap_err().to_string();
    assert!(misfit.contains("10 style rows of 64 numbers"), "{misfit}");
}

/// On top of e4e rows from 1 on are offsets from row 0.
#[test]
fn offsets_are_added_in_each_pass() {
    let folder = tempfile::tempdir().unwrap();
    let load = |kind: &str| TrainedEncoder::load(saved(folder.path(), kind), &Device::Cpu).unwrap();
    let (plain, offsets) = (load("BackboneEncoder"), load("ProgressiveBackboneEncoder"));
    assert_eq!(offsets.config().head, Head::RestyleOffsets);
    let model = Model::load(saved(folder.path(), "BackboneEncoder"), &Device::Cpu).unwrap();
    let first = |encoder: &TrainedEncoder| rows(&encoder.refine(&picture(), model.generator(), 1).unwrap()[0]);
    let (plain, offsets) = (first(&plain), first(&offsets));
    let average: Vec<f32> = average().to_vec1().unwrap();
    assert_eq!(plain[0], offsets[0]);
    for row in 1..10 {
        for (i, average) in average.iter().enumerate() {
            let expected = plain[row][i] + plain[0][i] - average;
            // Sums in another order.
            assert!((offsets[row][i] - expected).abs() < 1e-5 * (1. + expected.abs()), "{row} {i}");
        }
    }
}

/// All rows look at the last map: the first three rows of the pyramid of the golden case do so as well, and come out the
/// same where the weights for the other picture are 0.
#[test]
fn rows_of_the_last_map_are_golden() {
    let (io, place) = (load("train3.io"), Place::cpu(DType::F64));
    let pyramid = PspConfig { num_ws: 10, w_dim: 64, channels: 16, ..PspConfig::default() };
    let params =
        by_formula("psp_train3/", &place, |params| drop(PspEncoder::new(&pyramid, params.trainable()).unwrap()));
    let wider = params.vars().into_iter().map(|(name, var)| {
        let tensor = var.as_detached_tensor();
        match name.as_str() {
            "input_layer.0.weight" => {
                let none = tensor.zeros_like().unwrap();
                (name, Tensor::cat(&[&tensor, &none], 1).unwrap())
            }
            _ => (name, tensor),
        }
    });
    let params = Params::from_tensors(wider.collect::<Vec<_>>()).unwrap();
    let restyle = PspConfig { img_channels: 6, num_ws: 3, head: Head::Restyle, ..pyramid };
    let encoder = PspEncoder::new(&restyle, params.frozen()).unwrap();
    let x = of_bytes(&io["in.x_u8"].get(0).unwrap(), &place);
    let other = x.flip(&[3]).unwrap().contiguous().unwrap();
    let updates = BufferUpdates::default();
    let found = encoder.forward(&Tensor::cat(&[&x, &other], 1).unwrap(), Mode::Train(&updates)).unwrap();
    let average = place.take(&io["in.latent_avg"]);
    let found = found.broadcast_add(&average.narrow(0, 0, 3).unwrap()).unwrap();
    // As the whole pyramid in `training`.
    close("rows", &found, &io["step0.latent"].narrow(1, 0, 3).unwrap().contiguous().unwrap(), 1e-5);
}
