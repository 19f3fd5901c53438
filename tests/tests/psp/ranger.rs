//! Ranger's trajectory.

use super::cases::{Tensors, load};
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;
use stylegan_core::Params;
use stylegan_kernels::optim::{RangerOptions, ranger_step};
use stylegan_tests::golden::{Place, assert_close};
use stylegan_train::optim::Adam;
use stylegan_train::shards::Row;

/// f32 on both sides, steps of 1e-3: four units of the last place of weights about 1.
const NEAR: f64 = 2e-6;

pub(crate) fn trajectory(place: &Place) {
    let io = load("ranger.io");
    let options = RangerOptions { lr: 1e-3, ..RangerOptions::default() };
    for name in ["w1", "w2", "w4", "s", "skip"] {
        let stored = |part: &str| &io[&format!("{part}.{name}")];
        let get = |part: &str| place.take(stored(part));
        let var = |t: &Tensor| Var::from_tensor(&t.contiguous().unwrap()).unwrap();
        let start = get("in.p0");
        let [weight, slow] = [var(&start), var(&start.copy().unwrap())];
        let [m, v] = [0, 1].map(|_| var(&start.zeros_like().unwrap()));
        let mut own = 0;
        for step in 1..=15usize {
            let misses = name == "skip" && (2..=3).contains(&step);
            if !misses {
                own += 1;
                let noise = get("in.noise").get(step - 1).unwrap();
                let pull = ((weight.as_detached_tensor() - get("in.c")).unwrap() * get("in.a")).unwrap();
                ranger_step(&weight, &(pull + noise).unwrap(), [&m, &v, &slow], own, options).unwrap();
            }
            if let Some(expected) = io.get(&format!("step{step}.{name}")) {
                assert_close(&format!("{name} after step {step}"), &weight, expected, NEAR);
            }
        }
        for (what, found) in [("exp_avg", &m), ("exp_avg_sq", &v), ("slow", &slow)] {
            assert_close(&format!("{name}: {what}"), found, stored(&format!("end.{what}")), NEAR);
        }
    }
}

/// The optimiser of training takes the same way, also when it is saved and restored between two meetings with the slow
/// weights.
pub(crate) fn the_optimiser_of_training_resumes_on_the_trajectory(place: &Place) {
    let io: Tensors = load("ranger.io").into_iter().map(|(name, t)| (name, place.take(&t))).collect();
    // In the order of their names, as in a flat gradient.
    let names = ["s", "w1", "w2", "w4"];
    let start = names.map(|name| (name.to_owned(), io[&format!("in.p0.{name}")].clone()));
    let mut params = Params::from_tensors(start).unwrap();
    let mut optimizer = Adam::ranger(&params).unwrap();
    for step in 1..=15usize {
        if step == 9 {
            let saved: std::collections::HashMap<_, _> =
                optimizer.state().into_iter().map(|(name, t)| (name, t.copy().unwrap())).collect();
            assert!(saved.contains_key("slow.w4") && saved.len() == 12);
            params = params.copy().unwrap();
            optimizer = Adam::ranger(&params).unwrap();
            optimizer.restore(8, &BTreeMap::new(), |name| Ok(Some(saved[name].clone()))).unwrap();
        }
        let gradient = |name: &str| {
            let weight = params.get(name).unwrap();
            let pull = (weight.as_detached_tensor() - &io[&format!("in.c.{name}")]).unwrap();
            let noise = io[&format!("in.noise.{name}")].get(step - 1).unwrap();
            let gradient = ((pull * &io[&format!("in.a.{name}")]).unwrap() + noise).unwrap();
            gradient.flatten_all().unwrap()
        };
        let flat = Tensor::cat(&names.map(gradient), 0).unwrap();
        let row = if flat.device().is_cpu() { flat.to_vec1().unwrap().into() } else { Row::OnGpu(flat) };
        optimizer.step(&row, 1e-3).unwrap();
        for name in names {
            if let Some(expected) = io.get(&format!("step{step}.{name}")) {
                assert_close(&format!("{name} after step {step}"), &params.get(name).unwrap(), expected, NEAR);
            }
        }
    }
}
