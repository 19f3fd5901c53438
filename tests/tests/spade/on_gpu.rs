//! Networks against the original code, in both modes.

use crate::cases::*;
use candle_core::{DType, Tensor};
use stylegan_core::layers::{Mode, SemanticMap};
use stylegan_core::pix2pixhd::Pix2PixHdGenerator;
use stylegan_core::spade::{MultiscaleDiscriminator, SpadeEncoder, SpadeEncoderConfig, SpadeGenerator};
use stylegan_core::{Condition, Discriminator};
use stylegan_kernels::Labels;
use stylegan_kernels::cuda::gpu;

/// Within the bounds that the CPU's f32 is held to.
#[test]
fn networks_of_label_maps() {
    let gpu = gpu::open(0).unwrap().device;
    let up = |t: Tensor| t.to_device(&gpu).unwrap();

    let io = Tensors::load("g_normal.io");
    let params = weights("g_normal", DType::F32).to_device(&gpu).unwrap();
    let g = SpadeGenerator::new(&small(), params.frozen()).unwrap();
    let edges = io.get("seg").narrow(1, 6, 1).unwrap().to_dtype(DType::U8).unwrap();
    let labels = SemanticMap::from(Labels::new(io.get("label"), Some(&edges), 6).unwrap());
    let dense = SemanticMap::Channels(up(io.cast("seg", DType::F32)));
    for (kind, map) in [("indices", &labels), ("channels", &dense)] {
        within(kind, &g.forward(map, None, Mode::Eval).unwrap(), io.get("img_f64"), 5e-5);
    }
    let img = train(&params, |mode| g.forward(&labels, None, mode).unwrap());
    within("training mode", &img, io.get("img_train"), 5e-5);
    for (name, expected) in io.below("after_train.") {
        within(&name, &params.get(&name).unwrap(), expected, 1e-5);
    }

    let io = Tensors::load("pix2pixhd_g.io");
    let params = weights_of_pix2pixhd(DType::F32).to_device(&gpu).unwrap();
    let (g, map) = (Pix2PixHdGenerator::new(&pix2pixhd(), params.frozen()).unwrap(), io.map("in.", 6));
    within("pix2pixHD", &g.forward(&map, Mode::Eval).unwrap(), io.get("img"), 5e-5);
    let img = train(&params, |mode| g.forward(&map, mode).unwrap());
    within("pix2pixHD, training mode", &img, io.get("img_train"), 5e-5);
    for (name, expected) in io.below("after_train.") {
        within(&name, &params.get(&ours(&name, 3, 2).unwrap()).unwrap(), expected, 2e-6);
    }

    let io = Tensors::load("d_multiscale.io");
    let params = weights("d_multiscale", DType::F32).to_device(&gpu).unwrap();
    let d = MultiscaleDiscriminator::new(&patches(), params.frozen()).unwrap();
    let seg = io.cast("seg", DType::F32);
    let map = SemanticMap::Channels(up(Tensor::cat(&[&seg, &seg], 0).unwrap()));
    let img = up(Tensor::cat(&[&io.cast("fake", DType::F32), &io.cast("real", DType::F32)], 0).unwrap());
    for (i, scale) in d.forward(&img, Condition::Map(&map), 0.).unwrap().scales.iter().enumerate() {
        for (j, feature) in scale.features.iter().chain([&scale.logits]).enumerate() {
            let name = format!("out.{i}.{j}");
            within(&name, feature, io.get(&name), 2e-5);
        }
    }

    let io = Tensors::load("e_conv.io");
    let params = weights("e_conv", DType::F32).to_device(&gpu).unwrap();
    let config = SpadeEncoderConfig { channels: 4, ..SpadeEncoderConfig::default() };
    let e = SpadeEncoder::new(&config, params.frozen()).unwrap();
    let code = e.forward(&up(io.cast("x128", DType::F32))).unwrap();
    within("mu", &code.mean, io.get("mu"), 1e-5);
    within("logvar", &code.log_variance, io.get("logvar"), 1e-5);
}
