//! Networks that are kept as they are: every tensor under its original name, bit for bit. See
//! `golden/kept/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, Kind, save};
use stylegan_core::import::{Imported, import, import_bytes};
use stylegan_core::stylegan1::{StyleGan1Discriminator, StyleGan1DiscriminatorConfig};
use stylegan_core::{Condition, Discriminator, Params};
use stylegan_metrics::features::Classifier;
use stylegan_tests::pickle::Pickle;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(name)
}

fn tensors(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(golden(name), &Device::Cpu).unwrap()
}

/// The bytes of a tensor, with its type and shape.
fn content(tensor: &Tensor) -> (DType, Vec<usize>, Vec<f64>) {
    let values = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    (tensor.dtype(), tensor.dims().to_vec(), values)
}

/// Imports, converts, reads back.
fn converted(path: &Path) -> (Imported, HashMap<String, Tensor>) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("kept.safetensors");
    let imported = import(path).unwrap();
    assert_eq!(imported.metadata.kind, Kind::Weights);
    save(&target, &imported.metadata, &imported.tensors).unwrap();
    let file = Checkpoint::open(&target).unwrap();
    assert!(file.verify().unwrap());
    assert_eq!(file.metadata().unwrap().kind, Kind::Weights);
    let read = file.names().map(|name| (name.to_owned(), file.tensor(name, &Device::Cpu).unwrap())).collect();
    (imported, read)
}

