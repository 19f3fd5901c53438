//! Files of SPADE and pix2pixHD: read, written as checkpoints, read back.

use super::cases::{CPU, Tensors, within};
use candle_core::{DType, Tensor};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, save};
use stylegan_core::import::{Imported, MapFacts, import, import_safetensors};
use stylegan_core::layers::{NormKind, SemanticMap};
use stylegan_core::spade::{Depth, SpadeConfig, SpadeEncoder};
use stylegan_core::{
    Condition, DiscriminatorConfig, EncoderConfig, GeneratorConfig, Model, NetworkConfig, Params, SynthesisOptions,
    build_discriminator,
};
use stylegan_tests::golden::Place;

const SINGLE: Place = Place::cpu(DType::F32);

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

fn state_dictionary(case: &str) -> Imported {
    let file = Checkpoint::open(golden(&format!("spade/{case}.weights.safetensors"))).unwrap();
    import_safetensors(&file).unwrap().expect("a network")
}

fn params(file: &Imported, prefix: &str) -> Params {
    Params::from_tensors(file.network(prefix)).unwrap()
}

/// The generator of a file, by way of one of our checkpoints.
fn saved(file: &Imported, folder: &Path) -> Model {
    let path = folder.join("network.safetensors");
    save(&path, &file.metadata, &file.tensors).unwrap();
    Model::load(&path, &CPU).unwrap()
}

fn painted(model: &Model, map: &SemanticMap) -> Tensor {
    let n = map.batch().unwrap();
    let ws = Tensor::zeros((n, 0, 0), DType::F32, &CPU).unwrap();
    let options = SynthesisOptions { condition: Condition::Map(map), ..SynthesisOptions::default() };
    model.generator().synthesis(&ws, &options).unwrap()
}

#[test]
fn generators_paint_what_they_painted() {
    let folder = tempfile::tempdir().unwrap();
    // Size and edges are not in such files: they are said, as a user would.
    let mut file = state_dictionary("g_normal");
    let Some(NetworkConfig::Generator(GeneratorConfig::Spade(config))) = file.metadata.networks.get_mut("G_ema") else {
        panic!("no SPADE generator")
    };
    assert_eq!((config.channels, config.map_channels(), config.norm, config.spectral), (4, 7, NormKind::Batch, true));
    assert_eq!((config.img_size, config.depth, config.edges), ([256, 256], Depth::Normal, false));
    assert_eq!(file.metadata.assumed().collect::<Vec<_>>(), ["img_size", "depth", "edges"]);
    file.tell(&MapFacts { img_size: Some([64, 64]), ..MapFacts::default() }).unwrap();
    assert_eq!(file.metadata.assumed().collect::<Vec<_>>(), ["depth", "edges"]);
    let io = Tensors::load("g_normal.io");
    let img = painted(&saved(&file, folder.path()), &SemanticMap::Channels(io.at("seg", &SINGLE)));
    within("SPADE", &img, io.get("img_f64"), 5e-5);
    for (case, io, seg) in
        [("pix2pixhd_g", "pix2pixhd_g.io", "seg"), ("pix2pixhd_global", "pix2pixhd_global.io", "in.x")]
    {
        let (mut file, io) = (state_dictionary(case), Tensors::load(io));
        let network = file.metadata.networks.get_mut("G_ema");
        let Some(NetworkConfig::Generator(GeneratorConfig::Pix2PixHd(config))) = network else { panic!("{case}") };
        assert_eq!((config.channels, config.downsamplings, config.blocks, config.norm), (4, 3, 2, NormKind::Instance));
        assert_eq!(file.metadata.assumed().collect::<Vec<_>>(), ["img_size", "edges"]);
        file.tell(&MapFacts { img_size: Some([32, 48]), ..MapFacts::default() }).unwrap();
        let img = painted(&saved(&file, folder.path()), &SemanticMap::Channels(io.at(seg, &SINGLE)));
        within(case, &img, io.get("img"), 5e-5);
    }
}

/// What is told of a network must be what its tensors can be.
#[test]
fn facts_correct_what_was_assumed() {
    let told = |case: &str, facts: MapFacts| {
        let mut file = state_dictionary(case);
        file.tell(&facts).map(|()| file).map_err(|error| error.to_string())
    };
    let none = MapFacts::default();
    let all = MapFacts { img_size: Some([64, 128]), edges: Some(true), depth: Some(Depth::More), no_class: Some(true) };
    let file = told("g_normal", all).unwrap();
    let Some(NetworkConfig::Generator(GeneratorConfig::Spade(config))) = file.metadata.networks.get("G_ema") else {
        panic!("no SPADE generator")
    };
    assert_eq!((config.img_size, config.classes, config.edges, config.depth), ([64, 128], 6, true, Depth::More));
    assert_eq!((file.metadata.no_class(), file.metadata.assumed().next()), (Some(5), None));
    // A discriminator reads the same maps.
    let file = told("d_multiscale", MapFacts { edges: Some(true), ..none }).unwrap();
    let Some(NetworkConfig::Discriminator(DiscriminatorConfig::MultiscalePatch(config))) =
        file.metadata.networks.get("D")
    else {
        panic!("no discriminator")
    };
    assert_eq!((config.classes, config.edges), (6, true));
    for (case, facts, part) in [
        ("g_normal", MapFacts { img_size: Some([64, 80]), ..none }, "multiples of 32"),
        ("g_normal", MapFacts { depth: Some(Depth::Most), ..none }, "depth `most`"),
        ("pix2pixhd_global", MapFacts { depth: Some(Depth::More), ..none }, "SPADE"),
        ("e_conv", MapFacts { edges: Some(true), ..none }, "no network that reads label maps"),
    ] {
        assert!(told(case, facts).is_err_and(|error| error.contains(part)), "{case} {part}");
    }
}

