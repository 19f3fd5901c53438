//! Three steps of training with Ranger.

use super::cases::{Tensors, alexnet, by_formula, close, load, picture};
use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use stylegan_core::layers::Mode;
use stylegan_core::psp::{AVERAGE, PspConfig, PspEncoder};
use stylegan_core::{Model, NoiseMode, Params};
use stylegan_tests::golden::Place;
use stylegan_train::config::{EncoderLossConfig, EncoderTrainConfig};
use stylegan_train::recipe::encoder::{EMAIN, Example, Losses, Parameters, Psp};
use stylegan_train::recipe::{GRADIENT, Recipe, step};

const BATCH: usize = 2;
const LR: f64 = 3e-4;

/// The case's recipe.
fn recipe(io: &Tensors, place: &Place) -> (Psp, PspConfig) {
    let encoder = PspConfig { num_ws: 10, w_dim: 64, channels: 16, ..PspConfig::default() };
    let loss = EncoderLossConfig { w_norm: 0.005, id: 0., ..EncoderLossConfig::default() };
    let config = EncoderTrainConfig { encoder: encoder.clone(), loss, ..EncoderTrainConfig::default() };
    let e = by_formula("psp_train3/", place, |params| drop(PspEncoder::new(&encoder, params.trainable()).unwrap()));
    let average = [(AVERAGE.to_owned(), io["in.latent_avg"].clone())];
    let e = e.vars().into_iter().map(|(name, var)| (name, var.as_detached_tensor())).chain(average);
    let taken = |(name, t): (String, Tensor)| (name, place.take(&t));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/rosinality/stylegan2_g.weights.safetensors");
    let model = Model::load(path, &Device::Cpu).unwrap();
    let g = model.params().vars().into_iter().map(|(name, var)| taken((name, var.as_detached_tensor())));
    let parameters = Parameters {
        e: Params::from_tensors(e.map(taken)).unwrap(),
        g: Params::from_tensors(g).unwrap(),
        generator: model.config().clone(),
    };
    let losses = Losses::by(&config.loss, Some(Box::new(alexnet(&place.device))), None);
    (Psp::new(&config, parameters, losses).unwrap(), encoder)
}

/// Parameters and buffers of the encoder, by name.
fn encoder(psp: &Psp) -> Params {
    psp.networks().into_iter().find(|(name, _)| *name == "E").unwrap().1.clone()
}

/// Copies in main memory, in f64.
fn copies(params: &Params) -> HashMap<String, Tensor> {
    let copy = |t: Tensor| t.copy().unwrap().to_device(&Device::Cpu).unwrap().to_dtype(DType::F64).unwrap();
    params.vars().into_iter().map(|(name, var)| (name, copy(var.as_detached_tensor()))).collect()
}

fn length(x: &Tensor) -> f64 {
    x.to_dtype(DType::F64).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt()
}

#[track_caller]
fn near(what: &str, found: f64, expected: f64, bound: f64) {
    assert!((found - expected).abs() <= bound * expected.abs(), "{what}: {found}, expected {expected}");
}

pub(crate) fn three_steps(place: &Place) {
    let io = load("train3.io");
    let (mut psp, config) = recipe(&io, place);
    let pictures = |name: &str, step: usize| picture(&io[name].get(step).unwrap(), place);
    let start = copies(&encoder(&psp));
    for number in 0..3 {
        let example = Example { input: pictures("in.x_u8", number), target: pictures("in.y_u8", number) };
        if number == 0 {
            let updates = stylegan_core::layers::BufferUpdates::default();
            let network = PspEncoder::new(&config, encoder(&psp).frozen()).unwrap();
            let rows = network.forward(&example.input, Mode::Train(&updates)).unwrap();
            let rows = rows.broadcast_add(&place.take(&io["in.latent_avg"])).unwrap();
            close("rows in training", &rows, &io["step0.latent"], 1e-5);
        }
        let sums = psp.emain(&example, NoiseMode::Const).unwrap();
        for (name, key, weight) in [
            ("loss", "loss", 1.),
            ("loss_l2", "l2", 1.),
            ("loss_lpips", "lpips-alex", 0.8),
            ("loss_w_norm", "w_norm", 0.005),
        ] {
            let expected = io[&format!("step{number}.{name}")].to_vec1::<f64>().unwrap()[0];
            near(
                &format!("step {number} {name}"),
                sums.stats.get(&format!("Loss/E/{key}")).mean(),
                weight * expected,
                1e-4,
            );
        }
        if number == 0 {
            gradients(&io, &encoder(&psp), &sums.named.row(GRADIENT).unwrap().clone().into_vec().unwrap());
        }
        step(&mut psp, &EMAIN, &sums.named.over(BATCH).unwrap(), LR).unwrap();
    }
    moved(&io, &start, &copies(&encoder(&psp)));
    let network = PspEncoder::new(&config, encoder(&psp).frozen()).unwrap();
    let rows = network.forward(&pictures("in.x_u8", 0), Mode::Eval).unwrap();
    let rows = rows.broadcast_add(&place.take(&io["in.latent_avg"])).unwrap();
    close("rows after training", &rows, &io["final_eval.latent"], 1e-3);
}

/// Lengths of gradients, which are stored in a row: 1e-3, as LPIPS is f32 here.
fn gradients(io: &Tensors, params: &Params, flat: &[f32]) {
    let (mut rest, mut compared) = (flat, 0);
    for (name, var) in params.parameters() {
        let (own, others) = rest.split_at(var.elem_count());
        rest = others;
        let Some(expected) = io.get(&format!("step0.grad_l2.encoder.{name}")) else { continue };
        let expected = expected.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap()[0];
        let found = own.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() / BATCH as f64;
        assert!((found - expected).abs() <= 1e-3 * expected + 1e-9, "gradient of {name}: {found}, expected {expected}");
        compared += 1;
    }
    assert!(rest.is_empty() && compared > 100, "{compared} gradients");
}

/// Where tensors are after three steps, on the scale of how far they came.
fn moved(io: &Tensors, start: &HashMap<String, Tensor>, end: &HashMap<String, Tensor>) {
    let mut compared = 0;
    for (name, expected) in io.iter().filter_map(|(name, t)| Some((name.strip_prefix("final.encoder.")?, t))) {
        let sample = |t: &Tensor| {
            let t = t.flatten_all().unwrap();
            let every = (t.elem_count() / 2048).max(1) as u32;
            let index: Vec<u32> = (0..expected.elem_count() as u32).map(|i| i * every).collect();
            t.index_select(&Tensor::new(index, t.device()).unwrap(), 0).unwrap()
        };
        let (before, after) = (sample(&start[name]), sample(&end[name]));
        let expected = expected.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
        let (off, way) = (length(&(&after - &expected).unwrap()), length(&(&expected - &before).unwrap()));
        assert!(off <= 2e-2 * way + 1e-6, "{name}: {off:e} of {way:e}");
        let all = length(&(&end[name] - &start[name]).unwrap());
        if let Some(moved) = io.get(&format!("move_l2.encoder.{name}")) {
            let moved = moved.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap()[0];
            assert!((all - moved).abs() <= 2e-2 * moved + 1e-9, "{name} moved by {all:e}, expected {moved:e}");
        }
        compared += 1;
    }
    assert!(compared >= 36, "{compared} tensors");
}
