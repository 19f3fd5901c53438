//! Exported generators and encoders: graphs are well-formed, and ONNX Runtime draws the same pictures and finds the same styles where
//! Python has it (`STYLEGAN_PYTHON` names the interpreter, else `python3`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use stylegan_core::export::{ONNX_OPSET, OnnxOptions, onnx, onnx_encoder};
use stylegan_core::latent::StreamKey;
use stylegan_core::layers::{FusedScale, Mode, NormKind, SemanticMap, power_iteration};
use stylegan_core::pggan::PgganConfig;
use stylegan_core::pix2pixhd::Pix2PixHdConfig;
use stylegan_core::psp::{AVERAGE, Head, PspConfig, PspEncoder};
use stylegan_core::spade::{Conditioning, Depth, SpadeConfig};
use stylegan_core::stylegan1::StyleGan1Config;
use stylegan_core::stylegan2::{StyleGan2Config, Topology};
use stylegan_core::{Condition, GeneratorConfig, MapSpec, Model, Params, SynthesisOptions, build_generator};
use stylegan_kernels::Labels;
use stylegan_kernels::label::instance_edges;
use stylegan_tests::golden::assert_close;

/// A generator with random parameters of each kind, noise and average style included.
fn model(config: &GeneratorConfig) -> Model {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    build_generator(config, params.trainable()).unwrap();
    let key = StreamKey::new(2, "test", 0);
    for (index, (name, var)) in params.vars().into_iter().enumerate() {
        let drawn = [
            "noise_strength",
            "bias",
            "w_avg",
            "running_mean",
            "mlp_gamma.weight",
            "mlp_beta.weight",
            "conv_img.weight",
            "output.conv.weight",
        ];
        if drawn.iter().any(|end| name.ends_with(end)) {
            let draw = key.normal_rows(&[index as u64], 0, &[var.elem_count()], DType::F32, &Device::Cpu).unwrap();
            var.set(&(draw.reshape(var.shape()).unwrap() * 0.3).unwrap()).unwrap();
        }
    }
    // The singular vectors of a new network are any; its weights would be far too large.
    (0..9).for_each(|_| power_iteration(&params).unwrap());
    Model::from_params(config.clone(), params).unwrap()
}

fn stylegan1() -> StyleGan1Config {
    StyleGan1Config {
        img_size: [24, 32],
        z_dim: 12,
        w_dim: 10,
        mapping_width: 14,
        mapping_layers: 3,
        channel_base: 128,
        channel_max: 8,
        ..StyleGan1Config::default()
    }
}

fn stylegan2() -> StyleGan2Config {
    StyleGan2Config {
        img_size: [24, 32],
        img_channels: 4,
        z_dim: 12,
        w_dim: 10,
        mapping_layers: 3,
        channel_base: 128,
        channel_max: 8,
        ..StyleGan2Config::default()
    }
}

fn pggan() -> PgganConfig {
    PgganConfig { img_size: [32, 32], z_dim: 12, channel_base: 128, channel_max: 8, ..PgganConfig::default() }
}

/// Of few channels, 64x128 pixels and 5 classes; the rest as given.
fn spade(config: SpadeConfig) -> GeneratorConfig {
    let img_size = if config.depth == Depth::Most { [128, 256] } else { [64, 128] };
    GeneratorConfig::Spade(SpadeConfig { img_size, classes: 5, channels: 2, hidden: 6, ..config })
}

/// Of few channels, 32x48 pixels and 5 classes; the rest as given.
fn pix2pixhd(config: Pix2PixHdConfig) -> GeneratorConfig {
    let config = Pix2PixHdConfig {
        img_size: [32, 48],
        classes: 5,
        channels: 3,
        downsamplings: 3,
        blocks: 2,
        hidden: 6,
        ..config
    };
    GeneratorConfig::Pix2PixHd(config)
}

/// Maps `[n, classes (+ 1), h, w]` for a network that paints them: one-hot in blocks of pixels, edges between them.
fn maps(config: &GeneratorConfig, n: usize) -> Option<SemanticMap> {
    let MapSpec { classes, edges } = config.map()?;
    let [h, w] = config.img_size();
    let cell = |i: usize| ((i / (h * w) + i / w % h / 7 + i % w / 5) % classes) as u32;
    let cells = Tensor::from_vec((0..n * h * w).map(cell).collect(), (n, 1, h, w), &Device::Cpu).unwrap();
    let edges = edges.then(|| instance_edges(&cells).unwrap());
    Some(Labels::new(&cells, edges.as_ref(), classes).unwrap().into())
}