#[track_caller]
fn same(found: &HashMap<String, Tensor>, expected: impl IntoIterator<Item = (String, Tensor)>) -> usize {
    let mut count = 0;
    for (name, tensor) in expected {
        let own = found.get(&name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(content(own), content(&tensor), "{name}");
        count += 1;
    }
    count
}

#[test]
fn pixel2style2pixel() {
    let (imported, found) = converted(&golden("kept/psp.pt"));
    assert_eq!(imported.metadata.extra["content"], "pixel2style2pixel encoder and decoder");
    let options: serde_json::Value = serde_json::from_str(&imported.metadata.extra["opts"]).unwrap();
    assert_eq!(options["n_styles"], 10);
    assert_eq!(found.len(), 118);
    let decoder = tensors("rosinality/stylegan2_g.weights.safetensors");
    let named = decoder.into_iter().map(|(name, tensor)| (format!("decoder.{name}"), tensor));
    assert_eq!(same(&found, named), 91);
    assert_eq!(found["latent_avg"].dims(), [10, 64]);
    assert_eq!(found["encoder.input_layer.1.num_batches_tracked"].dtype(), DType::I64);
}

#[test]
fn torchscript() {
    let (imported, found) = converted(&golden("kept/script.pt"));
    assert_eq!(imported.origin, "TorchScript module");
    let expected = tensors("kept/script.weights.safetensors");
    assert_eq!(found.len(), expected.len());
    same(&found, expected);
    assert_eq!(found["offset"].dtype(), DType::F16);
}

/// The TensorFlow feature networks are single `Network` objects.
#[test]
fn tensorflow_network() {
    let weight = Tensor::arange(0f32, 24., &Device::Cpu).unwrap().reshape((1, 2, 3, 4)).unwrap();
    let bytes = Pickle::new()
        .object("dnnlib.tflib.network", "Network", |p| {
            p.dict(|p| {
                let p = p.text("version").int(3).text("build_func_name").text("metrics.vgg16_zhang_perceptual");
                let p = p.text("static_kwargs").dict(|p| p.text("resolution").int(256));
                p.text("variables").list(|p| p.tuple(|p| p.text("conv1/weight").array(&weight)))
            })
        })
        .stop();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vgg16_zhang_perceptual.pkl");
    std::fs::write(&path, bytes).unwrap();
    let (imported, found) = converted(&path);
    assert!(imported.metadata.extra["content"].contains("vgg16_zhang_perceptual"));
    assert_eq!(imported.metadata.extra["arguments"], r#"{"resolution":256}"#);
    assert_eq!(same(&found, [("conv1/weight".to_owned(), weight)]), 1);
}

/// Arrays as NumPy 2 writes them in protocol 5, row by row and column by column.
#[test]
fn arrays_of_protocol_5() {
    let values: Vec<u8> = (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let array = |p: Pickle, order: &str| {
        p.call("numpy._core.numeric", "_frombuffer", |p| {
            let p = p.raw(b"\x96").raw((values.len() as u64).to_le_bytes()).raw(&values);
            let p = p.call("numpy", "dtype", |p| p.text("f4").raw(b"\x89\x88"));
            p.tuple(|p| p.int(2).int(3)).text(order)
        })
    };
    let variable = |p: Pickle, name: &str| p.tuple(|p| array(p.text(name), name));
    let variables = |p: Pickle| p.text("variables").list(|p| variable(variable(p, "C"), "F"));
    let bytes = Pickle::new().object("dnnlib.tflib.network", "Network", |p| p.dict(variables)).stop();
    let found = import_bytes(&bytes, Path::new("network.pkl")).unwrap().tensors.into_iter().collect();
    let rows = Tensor::new(&[[0f32, 1., 2.], [3., 4., 5.]], &Device::Cpu).unwrap();
    let columns = Tensor::new(&[[0f32, 2., 4.], [1., 3., 5.]], &Device::Cpu).unwrap();
    assert_eq!(same(&found, [("C".to_owned(), rows), ("F".to_owned(), columns)]), 2);
}

/// One state dictionary in all the forms that torch has written it in.
#[test]
fn forms_of_torch_files() {
    let read = |name: &str| -> HashMap<String, Tensor> {
        import(golden("state_dict").join(name)).unwrap().tensors.into_iter().collect()
    };
    let plain = read("plain.pth");
    for form in ["legacy_nested.pth", "sequential_protocol4.pth", "python2.pth", "big_endian.pth"] {
        assert_eq!(same(&read(form), plain.clone()), 3, "{form}");
    }
    // A view of nothing may begin behind the last element.
    assert_eq!(read("empty_view.pth")["a"].dims(), [0, 1]);
    let kinds = read("kinds.pth");
    assert_eq!(same(&kinds, tensors("state_dict/kinds.safetensors")), kinds.len());
}

/// The feature networks of the StyleGAN3 repository are pickled objects; torch's own modules may be in
/// them.
#[test]
fn pickled_modules() {
    let weight = Tensor::arange(0f32, 6., &Device::Cpu).unwrap().reshape((2, 3)).unwrap();
    let parameters = |p: Pickle| p.text("_parameters").dict(|p| p.text("weight").torch(&weight));
    let linear = |p: Pickle| p.object("torch.nn.modules.linear", "Linear", |p| p.dict(parameters));
    let state = |p: Pickle| p.text("_modules").dict(|p| linear(p.text("fc")));
    let detector = |p: Pickle| {
        p.call("torch_utils.persistence", "_reconstruct_persistent_obj", |p| {
            p.dict(|p| p.text("class_name").text("Detector").text("state").dict(state))
        })
    };
    let read = |bytes: Vec<u8>| import_bytes(&bytes, Path::new("detector.pkl")).unwrap();
    let imported = read(detector(Pickle::new()).stop());
    assert_eq!(imported.metadata.extra["content"], "network of class Detector");
    assert_eq!(same(&imported.tensors.into_iter().collect(), [("fc.weight".to_owned(), weight.clone())]), 1);
    let sequential = |p: Pickle| p.object("torch.nn.modules.container", "Sequential", |p| p.dict(state));
    let imported = read(sequential(Pickle::new()).stop());
    assert_eq!(same(&imported.tensors.into_iter().collect(), [("fc.weight".to_owned(), weight.clone())]), 1);
}

/// The classifiers of attributes are discriminators alone: they classify, as they are and converted.
#[test]
fn classifier_of_an_attribute() {
    let config = StyleGan1DiscriminatorConfig {
        img_size: [16, 16],
        channel_base: 64,
        channel_max: 8,
        mbstd_group: 0,
        ..StyleGan1DiscriminatorConfig::default()
    };
    let params = Params::new(3, DType::F32, &Device::Cpu);
    let network = StyleGan1Discriminator::new(&config, params.trainable()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, group: i32| {
        let mut variables = Vec::new();
        for (name, var) in params.vars() {
            let (layer, part) = name.rsplit_once('.').unwrap();
            let (block, layer) = layer.split_once('.').unwrap();
            let side: usize = block[1..].parse().unwrap();
            let theirs = match layer {
                "fromrgb" => format!("FromRGB_lod{}", 4 - side.ilog2()),
                "conv" => "4x4/Conv".into(),
                "fc" => "4x4/Dense0".into(),
                "out" => "4x4/Dense1".into(),
                "conv0" => format!("{side}x{side}/Conv0"),
                _ => format!("{side}x{side}/Conv1_down"),
            };
            let tensor = match var.rank() {
                4 => var.permute((2, 3, 1, 0)).unwrap().contiguous().unwrap(),
                2 => var.t().unwrap().contiguous().unwrap(),
                _ => var.as_tensor().clone(),
            };
            variables.push((format!("{theirs}/{part}"), tensor));
        }
        let bytes = Pickle::new().object("dnnlib.tflib.network", "Network", |p| {
            p.dict(|p| {
                let p = p.text("version").int(3).text("build_func_name").text("training.networks_stylegan.D_basic");
                let p = p.text("static_kwargs").dict(|p| {
                    let p = p.text("resolution").int(16).text("num_channels").int(3).text("fmap_base").int(32);
                    p.text("fmap_max").int(8).text("mbstd_group_size").int(group)
                });
                p.text("variables")
                    .list(|p| variables.iter().fold(p, |p, (name, tensor)| p.tuple(|p| p.text(name).array(tensor))))
            })
        });
        let path = folder.path().join(name);
        std::fs::write(&path, bytes.stop()).unwrap();
        path
    };
    let path = write("celebahq-classifier-00-male.pkl", 0);
    let pictures = Tensor::arange(0f32, 2. * 3. * 256., &Device::Cpu).unwrap().reshape((2, 3, 16, 16)).unwrap();
    let pictures = (pictures / 768.).unwrap().affine(1., -1.).unwrap();
    let values = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let expected = values(network.logits(&pictures, Condition::None, 0.).unwrap());
    let classifier = Classifier::open(&path, &Device::Cpu).unwrap();
    assert_eq!(classifier.attributes(), ["celebahq-classifier-00-male"]);
    assert_eq!(values(classifier.logits(&pictures).unwrap()), expected);
    let file = import(&path).unwrap();
    let target = folder.path().join("male.safetensors");
    save(&target, &file.metadata, &file.tensors).unwrap();
    assert_eq!(values(Classifier::open(&target, &Device::Cpu).unwrap().logits(&pictures).unwrap()), expected);
    // With statistics over the minibatch a picture would be classified by its neighbours; its weights
    // have another shape too.
    let error = Classifier::open(write("statistics.pkl", 4), &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("b4.conv.weight"), "{error}");
}
