//! Results and gradients are the same bits for any number of threads.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use candle_core::{DType, Result, Tensor, Var};
use stylegan_kernels::autodiff::{backward, grad};
use stylegan_kernels::threads::{limit, with_limit};
use stylegan_kernels::*;
use support::*;

fn f32_var(shape: &[usize], seed: usize) -> Var {
    Var::from_tensor(&tensor(shape, seed).to_dtype(DType::F32).unwrap()).unwrap()
}

fn bits(t: &Tensor) -> Vec<u32> {
    t.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

/// Value, gradients and gradients of the squared first gradient, with 1 thread and with all.
fn same_bits(name: &str, vars: &[&Var], f: impl Fn() -> Result<Tensor>) {
    let all = || -> Result<Vec<Vec<u32>>> {
        let y = f()?.tanh()?;
        let first = backward(&y)?;
        let second = backward(&grad(&y, &[vars[0]], true)?[0].sqr()?)?;
        let grads = vars.iter().flat_map(|x| [first.get(x), second.get(x)]).flatten();
        Ok(std::iter::once(bits(&y)).chain(grads.map(|g| bits(&g))).collect())
    };
    let (one, many) = (with_limit(1, || all().unwrap()), all().unwrap());
    assert!(one == many, "{name}: results depend on the number of threads");
}

#[test]
fn every_operation() {
    // Odd sizes that fill several tasks and leave a rest.
    let x = f32_var(&[3, 5, 67, 65], 1);
    let (s, b) = (f32_var(&[5], 2), f32_var(&[5], 3));
    let noise = f32_var(&[3, 1, 67, 65], 4).detach();
    let act = Activation::Lrelu;
    same_bits("bias_act", &[&x, &b], || bias_act(&x, Some(&b), BiasAct { act, gain: 1.4, clamp: Some(2.) }));
    same_bits("softplus", &[&x, &b], || bias_act(&x, Some(&b), Activation::Softplus.into()));
    same_bits("noise_bias_act", &[&x, &s, &b], || {
        noise_bias_act(&x, &noise, &s, &b, BiasAct { act, gain: 1.4, clamp: None })
    });
    let (scale, shift) = (f32_var(&[3, 5], 5), f32_var(&[3, 5], 6));
    same_bits("instance_style", &[&x, &scale, &shift], || instance_style(&x, &scale, &shift, 1e-8));
    same_bits("pixel_norm", &[&x], || pixel_norm(&x, 1e-8));
    same_bits("minibatch_stddev", &[&x], || minibatch_stddev(&x, 3, 1));
    same_bits("channel_scale", &[&x, &scale], || modulate::channel_scale(&x, &scale));
    same_bits("upsample_nearest2x", &[&x], || upsample_nearest2x(&x));
    same_bits("avg_pool2d", &[&x], || avg_pool2d(&x, 3, 2, 1));
    same_bits("resize_bilinear", &[&x], || resize_bilinear(&x, 41, 90, false));
    let f = Filter::separable(&[1., 3., 3., 1.]);
    let skew = Filter::new(&values(12, 9), 3, 4).unwrap();
    same_bits("upsample2d", &[&x], || upsample2d(&x, &f, 1.));
    same_bits("downsample2d", &[&x], || downsample2d(&x, &f, 1.));
    same_bits("filter2d", &[&x], || filter2d(&x, &skew, 1.));
    let (w, styles) = (f32_var(&[7, 5, 3, 3], 7), f32_var(&[3, 5], 8));
    let up = modulate::Resample { up: 2, padding: [1; 4], filter: Some(&f), flip_weight: false, ..Default::default() };
    same_bits("modulated_conv2d", &[&x, &w, &styles], || modulated_conv2d(&x, &w, &styles, true, &up));
    let b = f32_var(&[7], 12);
    same_bits("conv2d_bias_act", &[&x, &w, &b], || {
        conv2d_bias_act(&x, &w, &b, 1, 1, 0.2, BiasAct { act, gain: 1.4, clamp: None })
    });
    for (n, i, o) in [(5, 300, 333), (333, 70, 65), (1, 1000, 130)] {
        let (x, w, b) = (f32_var(&[n, i], 9), f32_var(&[o, i], 10), f32_var(&[o], 11));
        same_bits("linear", &[&x, &w, &b], || linear(&x, &w, Some(&b), 0.05, 1.));
    }
}

#[test]
fn optimiser_steps() {
    let n = 100_003;
    let run = || {
        let (w, m, v) =
            (f32_var(&[n], 1), f32_var(&[n], 2), Var::from_tensor(&f32_var(&[n], 3).sqr().unwrap()).unwrap());
        let (g, average) = (f32_var(&[n], 4), f32_var(&[n], 5));
        let options = optim::AdamOptions { lr: 0.01, beta1: 0.5, beta2: 0.99, eps: 1e-8 };
        optim::adam_step(&w, &g, &m, &v, 3, options).unwrap();
        optim::ema_step(&average, &w, 0.9).unwrap();
        [&w, &m, &v, &average].map(|t| bits(t))
    };
    assert!(with_limit(1, run) == run());
}

#[test]
fn limits_nest_and_end() {
    let outer = limit();
    with_limit(1, || {
        assert_eq!(limit(), 1);
        with_limit(0, || assert_eq!(limit(), 1));
        with_limit(1000, || assert_eq!(limit(), outer));
        assert_eq!(limit(), 1);
    });
    assert_eq!(limit(), outer);
}