/// Files of PyTorch before 0.4 keep means and variances of instance normalisations, which do not use them.
#[test]
fn early_files_of_pix2pixhd_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let case = golden("spade/pix2pixhd_global.weights.safetensors");
    let mut tensors = candle_core::safetensors::load(case, &CPU).unwrap();
    let numbers = |name: &str| name.strip_prefix("model.")?.split_once('.')?.0.parse::<usize>().ok();
    let convolutions: Vec<(usize, usize)> = tensors
        .iter()
        .filter(|(name, tensor)| name.ends_with(".weight") && !name.contains("conv_block") && tensor.rank() == 4)
        .filter_map(|(name, tensor)| Some((numbers(name)?, tensor.dim(0).ok()?)))
        .collect();
    let last = convolutions.iter().map(|(number, _)| *number).max().unwrap();
    for (number, channels) in convolutions.into_iter().filter(|(number, _)| *number < last) {
        for name in ["running_mean", "running_var"] {
            let values = Tensor::ones(channels, DType::F32, &CPU).unwrap();
            tensors.insert(format!("model.{}.{name}", number + 1), values);
        }
    }
    let path = folder.path().join("early.safetensors");
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let early = import_safetensors(&Checkpoint::open(&path).unwrap()).unwrap().unwrap();
    let usual = state_dictionary("pix2pixhd_global");
    assert_eq!(early.metadata.networks, usual.metadata.networks);
    assert_eq!(early.tensors.len(), usual.tensors.len());
}

/// A network of 2 channels for maps of 3, under the names of NVIDIA's repository or of SPADE's without normalisations. Number
/// `i` of tensor `t` is sin(0.7 i + t), 0.3 times that in kernels, 1.5 more in variances.
fn by_formula(nvidia: bool, downsamplings: usize, blocks: usize, batch: bool) -> HashMap<String, Tensor> {
    let (first, step, second) = if nvidia { (4, 3, 5) } else { (3, 2, 4) };
    let mut tensors = HashMap::new();
    let mut add = |name: String, shape: &[usize]| {
        let (t, kernel, variance) = (tensors.len() as f64, shape.len() == 4, name.ends_with("running_var"));
        let value = |i: usize| (0.7 * i as f64 + t).sin() * if kernel { 0.3 } else { 1. } + f64::from(variance) * 1.5;
        let values: Vec<f32> = (0..shape.iter().product()).map(|i| value(i) as f32).collect();
        tensors.insert(name, Tensor::from_vec(values, shape, &CPU).unwrap());
    };
    let mut conv = |folder: &str, number: usize, shape: [usize; 4], outputs: usize, last: bool| {
        let spectral = !nvidia && !last;
        let name = format!("{folder}{number}");
        add(format!("{name}.weight{}", if spectral { "_orig" } else { "" }), &shape);
        add(format!("{name}.bias"), &[outputs]);
        if spectral {
            add(format!("{name}.weight_u"), &[outputs]);
            add(format!("{name}.weight_v"), &[shape.iter().product::<usize>() / outputs]);
        }
        for part in ["weight", "bias", "running_mean", "running_var"].iter().filter(|_| batch && !last) {
            add(format!("{folder}{}.{part}", number + 1), &[outputs]);
        }
    };
    conv("model.", 1, [2, 3, 7, 7], 2, false);
    let (mut number, mut width) = (first, 2);
    for _ in 0..downsamplings {
        conv("model.", number, [2 * width, width, 3, 3], 2 * width, false);
        (number, width) = (number + step, 2 * width);
    }
    for _ in 0..blocks {
        let folder = format!("model.{number}.conv_block.");
        conv(&folder, 1, [width, width, 3, 3], width, false);
        conv(&folder, second, [width, width, 3, 3], width, false);
        number += 1;
    }
    for _ in 0..downsamplings {
        conv("model.", number, [width, width / 2, 3, 3], width / 2, false);
        (number, width) = (number + step, width / 2);
    }
    conv("model.", number + 1, [3, width, 7, 7], 3, true);
    tensors
}

