//! Networks against the original code, in both modes.

use super::cases::*;
use candle_core::{DType, Tensor};
use stylegan_core::layers::{BufferUpdates, Mode, NormKind, SemanticMap};
use stylegan_core::pix2pixhd::{Pix2PixHdConfig, Pix2PixHdGenerator};
use stylegan_core::spade::*;
use stylegan_core::{Condition, Discriminator, Params};
use stylegan_tests::golden::Place;

pub(crate) fn generator(place: &Place) {
    let io = Tensors::load("g_normal.io");
    // f64 differs by the order of sums; f32 as much as PyTorch's own does, some 5e-6.
    let bound = place.bound(1e-10, 5e-5);
    let params = weights("g_normal", place);
    let g = SpadeGenerator::new(&small(), params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    // The case has its edges in the last channel of `seg` alone.
    let edges = io.get("seg").narrow(1, 6, 1).unwrap().to_dtype(DType::U8).unwrap();
    let labels = stylegan_kernels::Labels::new(io.get("label"), Some(&edges), 6).unwrap();
    let dense = SemanticMap::Channels(io.at("seg", place));
    for (kind, map) in [("indices", SemanticMap::from(labels)), ("channels", dense)] {
        let img = g.forward(&map, None, Mode::Eval).unwrap();
        within(&format!("{kind} {place}"), &img, io.get("img_f64"), bound);
    }
    let map = SemanticMap::Channels(io.at("seg", place));
    let img = train(&params, |mode| g.forward(&map, None, mode).unwrap());
    within("training mode", &img, io.get("img_train"), 5e-5);
    let after = io.below("after_train.");
    assert_eq!(after.len(), 4);
    for (name, expected) in after {
        within(&name, &params.get(&name).unwrap(), expected, 1e-5);
    }
}

pub(crate) fn generators_with_other_normalisations_and_sizes(place: &Place) {
    let io = Tensors::load("g_variants.io");
    let base = SpadeConfig { classes: 5, channels: 2, ..small() };
    let instance = SpadeConfig { norm: NormKind::Instance, ..base.clone() };
    let cases = [
        ("inst3", 5, instance.clone()),
        ("batch5", 5, SpadeConfig { spectral: false, kernel: 5, ..base }),
        (
            "inst3_more",
            3,
            SpadeConfig { classes: 3, edges: false, depth: Depth::More, img_size: [64, 128], ..instance },
        ),
    ];
    for (case, classes, config) in cases {
        let bound = place.bound(2e-7, 1e-4);
        let params = by_formula(&format!("spade_variants/{case}/"), place, |params| {
            SpadeGenerator::new(&config, params.trainable()).unwrap();
        });
        set(&params, io.below(&format!("in.{case}.stats.")));
        let g = SpadeGenerator::new(&config, params.frozen()).unwrap();
        let map = io.map(&format!("in.{case}."), classes);
        let first = |img: Tensor| img.narrow(0, 0, 1).unwrap();
        let img = first(g.forward(&map, None, Mode::Eval).unwrap());
        within(&format!("{case} {place}"), &img, io.get(&format!("{case}.img")), bound);
        let img = first(train(&params, |mode| g.forward(&map, None, mode).unwrap()));
        let expected = io.get(&format!("{case}.pre_tanh_train")).to_dtype(DType::F64).unwrap().tanh().unwrap();
        within(&format!("{case} {place}, training mode"), &img, &expected, bound);
        for (name, expected) in io.below(&format!("{case}.after_train.")) {
            within(&name, &params.get(&name).unwrap(), expected, bound.min(2e-6));
        }
    }
}

pub(crate) fn image_encoder(place: &Place) {
    let io = Tensors::load("e_conv.io");
    let config = SpadeEncoderConfig { channels: 4, ..SpadeEncoderConfig::default() };
    let params = weights("e_conv", place);
    let e = SpadeEncoder::new(&config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    // Outputs are those of PyTorch's f32.
    let code = e.forward(&io.at("x128", place)).unwrap();
    within("mu", &code.mean, io.get("mu"), 1e-5);
    within("logvar", &code.log_variance, io.get("logvar"), 1e-5);
}

pub(crate) fn multiscale_discriminator(place: &Place) {
    let io = Tensors::load("d_multiscale.io");
    let config = patches();
    let params = weights("d_multiscale", place);
    let d = MultiscaleDiscriminator::new(&config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    let seg = io.at("seg", place);
    let both = SemanticMap::Channels(Tensor::cat(&[&seg, &seg], 0).unwrap());
    let img = Tensor::cat(&[&io.at("fake", place), &io.at("real", place)], 0).unwrap();
    let said = d.forward(&img, Condition::Map(&both), 0.).unwrap().scales;
    for (i, scale) in said.iter().enumerate() {
        for (j, feature) in scale.features.iter().chain([&scale.logits]).enumerate() {
            let name = format!("out.{i}.{j}");
            within(&name, feature, io.get(&name), 2e-5);
        }
    }
    assert_eq!((said.len(), said[0].features.len()), (2, 4));
    // The same from class indices.
    let seg = io.get("seg");
    let classes = seg.narrow(1, 0, 6).unwrap().argmax_keepdim(1).unwrap();
    let edges = seg.narrow(1, 6, 1).unwrap().to_dtype(DType::U8).unwrap();
    let labels = stylegan_kernels::Labels::new(&classes, Some(&edges), 6).unwrap();
    let both: SemanticMap = stylegan_kernels::Labels::cat(&[&labels, &labels]).unwrap().into();
    for (a, b) in said.iter().zip(d.forward(&img, Condition::Map(&both), 0.).unwrap().scales) {
        within("logits from indices", &b.logits, &a.logits, 1e-5);
    }
}

pub(crate) fn pix2pixhd_of_the_spade_repository(place: &Place) {
    let io = Tensors::load("pix2pixhd_g.io");
    let bound = place.bound(2e-7, 5e-5);
    let params = weights_of_pix2pixhd(place);
    let g = Pix2PixHdGenerator::new(&pix2pixhd(), params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    let map = io.map("in.", 6);
    within("map", &map.tensor(DType::F32, &CPU).unwrap(), io.get("seg"), 0.);
    within("picture", &g.forward(&map, Mode::Eval).unwrap(), io.get("img"), bound);
    let img = train(&params, |mode| g.forward(&map, mode).unwrap());
    within("training mode", &img, io.get("img_train"), bound);
    let after = io.below("after_train.");
    assert_eq!(after.len(), 22);
    for (name, expected) in after {
        within(&name, &params.get(&ours(&name, 3, 2).unwrap()).unwrap(), expected, 2e-6);
    }
}

pub(crate) fn pix2pixhd_of_nvidia(place: &Place) {
    let (io, stored) = (Tensors::load("pix2pixhd_global.io"), Tensors::load("pix2pixhd_global.weights"));
    let config = Pix2PixHdConfig {
        img_size: [32, 48],
        classes: 6,
        edges: false,
        channels: 4,
        downsamplings: 3,
        blocks: 2,
        ..Pix2PixHdConfig::default()
    };
    let module = |index: usize| match index {
        1 => "input.conv".into(),
        4 | 7 | 10 => format!("down_{}.conv", (index - 4) / 3),
        15 | 18 | 21 => format!("up_{}.conv", (index - 15) / 3),
        _ => "output.conv".to_owned(),
    };
    let bound = place.bound(2e-7, 5e-5);
    let own = stored.0.iter().filter_map(|(name, t)| {
        let parts: Vec<&str> = name.split('.').collect();
        let own = match parts[..] {
            // A bias before instance normalisation has no effect.
            ["model", index, "bias"] if index != "25" => return None,
            ["model", _, "conv_block", _, "bias"] => return None,
            ["model", index, part] => format!("{}.{part}", module(index.parse().unwrap())),
            ["model", block, "conv_block", conv, part] => {
                let (block, layer) = (block.parse::<usize>().unwrap() - 13, usize::from(conv == "5"));
                format!("block_{block}.layer_{layer}.conv.{part}")
            }
            _ => panic!("{name}"),
        };
        Some((own, place.take(t)))
    });
    let params = Params::from_tensors(own).unwrap();
    let g = Pix2PixHdGenerator::new(&config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    let map = SemanticMap::Channels(io.at("in.x", place));
    within("picture", &g.forward(&map, Mode::Eval).unwrap(), io.get("img"), bound);
    let updates = BufferUpdates::default();
    let img = g.forward(&map, Mode::Train(&updates)).unwrap();
    within("training mode", &img, io.get("img_train"), bound);
    assert!(updates.notes().is_empty());
}
