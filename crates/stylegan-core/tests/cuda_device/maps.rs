//! Networks that paint label maps, their discriminator and their encoder.

use super::{TOLERANCE, model, numbers, off};
use candle_core::{DType, Device, Tensor};
use stylegan_core::latent::StreamKey;
use stylegan_core::layers::{BufferUpdates, Mode, NormKind, SemanticMap, power_iteration};
use stylegan_core::pix2pixhd::Pix2PixHdConfig;
use stylegan_core::spade::{
    Conditioning, Depth, MultiscaleDiscriminator, MultiscaleDiscriminatorConfig, SpadeConfig, SpadeEncoder,
    SpadeEncoderConfig,
};
use stylegan_core::{Condition, Discriminator, GeneratorConfig, Model, Params, SynthesisOptions, build_generator};
use stylegan_kernels::Labels;
use stylegan_kernels::cuda::gpu;

const CLASSES: usize = 5;

fn spade() -> SpadeConfig {
    SpadeConfig { img_size: [64, 32], classes: CLASSES, channels: 1, hidden: 8, ..SpadeConfig::default() }
}

fn pix2pixhd() -> Pix2PixHdConfig {
    Pix2PixHdConfig {
        img_size: [16, 24],
        classes: CLASSES,
        channels: 4,
        downsamplings: 2,
        blocks: 1,
        hidden: 8,
        ..Pix2PixHdConfig::default()
    }
}

/// Networks of all kinds of normalisations and ways of the map.
fn painters() -> Vec<(&'static str, GeneratorConfig)> {
    let batch = Pix2PixHdConfig { norm: NormKind::Batch, spectral: true, ..pix2pixhd() };
    vec![
        ("SPADE", GeneratorConfig::Spade(spade())),
        ("SPADE of latents", GeneratorConfig::Spade(SpadeConfig { z_dim: 8, spectral: false, ..spade() })),
        (
            "SPADE by instances",
            GeneratorConfig::Spade(SpadeConfig {
                img_size: [64, 64],
                norm: NormKind::Instance,
                depth: Depth::More,
                kernel: 5,
                ..spade()
            }),
        ),
        ("pix2pixHD", GeneratorConfig::Pix2PixHd(pix2pixhd())),
        (
            "pix2pixHD, joined",
            GeneratorConfig::Pix2PixHd(Pix2PixHdConfig { conditioning: Conditioning::Concat, ..batch.clone() }),
        ),
        (
            "pix2pixHD with SPADE",
            GeneratorConfig::Pix2PixHd(Pix2PixHdConfig { conditioning: Conditioning::Spade, ..batch }),
        ),
    ]
}

/// A random network with running statistics that are not those of a start, and singular vectors that are near those of its
/// weights.
fn painter(config: &GeneratorConfig) -> Model {
    let model = model(config);
    for (at, (name, var)) in model.params().vars().into_iter().enumerate() {
        let key = StreamKey::new(2, "statistics", at as u64);
        let values = || {
            let rows = key.normal_rows(&[0], 0, var.dims(), DType::F32, &Device::Cpu).unwrap();
            (rows.squeeze(0).unwrap() * 0.1).unwrap()
        };
        if name.ends_with("running_mean") {
            var.set(&values()).unwrap();
        } else if name.ends_with("running_var") {
            var.set(&(values().abs().unwrap() + 0.5).unwrap()).unwrap();
        }
    }
    (0..3).for_each(|_| power_iteration(model.params()).unwrap());
    model
}

/// Maps of two pictures: areas, lines and single pixels, and edges.
fn maps([h, w]: [usize; 2]) -> SemanticMap {
    let pixels = |of: fn(usize) -> u8| Tensor::from_vec((0..2 * h * w).map(of).collect(), (2, 1, h, w), &Device::Cpu);
    let classes = pixels(|i| (if i % 13 == 0 { i } else { i / 71 } % CLASSES) as u8).unwrap();
    Labels::new(&classes, Some(&pixels(|i| u8::from(i % 9 == 0)).unwrap()), CLASSES).unwrap().into()
}

/// Two pictures by the same latents, if there are any, which lie on `device`.
fn painted(model: &Model, map: &SemanticMap, device: &Device) -> Tensor {
    let (sampler, key) = (model.sampler(), StreamKey::new(3, "pictures", 0));
    let mut z = sampler.latents(&key, &[5, 6], 0).unwrap();
    if z.elem_count() > 0 {
        z = z.to_device(device).unwrap();
    }
    let condition = Condition::Map(map);
    sampler.images(&sampler.styles(&z, condition).unwrap(), condition, &[5, 6]).unwrap()
}