fn cases() -> Vec<(&'static str, GeneratorConfig)> {
    let one = GeneratorConfig::StyleGan1;
    let two = GeneratorConfig::StyleGan2;
    let traditional =
        StyleGan1Config { use_styles: false, pixel_norm: true, const_input: false, use_noise: false, ..stylegan1() };
    let rosinality = StyleGan1Config { norm_eps: 1e-5, bias_before_blur: true, share_noise: true, ..stylegan1() };
    vec![
        ("stylegan1", one(stylegan1())),
        (
            "stylegan1 with labels, fused",
            one(StyleGan1Config { c_dim: 3, fused_scale: FusedScale::Always, ..stylegan1() }),
        ),
        ("stylegan1, traditional", one(traditional)),
        // Taps that differ from both ends tell convolving from correlating.
        ("stylegan1, lopsided filter", one(StyleGan1Config { blur_filter: vec![1., 2., 3.], ..stylegan1() })),
        ("stylegan1 of rosinality", one(rosinality)),
        ("stylegan2, skip", two(stylegan2())),
        ("stylegan2, skip with labels", two(StyleGan2Config { c_dim: 3, embed_width: Some(7), ..stylegan2() })),
        (
            "stylegan2, resnet, clamped",
            two(StyleGan2Config { topology: Topology::Resnet, conv_clamp: Some(1.5), ..stylegan2() }),
        ),
        ("stylegan2, orig", two(StyleGan2Config { topology: Topology::Orig, ..stylegan2() })),
        ("pggan", GeneratorConfig::Pggan(pggan())),
        ("spade", spade(SpadeConfig::default())),
        (
            "spade of latents, deeper",
            spade(SpadeConfig { z_dim: 12, depth: Depth::More, kernel: 5, ..SpadeConfig::default() }),
        ),
        (
            "spade, deepest, instance norm",
            spade(SpadeConfig {
                depth: Depth::Most,
                norm: NormKind::Instance,
                spectral: false,
                edges: false,
                ..SpadeConfig::default()
            }),
        ),
        ("spade, map joined", spade(SpadeConfig { conditioning: Conditioning::Concat, ..SpadeConfig::default() })),
        ("pix2pixhd", pix2pixhd(Pix2PixHdConfig::default())),
        (
            "pix2pixhd, map joined",
            pix2pixhd(Pix2PixHdConfig {
                conditioning: Conditioning::Concat,
                norm: NormKind::Batch,
                spectral: true,
                ..Pix2PixHdConfig::default()
            }),
        ),
        (
            "pix2pixhd with spade",
            pix2pixhd(Pix2PixHdConfig {
                conditioning: Conditioning::Spade,
                norm: NormKind::Batch,
                ..Pix2PixHdConfig::default()
            }),
        ),
        ("pggan with labels", GeneratorConfig::Pggan(PgganConfig { c_dim: 3, ..pggan() })),
    ]
}

/// The fields of a protocol buffer message: numbers with integers or bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    let mut fields = Vec::new();
    let varint = |bytes: &mut &[u8]| {
        let mut value = 0u64;
        for shift in (0..).step_by(7) {
            let (first, rest) = bytes.split_first().expect("a whole varint");
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return value;
            }
        }
        value
    };
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        match tag & 7 {
            0 => fields.push((tag >> 3, varint(&mut bytes), &[][..])),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (data, rest) = bytes.split_at(length);
                bytes = rest;
                fields.push((tag >> 3, 0, data));
            }
            5 => {
                let (data, rest) = bytes.split_at(4);
                bytes = rest;
                fields.push((tag >> 3, 0, data));
            }
            other => panic!("wire type {other}"),
        }
    }
    fields
}

fn texts(message: &[u8], field: u64) -> Vec<String> {
    let found = fields(message).into_iter().filter(|(number, ..)| *number == field);
    found.map(|(_, _, data)| String::from_utf8(data.to_vec()).unwrap()).collect()
}

fn messages(message: &[u8], field: u64) -> Vec<&[u8]> {
    fields(message).into_iter().filter(|(number, ..)| *number == field).map(|(_, _, data)| data).collect()
}

