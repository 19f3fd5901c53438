//! Numbers of parameters against published ones, shapes, and what is refused.

use crate::cases::CPU;
use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stylegan_core::is_buffer;
use stylegan_core::layers::{Mode, NormKind, SemanticMap, WeightInit};
use stylegan_core::pix2pixhd::{Pix2PixHdConfig, Pix2PixHdGenerator};
use stylegan_core::spade::*;
use stylegan_core::{Error, Params};
use stylegan_kernels::Labels;
use stylegan_tests::golden::{assert_close, max_abs};

/// Counts the parameters that are asked for and hands out one number, spread.
struct Counter(Arc<AtomicUsize>);

impl SimpleBackend for Counter {
    fn get(&self, s: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        if !is_buffer(name) {
            self.0.fetch_add(s.elem_count(), Ordering::Relaxed);
        }
        Tensor::zeros((), dtype, device)?.broadcast_as(s)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("{name}")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

fn millions(build: impl FnOnce(VarBuilder)) -> f64 {
    let count = Arc::new(AtomicUsize::new(0));
    build(VarBuilder::from_backend(Box::new(Counter(count.clone())), DType::F32, CPU));
    count.load(Ordering::Relaxed) as f64 / 1e6
}

#[test]
fn as_many_parameters_as_published() {
    let spade = |config: SpadeConfig| millions(|vb| drop(SpadeGenerator::new(&config, vb).unwrap()));
    let pix2pixhd = |config: Pix2PixHdConfig| millions(|vb| drop(Pix2PixHdGenerator::new(&config, vb).unwrap()));
    let close = |found: f64, published: f64, by: f64| {
        assert!((found - published).abs() <= by, "{found} million parameters, published {published}");
    };
    // "GAN Compression" (Li et al. 2020, table 1) counts the released networks to a tenth of a million.
    close(spade(SpadeConfig::default()), 97.5, 0.05);
    let cityscapes = SpadeConfig { img_size: [256, 512], classes: 35, depth: Depth::More, ..SpadeConfig::default() };
    close(spade(cityscapes), 93.0, 0.05);
    // Park et al. 2019, table 3, in whole millions; they are those of ADE20K.
    let ade = SpadeConfig { classes: 151, edges: false, ..SpadeConfig::default() };
    close(spade(ade.clone()), 96., 0.5);
    close(spade(SpadeConfig { conditioning: Conditioning::Concat, ..ade }), 79., 0.5);
    let plus = Pix2PixHdConfig {
        img_size: [256, 256],
        classes: 151,
        edges: false,
        norm: NormKind::Batch,
        spectral: true,
        init: WeightInit::Glorot,
        ..Pix2PixHdConfig::default()
    };
    close(pix2pixhd(plus.clone()), 183., 0.5);
    close(pix2pixhd(Pix2PixHdConfig { conditioning: Conditioning::Concat, ..plus.clone() }), 195., 0.5);
    close(pix2pixhd(Pix2PixHdConfig { conditioning: Conditioning::Spade, ..plus }), 237., 0.5);
}

fn maps(n: usize, [h, w]: [usize; 2], classes: usize) -> SemanticMap {
    let indices: Vec<u32> = (0..n * h * w).map(|i| (i / 5 * 7 / 3 % classes) as u32).collect();
    let indices = Tensor::from_vec(indices, (n, 1, h, w), &CPU).unwrap();
    let edges = (indices.eq(1u32).unwrap().to_dtype(DType::U8)).unwrap();
    Labels::new(&indices, Some(&edges), classes).unwrap().into()
}

#[test]
fn every_variant_makes_pictures_of_indices_as_of_channels() {
    let kinds = [NormKind::Batch, NormKind::Instance, NormKind::None];
    let conditionings = [Conditioning::Spade, Conditioning::Concat, Conditioning::Input];
    let size = [128, 128];
    let map = maps(2, size, 3);
    let dense = SemanticMap::Channels(map.tensor(DType::F64, &CPU).unwrap());
    let same = |what: &str, a: Tensor, b: Tensor| {
        assert_eq!(a.dims(), [2, 3, 128, 128], "{what}");
        assert_close(what, &a, &b, 1e-9);
        assert!(max_abs(&a) > 1e-9, "{what}");
    };
    for (norm, depth) in kinds.into_iter().zip([Depth::Normal, Depth::More, Depth::Most]) {
        for conditioning in conditionings {
            let what = format!("{norm:?} {conditioning:?}");
            let hd = Pix2PixHdConfig {
                img_size: size,
                classes: 3,
                channels: 2,
                downsamplings: 2,
                blocks: 1,
                hidden: 4,
                norm,
                conditioning,
                spectral: norm == NormKind::Batch,
                ..Pix2PixHdConfig::default()
            };
            let g = Pix2PixHdGenerator::new(&hd, Params::new(1, DType::F64, &CPU).trainable()).unwrap();
            same(&what, g.forward(&map, Mode::Eval).unwrap(), g.forward(&dense, Mode::Eval).unwrap());
            let spade = SpadeConfig {
                img_size: size,
                classes: 3,
                channels: 2,
                hidden: 4,
                norm,
                conditioning,
                depth,
                ..SpadeConfig::default()
            };
            let g = SpadeGenerator::new(&spade, Params::new(1, DType::F64, &CPU).trainable()).unwrap();
            let run = |map| g.forward(map, None, Mode::Eval).unwrap();
            same(&what, run(&map), run(&dense));
        }
    }
}

#[test]
fn wrong_inputs_are_refused_with_a_sentence() {
    let config =
        SpadeConfig { img_size: [32, 32], classes: 3, channels: 1, hidden: 2, z_dim: 5, ..SpadeConfig::default() };
    let params = Params::new(0, DType::F32, &CPU);
    let g = SpadeGenerator::new(&config, params.trainable()).unwrap();
    let says = |result: Result<Tensor, Error>, part: &str| {
        let message = result.err().unwrap().to_string();
        assert!(message.contains(part), "{message}");
    };
    let z = Tensor::zeros((1, 5), DType::F32, &CPU).unwrap();
    let map = maps(1, [32, 32], 3);
    says(g.forward(&map, None, Mode::Eval), "latents [n, 5], which are missing");
    says(g.forward(&maps(2, [32, 32], 3), Some(&z), Mode::Eval), "1 latents for 2 maps");
    says(g.forward(&maps(1, [32, 64], 3), Some(&z), Mode::Eval), "expected [n, 4, 32, 32]");
    says(g.forward(&maps(1, [32, 32], 2), Some(&z), Mode::Eval), "expected [n, 4, 32, 32]");
    assert!(g.forward(&map, Some(&z), Mode::Eval).is_ok());
    for (field, config) in [
        ("img_size", SpadeConfig { img_size: [256, 96], depth: Depth::More, ..SpadeConfig::default() }),
        ("kernel", SpadeConfig { kernel: 2, ..SpadeConfig::default() }),
        ("classes", SpadeConfig { classes: 0, ..SpadeConfig::default() }),
    ] {
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    let d = MultiscaleDiscriminatorConfig { img_size: [8, 8], ..MultiscaleDiscriminatorConfig::default() };
    assert!(d.validate().unwrap_err().to_string().contains("too small"));
}
