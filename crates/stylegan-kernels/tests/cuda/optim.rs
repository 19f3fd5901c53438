//! `optim.cu`.

use super::emulator::{Arg, Emulator};
use super::{close, numbers, single};
use candle_core::Var;
use stylegan_kernels::cuda::optim as plans;
use stylegan_kernels::optim::{AdamOptions, adam_step, ema_step};

#[test]
fn adam_and_the_average_of_weights() {
    let Some(mut emulator) = Emulator::new() else { return };
    for len in [512 * 64 * 9, 1, 1025, 0] {
        let mut g = numbers(&single(&[len], 1));
        if len > 2 {
            g[..3].copy_from_slice(&[3e38, f32::NEG_INFINITY, 0.]);
        }
        let [w, m, v] = [2, 3, 4].map(|seed| Var::from_tensor(&single(&[len], seed).abs().unwrap()).unwrap());
        let [ws, ms, vs] = [&w, &m, &v].map(|t| numbers(t));
        let options = AdamOptions { lr: 0.002, beta1: 0.5, beta2: 0.99, eps: 1e-8 };
        let gradient = candle_core::Tensor::new(&g[..], w.device()).unwrap();
        adam_step(&w, &gradient, &m, &v, 7, options).unwrap();
        let power = |beta: f64| 1. - beta.powi(7);
        let launch = plans::adam(len, [0.5, 0.99], 0.002 / power(0.5), power(0.99).sqrt(), 1e-8).unwrap();
        let args = [Arg::In(&g), Arg::InOut(&ws), Arg::InOut(&ms), Arg::InOut(&vs)];
        for ((actual, expected), name) in emulator.run(&launch, &args).iter().zip([&w, &m, &v]).zip(["w", "m", "v"]) {
            // The same operations in the same order: the same bits, where the compiler contracts none.
            assert_eq!(actual, &numbers(expected), "{name}");
        }
        let average = Var::from_tensor(&single(&[len], 5)).unwrap();
        let before = numbers(&average);
        ema_step(&average, &w, 0.999).unwrap();
        let args = [Arg::In(&numbers(&w)), Arg::InOut(&before)];
        let actual = emulator.run(&plans::ema(len, 0.999).unwrap(), &args).remove(0);
        close("ema", &actual, &average, 0.);
    }
}