/// Every node reads what stands before it, every constant has the bytes that its shape needs, and
/// inputs and output are those that were promised.
#[test]
fn graphs_are_well_formed() {
    for (name, config) in cases() {
        let model = model(&config);
        let options = OnnxOptions { batch: Some(2), truncation_cutoff: Some(3) };
        let bytes = onnx(&config, model.params(), &options).unwrap();
        let mut inputs: Vec<&str> = config.map().map(|_| "map").into_iter().collect();
        inputs.extend((model.generator().spec().z_dim > 0).then_some("z"));
        inputs.extend((config.c_dim() > 0).then_some("c"));
        inputs.extend(model.generator().w_avg().map(|_| "psi"));
        let [h, w] = config.img_size();
        well_formed(name, &bytes, &inputs, ("img", &[2, config.img_channels(), h, w]));
    }
    for (config, params) in encoders() {
        let bytes = onnx_encoder(&config, &params, Some(2)).unwrap();
        well_formed(&format!("{:?}", config.head), &bytes, &["img"], ("ws", &[2, config.num_ws, config.w_dim]));
    }
}

fn well_formed(name: &str, bytes: &[u8], inputs: &[&str], (output, shape): (&str, &[usize])) {
    let opset = messages(bytes, 8);
    assert_eq!(fields(opset[0])[1], (2, ONNX_OPSET as u64, &[][..]));
    let graph = messages(bytes, 7)[0];
    let mut known: HashSet<String> = HashSet::new();
    for constant in messages(graph, 5) {
        let numbers = fields(constant);
        let sides = numbers.iter().filter(|(field, ..)| *field == 1).map(|(_, side, _)| *side as usize);
        let width = if numbers.iter().any(|&(field, value, _)| (field, value) == (2, 7)) { 8 } else { 4 };
        assert_eq!(messages(constant, 9)[0].len(), width * sides.product::<usize>(), "{name}");
        assert!(known.insert(texts(constant, 8)[0].clone()), "{name}: a constant twice");
    }
    let found: Vec<String> = messages(graph, 11).iter().map(|input| texts(input, 1)[0].clone()).collect();
    assert_eq!(found, inputs, "{name}");
    known.extend(found);
    let mut used = HashSet::new();
    for node in messages(graph, 1) {
        // An input that is left out has no name.
        for input in texts(node, 1).into_iter().filter(|input| !input.is_empty()) {
            assert!(known.contains(&input), "{name}: {input} is used before it is made");
            used.insert(input);
        }
        for output in texts(node, 2) {
            assert!(known.insert(output.clone()), "{name}: {output} is made twice");
        }
    }
    assert!(known.contains(output));
    let idle: Vec<_> = known.difference(&used).filter(|value| *value != output).collect();
    assert_eq!(idle, Vec::<&String>::new(), "{name}: made and never used");
    let described = messages(messages(messages(messages(graph, 12)[0], 2)[0], 1)[0], 2)[0];
    let sides: Vec<usize> = messages(described, 1).iter().map(|side| fields(side)[0].1 as usize).collect();
    assert_eq!(sides, shape, "{name}");
}

/// Random encoders of each head, at a small width, with an average style.
fn encoders() -> Vec<(PspConfig, Params)> {
    let heads = [Head::Pyramid, Head::Offsets, Head::W, Head::WPlus, Head::Restyle, Head::RestyleOffsets];
    let with_head = |head: Head| {
        let img_channels = if head.is_iterative() { 6 } else { 3 };
        let config = PspConfig { img_size: [64; 2], img_channels, num_ws: 9, w_dim: 12, channels: 4, head, hidden: 10 };
        let params = Params::new(1, DType::F32, &Device::Cpu);
        PspEncoder::new(&config, params.trainable()).unwrap();
        let key = StreamKey::new(2, "test", 0);
        for (index, (name, var)) in params.vars().into_iter().enumerate() {
            let draw = key.normal_rows(&[index as u64], 0, &[var.elem_count()], DType::F32, &Device::Cpu).unwrap();
            let draw = (draw.reshape(var.shape()).unwrap() * 0.2).unwrap();
            // Statistics and scales of new networks say nothing.
            if name.ends_with("running_mean") || name.ends_with("bias") {
                var.set(&draw).unwrap();
            } else if name.ends_with("running_var") {
                var.set(&(draw.abs().unwrap() + 0.5).unwrap()).unwrap();
            }
        }
        let mut tensors: Vec<(String, Tensor)> =
            params.vars().into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect();
        tensors.push((
            AVERAGE.to_owned(),
            key.normal_rows(&[99], 0, &[9, 12], DType::F32, &Device::Cpu).unwrap().squeeze(0).unwrap(),
        ));
        (config, Params::from_tensors(tensors).unwrap())
    };
    heads.into_iter().map(with_head).collect()
}