#[test]
fn pictures_of_label_maps() {
    let gpu = gpu::open(0).unwrap().device;
    for (name, config) in painters() {
        let (cpu, map) = (painter(&config), maps(config.img_size()));
        let expected = numbers(&painted(&cpu, &map, &Device::Cpu));
        let grey = expected.iter().filter(|x| x.abs() < 0.99).count();
        assert!(2 * grey > expected.len(), "{name}: {grey} of {} pixels are not black or white", expected.len());
        let moved = painter(&config).to_device(&gpu).unwrap();
        let channels = SemanticMap::Channels(map.tensor(DType::F32, &Device::Cpu).unwrap());
        for (kind, map) in [("indices", &map), ("channels", &channels)] {
            for home in [&Device::Cpu, &gpu] {
                let made = painted(&moved, map, home);
                assert!(made.device().same_device(home) || cpu.generator().spec().z_dim == 0, "{name}");
                let e = off(&numbers(&made), &expected);
                println!("{name}, {kind}: off by {e:e}");
                assert!(e < TOLERANCE, "{name}, {kind}: off by {e:e}");
                assert_eq!(numbers(&made), numbers(&painted(&moved, map, home)), "{name}: other bits the second time");
            }
        }
    }
}

/// Pictures by statistics of the batch, what these leave, and the singular vectors of a step on.
#[test]
fn passes_of_training() {
    let gpu = gpu::open(0).unwrap().device;
    for (name, config) in painters() {
        let (start, map) = (painter(&config), maps(config.img_size()));
        let pass = |device: &Device| {
            let params = start.params().to_device(device).unwrap();
            let params = if device.is_cpu() { params.copy().unwrap() } else { params };
            let generator = build_generator(&config, params.frozen()).unwrap();
            let z_dim = generator.spec().z_dim;
            let ws = match z_dim {
                0 => Tensor::zeros((2, 0, 0), DType::F32, &Device::Cpu),
                _ => Tensor::ones((2, 1, z_dim), DType::F32, device),
            };
            power_iteration(&params).unwrap();
            let updates = BufferUpdates::default();
            let condition = Condition::Map(&map);
            let options = SynthesisOptions { condition, mode: Mode::Train(&updates), ..SynthesisOptions::default() };
            let image = generator.synthesis(&ws.unwrap(), &options).unwrap();
            updates.store(&params).unwrap();
            let buffers = params.vars().into_iter().filter(|(name, _)| {
                ["running_mean", "running_var", "weight_u", "weight_v"].iter().any(|end| name.ends_with(end))
            });
            let buffers: Vec<_> = buffers.map(|(name, var)| (name, numbers(&var))).collect();
            (numbers(&image), buffers)
        };
        let (expected, found) = (pass(&Device::Cpu), pass(&gpu));
        let e = off(&found.0, &expected.0);
        println!("{name}: off by {e:e}, {} buffers", found.1.len());
        assert!(e < TOLERANCE, "{name}: off by {e:e}");
        for ((name, found), (_, expected)) in found.1.iter().zip(&expected.1) {
            let e = off(found, expected);
            assert!(e < TOLERANCE, "{name}: off by {e:e}");
        }
    }
}

#[test]
fn patches_and_styles() {
    let gpu = gpu::open(0).unwrap().device;
    let config = MultiscaleDiscriminatorConfig {
        img_size: [32, 48],
        classes: CLASSES,
        channels: 4,
        layers: 3,
        ..MultiscaleDiscriminatorConfig::default()
    };
    let of_style = SpadeEncoderConfig { resolution: 32, channels: 4, z_dim: 8, ..SpadeEncoderConfig::default() };
    let params = [1, 2].map(|seed| Params::new(seed, DType::F32, &Device::Cpu));
    MultiscaleDiscriminator::new(&config, params[0].trainable()).unwrap();
    SpadeEncoder::new(&of_style, params[1].trainable()).unwrap();
    let said = |device: &Device| {
        let [d, e] = params.each_ref().map(|params| params.to_device(device).unwrap());
        let key = StreamKey::new(5, "pictures", 0);
        let pictures = (key.normal_rows(&[0, 1], 0, &[3, 32, 48], DType::F32, device).unwrap() * 0.5).unwrap();
        let map = maps([32, 48]);
        let d = MultiscaleDiscriminator::new(&config, d.frozen()).unwrap();
        let scales = d.forward(&pictures, Condition::Map(&map), 0.).unwrap().scales;
        let code = SpadeEncoder::new(&of_style, e.frozen()).unwrap().forward(&pictures).unwrap();
        let mut all: Vec<_> =
            scales.into_iter().flat_map(|scale| [scale.features, vec![scale.logits]].concat()).collect();
        all.extend([code.mean, code.log_variance]);
        all.iter().map(numbers).collect::<Vec<_>>()
    };
    let (expected, found) = (said(&Device::Cpu), said(&gpu));
    assert_eq!(found.len(), 2 * 4 + 2);
    for (found, expected) in found.iter().zip(&expected) {
        let e = off(found, expected);
        assert!(e < TOLERANCE, "off by {e:e}");
    }
    assert_eq!(found, said(&gpu), "other bits the second time");
}