/// Biases count before batch normalisations, whose running means hold them; networks need neither blocks nor halvings nor
/// normalisations. The values are those of PyTorch in f64.
#[test]
fn pix2pixhd_of_every_build_paints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("built.safetensors");
    let values: Vec<f32> = (0..3 * 64).map(|i| (1.3 * f64::from(i)).cos() as f32).collect();
    let map = SemanticMap::Channels(Tensor::from_vec(values, (1, 3, 8, 8), &CPU).unwrap());
    let cases = [
        ((true, 1, 1, true), NormKind::Batch, [0.996968, 0.999854, 0.686541, 0.924309]),
        ((true, 0, 1, false), NormKind::Instance, [0.770035, -0.989807, 0.463228, 0.027819]),
        ((true, 1, 0, false), NormKind::Instance, [0.528762, 0.640101, 0.721852, 0.835493]),
        ((false, 1, 1, false), NormKind::None, [0.684034, 0.684034, 0.27942, -0.377856]),
    ];
    for ((nvidia, downsamplings, blocks, batch), norm, expected) in cases {
        candle_core::safetensors::save(&by_formula(nvidia, downsamplings, blocks, batch), &path).unwrap();
        let mut file = import_safetensors(&Checkpoint::open(&path).unwrap()).unwrap().unwrap();
        let network = file.metadata.networks.get("G_ema");
        let Some(NetworkConfig::Generator(GeneratorConfig::Pix2PixHd(config))) = network else { panic!("{norm:?}") };
        assert_eq!((config.downsamplings, config.blocks, config.norm), (downsamplings, blocks, norm));
        file.tell(&MapFacts { img_size: Some([8, 8]), ..MapFacts::default() }).unwrap();
        let img = painted(&saved(&file, folder.path()), &map);
        let img = img.squeeze(0).unwrap().to_vec3::<f32>().unwrap();
        for ([c, y, x], expected) in [[0, 0, 0], [0, 4, 3], [1, 2, 6], [2, 7, 7]].into_iter().zip(expected) {
            // f32 against f64, through normalisations of 64 pixels.
            assert!((img[c][y][x] - expected).abs() < 5e-5, "{norm:?} {downsamplings} {blocks}: {}", img[c][y][x]);
        }
    }
}

#[test]
fn discriminator_and_encoder_by_their_shapes() {
    let file = state_dictionary("d_multiscale");
    let Some(NetworkConfig::Discriminator(DiscriminatorConfig::MultiscalePatch(config))) =
        file.metadata.networks.get("D")
    else {
        panic!("no discriminator")
    };
    let mut config = config.clone();
    assert_eq!((config.scales, config.layers, config.channels, config.map_channels()), (2, 4, 8, 7));
    config.img_size = [64, 64];
    let io = Tensors::load("d_multiscale.io");
    let d = build_discriminator(&DiscriminatorConfig::MultiscalePatch(config), params(&file, "D").frozen()).unwrap();
    let map = SemanticMap::Channels(io.at("seg", &SINGLE));
    let said = d.forward(io.get("fake"), Condition::Map(&map), 0.).unwrap();
    within("logits", &said.scales[1].logits, &io.get("out.1.4").narrow(0, 0, 2).unwrap(), 2e-5);

    let file = state_dictionary("e_conv");
    let Some(NetworkConfig::Encoder(EncoderConfig::Spade(config))) = file.metadata.networks.get("E") else {
        panic!("no encoder")
    };
    assert_eq!((config.resolution, config.channels, config.z_dim, config.spectral), (256, 4, 256, true));
    let io = Tensors::load("e_conv.io");
    let code = SpadeEncoder::new(config, params(&file, "E").frozen()).unwrap().forward(io.get("x128")).unwrap();
    within("means", &code.mean, io.get("mu"), 1e-5);
}

#[test]
fn a_released_file_paints() {
    let file = import(golden("kept/spade_latest_net_G.pth")).unwrap();
    let NetworkConfig::Generator(GeneratorConfig::Spade(config)) = &file.metadata.networks["G_ema"] else {
        panic!("no SPADE generator")
    };
    let expected = SpadeConfig { classes: 7, edges: false, channels: 2, ..SpadeConfig::default() };
    assert_eq!((config, config.depth), (&expected, Depth::Normal));
    // The reference holds all but the largest tensors, their names after `sd.`.
    let (own, mut same) = (file.network("G_ema"), 0);
    for (name, tensor) in candle_core::safetensors::load(golden("kept/spade.weights.safetensors"), &CPU).unwrap() {
        let name = name.strip_prefix("sd.").unwrap();
        if !name.ends_with("num_batches_tracked") {
            within(name, &own[name], &tensor, 0.);
            same += 1;
        }
    }
    assert!(same > 130, "{same}");
    let model = Model::load(golden("kept/spade_latest_net_G.pth"), &CPU).unwrap();
    let map = Tensor::zeros((1, 1, 256, 256), DType::U8, &CPU).unwrap();
    let img = painted(&model, &stylegan_kernels::Labels::new(&map, None, 7).unwrap().into());
    assert_eq!(img.dims(), [1, 3, 256, 256]);
    // Without a map there is a sentence.
    let ws = Tensor::zeros((1, 0, 0), DType::F32, &CPU).unwrap();
    let error = model.generator().synthesis(&ws, &SynthesisOptions::default()).unwrap_err().to_string();
    assert!(error.contains("maps"), "{error}");
}