#[test]
fn onnx_runtime_finds_the_same_styles() {
    let Some(python) = python() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (config, params) in encoders() {
        let images = StreamKey::new(3, "images", 0);
        let shape = [config.img_channels, 64, 64];
        let images = images.normal_rows(&[0, 1, 2], 0, &shape, DType::F32, &Device::Cpu).unwrap();
        std::fs::write(folder.path().join("model.onnx"), onnx_encoder(&config, &params, None).unwrap()).unwrap();
        write(folder.path(), "img.f32", &images);
        let found = run(&python, folder.path(), "ws", 3);
        let rows = PspEncoder::new(&config, params.frozen()).unwrap().forward(&images, Mode::Eval).unwrap();
        let rows = match config.head.is_iterative() {
            true => rows,
            false => rows.broadcast_add(&params.get(AVERAGE).unwrap().as_detached_tensor()).unwrap(),
        };
        let found = Tensor::from_vec(found, rows.shape(), &Device::Cpu).unwrap();
        // f32 against f32, through 24 residual units.
        assert_close(&format!("{:?}", config.head), &found, &rows, 1e-5 * stylegan_tests::golden::max_abs(&rows));
    }
}

const RUN: &str = r#"
import sys, numpy as np, onnxruntime as ort
folder, n, output = sys.argv[1], int(sys.argv[2]), sys.argv[3]
session = ort.InferenceSession(folder + "/model.onnx", providers=["CPUExecutionProvider"])
feed = {}
for i in session.get_inputs():
    x = np.fromfile(folder + "/" + i.name + ".f32", dtype=np.float32)
    feed[i.name] = x.reshape(()) if i.name == "psi" else x.reshape(n, *i.shape[1:])
session.run([output], feed)[0].astype(np.float32).tofile(folder + "/out.f32")
"#;

/// A Python with ONNX Runtime; says where there is none.
#[allow(clippy::disallowed_methods, reason = "whoever runs the tests says which Python has ONNX Runtime")]
fn python() -> Option<String> {
    let python = std::env::var("STYLEGAN_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", "import numpy, onnxruntime"]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        // `println!` is kept back of tests that pass.
        let _ =
            writeln!(std::io::stderr(), "NOT RUN: exported networks in ONNX Runtime, as {python} has no onnxruntime");
    }
    found.then_some(python)
}

/// What the model in the folder makes of the inputs that lie there.
fn run(python: &str, folder: &Path, output: &str, n: usize) -> Vec<f32> {
    let path = folder.to_str().unwrap();
    let ran = Command::new(python).args(["-c", RUN, path, &n.to_string(), output]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let bytes = std::fs::read(folder.join("out.f32")).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect()
}

fn write(folder: &Path, name: &str, tensor: &Tensor) {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
    std::fs::write(folder.join(name), bytes).unwrap();
}

#[test]
fn onnx_runtime_draws_the_same_pictures() {
    let Some(python) = python() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, config) in cases() {
        let model = model(&config);
        let n = 3;
        let z = model.latents(&[5, 6, 7]).unwrap();
        let map = maps(&config, n);
        let c = Tensor::new(&[[1f32, 0., 0.], [0., 0., 1.], [0., 1., 0.]], &Device::Cpu).unwrap();
        let c = (config.c_dim() > 0).then_some(&c);
        for (batch, cutoff, psi) in [(None, None, 1f32), (Some(n), Some(3), 0.6)] {
            let average = model.generator().w_avg().is_some();
            let options = OnnxOptions { batch, truncation_cutoff: cutoff };
            std::fs::write(folder.path().join("model.onnx"), onnx(&config, model.params(), &options).unwrap()).unwrap();
            write(folder.path(), "z.f32", &z);
            map.iter().for_each(|map| write(folder.path(), "map.f32", &map.tensor(DType::F32, &Device::Cpu).unwrap()));
            c.iter().for_each(|c| write(folder.path(), "c.f32", c));
            write(folder.path(), "psi.f32", &Tensor::new(&[psi], &Device::Cpu).unwrap());
            println!("{name}");
            let values = run(&python, folder.path(), "img", n);

            let ws = model.styles(&z, c).unwrap();
            let ws = if average { model.truncate(&ws, psi.into(), cutoff).unwrap() } else { ws };
            let condition = map.as_ref().map_or(Condition::None, Condition::Map);
            let options = SynthesisOptions { condition, ..SynthesisOptions::default() };
            let expected = model.synthesize(&ws, &options).unwrap();
            let found = Tensor::from_vec(values, expected.shape(), &Device::Cpu).unwrap();
            // f32 against f32: instance norm of these few pixels amplifies rounding to some 1e-5 of
            // the largest value.
            let scale = stylegan_tests::golden::max_abs(&expected).max(1.);
            assert_close(name, &found, &expected, 1e-4 * scale);
        }
    }
}
