//! Ranger's trajectory.

use crate::cases::load;
use candle_core::{Tensor, Var};
use stylegan_kernels::optim::{RangerOptions, ranger_step};

#[track_caller]
fn near(what: &str, found: &Tensor, expected: &Tensor) {
    let apart = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
    let apart: f32 = apart.to_scalar().unwrap();
    assert!(apart <= 2e-6, "{what} is off by {apart:e}");
}

/// f32 on both sides, steps of 1e-3: four units of the last place of weights about 1.
#[test]
fn trajectory() {
    let io = load("ranger.io");
    let options = RangerOptions { lr: 1e-3, ..RangerOptions::default() };
    for name in ["w1", "w2", "w4", "s", "skip"] {
        let get = |part: &str| &io[&format!("{part}.{name}")];
        let var = |t: &Tensor| Var::from_tensor(&t.contiguous().unwrap()).unwrap();
        let start = get("in.p0");
        let [weight, slow] = [var(start), var(&start.copy().unwrap())];
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
                near(&format!("{name} after step {step}"), &weight, expected);
            }
        }
        for (what, found) in [("exp_avg", &m), ("exp_avg_sq", &v), ("slow", &slow)] {
            near(&format!("{name}: {what}"), found, get(&format!("end.{what}")));
        }
    }
}
