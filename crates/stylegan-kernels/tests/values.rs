//! Values of operations against plain formulas: odd sizes, both element types, what is not finite,
//! and the sentences of errors.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, reason = "candle's own rules are what we compare with")]

mod support;

use candle_core::{D, DType, Device, Tensor, Var};
use stylegan_kernels::optim::{self, AdamOptions};
use stylegan_kernels::*;
use support::*;

/// f64 to 1e-12 of the plain formula, f32 to the rounding of its few hundred summands.
#[track_caller]
fn both(name: &str, inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Tensor, plain: impl Fn(&[Tensor]) -> Tensor) {
    let expected = flat(&plain(inputs));
    let e = error(&f(inputs), &expected);
    assert!(e < 1e-12, "{name}: off by {e:e} in f64");
    let single: Vec<Tensor> = inputs.iter().map(|t| t.to_dtype(DType::F32).unwrap()).collect();
    let y = f(&single);
    assert_eq!(y.dtype(), DType::F32);
    assert!(error(&y, &expected) < 5e-6, "{name}: off by {:e} in f32", error(&y, &expected));
}

#[test]
fn prelu_bends_each_channel() {
    for dims in [&[2usize, 3, 5, 7][..], &[4, 3], &[1, 3, 67, 65]] {
        both(
            "prelu",
            &[tensor(dims, 1), tensor(&[3], 2)],
            |t| prelu(&t[0], &t[1]).unwrap(),
            |t| {
                let wide = [1, 3].into_iter().chain(dims[2..].iter().map(|_| 1)).collect::<Vec<_>>();
                let below = (t[0].abs().unwrap() - &t[0]).unwrap().broadcast_mul(&t[1].reshape(wide).unwrap()).unwrap();
                (t[0].relu().unwrap() - (below / 2.).unwrap()).unwrap()
            },
        );
    }
    let x = Tensor::new(&[[f32::NAN, f32::NEG_INFINITY, 0.]], &Device::Cpu).unwrap();
    let slope = Tensor::new(&[0.5f32, 0.5, 0.5], &Device::Cpu).unwrap();
    let y = flat(&prelu(&x, &slope).unwrap());
    assert!(y[0].is_nan() && y[1] == f64::NEG_INFINITY && y[2] == 0.);
    let none = prelu(&tensor(&[2, 3, 0, 4], 1), &tensor(&[3], 2)).unwrap();
    assert_eq!(none.dims(), [2, 3, 0, 4]);
    let message = prelu(&x, &tensor(&[4], 1)).unwrap_err().to_string();
    assert!(message.contains("slopes of 4 channels do not fit [1, 3]"), "{message}");
    // As in PyTorch the slope at 0 is the parameter.
    let x = Var::new(&[[0f32, 1., -1.]], &Device::Cpu).unwrap();
    let g = autodiff::backward(&prelu(&x, &slope).unwrap()).unwrap().get(&x).unwrap();
    assert_eq!(flat(&g), [0.5, 1., 0.5]);
}

#[test]
fn normalisations_at_odd_sizes() {
    for dims in [[2, 3, 1, 1], [1, 1, 5, 7], [3, 5, 33, 17], [1, 2, 67, 65]] {
        let x = tensor(&dims, 1);
        let style = [tensor(&dims[..2], 2), tensor(&dims[..2], 3)];
        both(
            "instance_style",
            &[x.clone(), style[0].clone(), style[1].clone()],
            |t| instance_style(&t[0], &t[1], &t[2], 1e-3).unwrap(),
            |t| {
                let mean = t[0].mean_keepdim((2, 3)).unwrap();
                let x = t[0].broadcast_sub(&mean).unwrap();
                let rstd = (x.sqr().unwrap().mean_keepdim((2, 3)).unwrap() + 1e-3).unwrap().powf(-0.5).unwrap();
                let at = |t: &Tensor| t.unsqueeze(2).unwrap().unsqueeze(3).unwrap();
                let x = x.broadcast_mul(&rstd).unwrap().broadcast_mul(&at(&t[1])).unwrap();
                x.broadcast_add(&at(&t[2])).unwrap()
            },
        );
        let plain = |t: &[Tensor]| {
            let r = (t[0].sqr().unwrap().mean_keepdim(1).unwrap() + 1e-3).unwrap().powf(-0.5).unwrap();
            t[0].broadcast_mul(&r).unwrap()
        };
        both("pixel_norm", std::slice::from_ref(&x), |t| pixel_norm(&t[0], 1e-3).unwrap(), plain);
        let rows = x.flatten(1, 3).unwrap();
        both("pixel_norm [n, c]", &[rows], |t| pixel_norm(&t[0], 1e-3).unwrap(), plain);
    }
}

#[test]
fn minibatch_stddev_groups_samples_apart() {
    // 6 samples in groups of 3: samples 0, 2, 4 and 1, 3, 5.
    let x = tensor(&[6, 2, 3, 1], 1);
    let y = minibatch_stddev(&x, 3, 1).unwrap();
    assert_eq!(y.dims(), [6, 3, 3, 1]);
    let data = flat(&x);
    for first in 0..2 {
        let expected: f64 = (0..6)
            .map(|j| {
                let of = |i: usize| data[(first + 2 * i) * 6 + j];
                let mean = (0..3).map(of).sum::<f64>() / 3.;
                ((0..3).map(|i| (of(i) - mean).powi(2)).sum::<f64>() / 3. + 1e-8).sqrt()
            })
            .sum::<f64>()
            / 6.;
        for sample in [first, first + 2, first + 4] {
            let got = flat(&y.narrow(0, sample, 1).unwrap().narrow(1, 2, 1).unwrap());
            assert!(got.iter().all(|v| (v - expected).abs() < 1e-12), "sample {sample}: {got:?} for {expected}");
        }
    }
}

#[test]
fn linear_and_planes_at_odd_sizes() {
    for (n, i, o) in [(1, 1, 1), (3, 5, 7), (65, 33, 129), (130, 300, 3)] {
        both(
            "linear",
            &[tensor(&[n, i], 1), tensor(&[o, i], 2), tensor(&[o], 3)],
            |t| linear(&t[0], &t[1], Some(&t[2]), 0.3, 0.7).unwrap(),
            |t| {
                let y = (t[0].matmul(&t[1].t().unwrap()).unwrap() * 0.3).unwrap();
                y.broadcast_add(&(&t[2] * 0.7).unwrap()).unwrap()
            },
        );
    }
    for dims in [[1, 1, 1, 1], [2, 3, 3, 3], [1, 5, 9, 131]] {
        both(
            "channel_scale",
            &[tensor(&dims, 1), tensor(&dims[..2], 2)],
            |t| modulate::channel_scale(&t[0], &t[1]).unwrap(),
            |t| t[0].broadcast_mul(&t[1].unsqueeze(2).unwrap().unsqueeze(3).unwrap()).unwrap(),
        );
        both(
            "plane_dot",
            &[tensor(&dims, 1), tensor(&dims, 2)],
            |t| modulate::plane_dot(&t[0], &t[1]).unwrap(),
            |t| t[0].mul(&t[1]).unwrap().sum(D::Minus1).unwrap().sum(D::Minus1).unwrap(),
        );
    }
}

#[test]
fn resizes_have_known_values() {
    let row = |v: &[f64]| Tensor::from_vec(v.to_vec(), (1, 1, 1, v.len()), &Device::Cpu).unwrap();
    let bilinear = |v: &[f64], w, corners| flat(&resize_bilinear(&row(v), 1, w, corners).unwrap());
    assert_eq!(bilinear(&[0., 1., 2., 3.], 2, false), [0.5, 2.5]);
    assert_eq!(bilinear(&[0., 1., 2., 3.], 3, true), [0., 1.5, 3.]);
    assert_eq!(bilinear(&[0., 1.], 4, false), [0., 0.25, 0.75, 1.]);
    assert_eq!(bilinear(&[0., 1.], 3, true), [0., 0.5, 1.]);
    assert_eq!(bilinear(&[5.], 3, true), [5., 5., 5.]);
    assert_eq!(bilinear(&[1., 3.], 1, true), [1.]);
    assert_eq!(flat(&upsample_nearest(&row(&[1., 2.]), 3).unwrap())[..6], [1., 1., 1., 2., 2., 2.]);
    let x = tensor(&[2, 3, 6, 10], 1);
    assert!(error(&avg_pool2x(&x).unwrap(), &flat(&x.avg_pool2d(2).unwrap())) < 1e-15);
    assert!(error(&upsample_nearest2x(&x).unwrap(), &flat(&x.upsample_nearest2d(12, 20).unwrap())) == 0.);
    // Windows that overlap and reach into the padding, which counts.
    let y = flat(&avg_pool2d(&row(&[3., 6., 9.]).broadcast_as((1, 1, 3, 3)).unwrap(), 3, 2, 1).unwrap());
    assert!(y.iter().zip([2., 10. / 3., 2., 10. / 3.]).all(|(a, b)| (a - b).abs() < 1e-12), "{y:?}");
}

#[test]
fn adam_follows_the_paper() {
    for dtype in [DType::F64, DType::F32] {
        let make = |seed| Var::from_tensor(&tensor(&[7, 31], seed).to_dtype(dtype).unwrap()).unwrap();
        let (w, m, v) = (make(1), make(2), Var::from_tensor(&make(3).sqr().unwrap()).unwrap());
        let mut state: Vec<[f64; 3]> = (0..7 * 31).map(|i| [flat(&w)[i], flat(&m)[i], flat(&v)[i]]).collect();
        let options = AdamOptions { lr: 0.02, beta1: 0.3, beta2: 0.97, eps: 1e-8 };
        for step in 1..=3 {
            let g = make(10 + step);
            optim::adam_step(&w, &g, &m, &v, step as u64, options).unwrap();
            for ([w, m, v], g) in state.iter_mut().zip(flat(&g)) {
                *m = 0.3 * *m + 0.7 * g;
                *v = 0.97 * *v + 0.03 * g * g;
                let (mh, vh) = (*m / (1. - 0.3f64.powi(step as i32)), *v / (1. - 0.97f64.powi(step as i32)));
                *w -= 0.02 * mh / (vh.sqrt() + 1e-8);
            }
        }
        // Each of the three steps rounds a weight once, and a move of up to 0.07 of the largest weight some ten times: six
        // units of 2^-53 or 2^-24 in all. Three times that.
        let tolerance = if dtype == DType::F64 { 2e-15 } else { 1.1e-6 };
        let expected: Vec<f64> = state.iter().map(|s| s[0]).collect();
        assert!(error(&w, &expected) < tolerance, "off by {:e}", error(&w, &expected));
    }
    // beta1 = 0, the StyleGAN setting: the step is the sign of the first gradient.
    let (w, m, v) = (var(&[4], 1), var(&[4], 2), Var::from_tensor(&var(&[4], 2).zeros_like().unwrap()).unwrap());
    let before = flat(&w);
    let g = tensor(&[4], 5);
    optim::adam_step(&w, &g, &m, &v, 1, AdamOptions { lr: 0.1, beta1: 0., beta2: 0.99, eps: 0. }).unwrap();
    for ((after, before), g) in flat(&w).iter().zip(before).zip(flat(&g)) {
        assert!((before - after - 0.1 * g.signum()).abs() < 1e-12);
    }
}

#[test]
fn weights_move_on_after_a_gradient_whose_square_is_no_number() {
    let of = |numbers: [f32; 2]| Var::new(&numbers, &Device::Cpu).unwrap();
    let (w, m, v) = (of([0.; 2]), of([0.; 2]), of([0.; 2]));
    let options = AdamOptions { lr: 0.1, beta1: 0., beta2: 0.5, eps: 1e-8 };
    optim::adam_step(&w, of([1e30, -1e30]).as_tensor(), &m, &v, 1, options).unwrap();
    // The first step is the sign of the gradient, however large.
    assert!(error(&w, &[-0.1, 0.1]) < 1e-6, "{w}");
    for step in 2..200 {
        optim::adam_step(&w, of([1., -1.]).as_tensor(), &m, &v, step, options).unwrap();
    }
    assert!(flat(&w)[0] < -1. && flat(&v)[0] < 2., "{w}, {v}");
}

#[test]
fn averages_are_updated_in_place() {
    let (a, b) = (var(&[5], 1), tensor(&[5], 2));
    let shared = a.detach();
    let expected: Vec<f64> = flat(&a).iter().zip(flat(&b)).map(|(a, b)| b + (a - b) * 0.25).collect();
    optim::ema_step(&a, &b, 0.25).unwrap();
    assert_eq!(flat(&a), expected);
    assert_eq!(flat(&shared), expected, "detached views follow");
}

#[test]
fn nan_and_infinity_pass_through() {
    let x = Tensor::new(&[[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.]], &Device::Cpu).unwrap();
    for act in [Activation::Linear, Activation::Relu, Activation::Lrelu, Activation::Tanh, Activation::Softplus] {
        let y = bias_act(&x, None, BiasAct { act, gain: 1.5, clamp: Some(4.) }).unwrap().to_vec2::<f32>().unwrap();
        assert!(y[0][0].is_nan(), "{act:?}: {y:?}");
        assert!(y[0][1] > 0. && y[0][1] <= 4. && y[0][3].is_finite(), "{act:?}: {y:?}");
    }
    let image = x.reshape((1, 1, 2, 2)).unwrap();
    let y = upsample_nearest2x(&image).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(y[0].is_nan() && y[2] == f32::INFINITY && y[15] == 1.);
}

#[test]
fn strided_views_are_accepted() {
    let x = tensor(&[3, 2, 5, 4], 1).transpose(0, 1).unwrap().transpose(2, 3).unwrap();
    let dense = x.contiguous().unwrap();
    let f = Filter::separable(&[1., 2., 1.]);
    for (a, b) in [
        (filter2d(&x, &f, 1.), filter2d(&dense, &f, 1.)),
        (upsample_nearest2x(&x), upsample_nearest2x(&dense)),
        (pixel_norm(&x, 1e-8), pixel_norm(&dense, 1e-8)),
        (
            bias_act(&x, None, BiasAct { act: Activation::Lrelu, gain: 1.4, clamp: None }),
            bias_act(&dense, None, BiasAct { act: Activation::Lrelu, gain: 1.4, clamp: None }),
        ),
    ] {
        assert_eq!(flat(&a.unwrap()), flat(&b.unwrap()));
    }
}

/// Every third of six pixels and every fourth of eight: as the paper's code centres filters of one tap and of two.
#[test]
fn filters_are_centred_where_images_shrink_by_more_than_they_have_taps() {
    let shrunk = |taps: &[f64], down: usize, pixels: usize| {
        let row: Vec<f64> = (0..pixels).map(|i| i as f64).collect();
        let x = Tensor::from_vec(row, (1, 1, 1, pixels), &Device::Cpu).unwrap();
        let x = x.broadcast_as((1, 1, pixels, pixels)).unwrap();
        let (one, filter) = (Tensor::ones((1, 1, 1, 1), DType::F64, &Device::Cpu).unwrap(), Filter::separable(taps));
        let resample = modulate::Resample { down, filter: Some(&filter), ..modulate::Resample::default() };
        flat(&modulate::conv2d_resample(&x, &one, 1., &resample).unwrap().get(0).unwrap().narrow(1, 0, 1).unwrap())
    };
    assert_eq!(shrunk(&[1.], 3, 6), [1., 4.]);
    assert_eq!(shrunk(&[1., 1.], 4, 8), [1.5, 5.5]);
}

/// Without pixels, samples or channels there is nothing to compute, and nothing to panic about.
#[test]
fn empty_tensors_have_gradients_or_are_refused() {
    let windows = resize::Windows { size: 2, stride: 1, padding: 1, over: false };
    let message = resize::max_pool2d(&tensor(&[1, 2, 0, 5], 1), windows).unwrap_err().to_string();
    assert!(message.contains("do not fit 0x5 pixels"), "{message}");
    let message = bias_act(&tensor(&[3], 1), Some(&tensor(&[0], 2)), Activation::Lrelu.into()).unwrap_err().to_string();
    assert!(message.contains("has no channels"), "{message}");
    for shape in [&[2, 0][..], &[2, 3, 0, 5]] {
        let (x, bias) = (var(shape, 1), var(&shape[1..2], 2));
        let y = bias_act(&x, Some(&bias), Activation::Lrelu.into()).unwrap();
        let found = autodiff::backward(&y).unwrap();
        assert_eq!(found.get(&bias).unwrap().dims(), &shape[1..2]);
    }
    let (x, noise) = (var(&[2, 3, 0, 5], 1), tensor(&[2, 1, 0, 5], 2));
    let (strength, bias) = (var(&[3], 3), var(&[3], 4));
    let y = noise_bias_act(&x, &noise, &strength, &bias, Activation::Lrelu.into()).unwrap();
    assert_eq!(flat(&autodiff::backward(&y).unwrap().get(&strength).unwrap()), [0.; 3]);
    let weight = tensor(&[4, 3, 0, 0], 1);
    let up = modulate::Resample { up: 2, ..modulate::Resample::default() };
    let message = modulate::conv2d_resample(&tensor(&[1, 3, 4, 4], 1), &weight, 1., &up).unwrap_err().to_string();
    assert!(message.contains("a weight of 0x0"), "{message}");
}

#[test]
fn errors_say_what_was_expected() {
    let x = tensor(&[2, 3, 4, 5], 1);
    let check = |result: candle_core::Result<Tensor>, part: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    };
    let four = tensor(&[4], 2);
    check(bias_act(&x, Some(&four), Activation::Lrelu.into()), "bias [4] for input [2, 3, 4, 5], expected one entry");
    check(
        bias_act(&x, None, BiasAct { act: Activation::Lrelu, gain: -1., clamp: None }),
        "gain is -1, expected a number above 0",
    );
    for act in [Activation::Lrelu, Activation::Tanh] {
        let act = BiasAct { act, gain: 1., clamp: Some(-2.) };
        check(bias_act(&x, None, act), "clamp is -2, expected a number of at least 0");
    }
    check(
        bias_act(&x.to_dtype(DType::BF16).unwrap(), None, BiasAct { act: Activation::Lrelu, gain: 1.4, clamp: None }),
        "BF16, expected F32 or F64",
    );
    check(noise_bias_act(&x, &x, &four, &four, Activation::Lrelu.into()), "expected [2 or 1, 1, 4, 5]");
    check(instance_style(&x, &four, &four, 1e-8), "scale [4] for input [2, 3, 4, 5], expected [2, 3]");
    check(minibatch_stddev(&tensor(&[3, 4, 1, 1], 1), 2, 1), "3 samples of 4 channels do not divide");
    check(pixel_norm(&four, 1e-8), "expected [n, c, …]");
    check(avg_pool2x(&x), "4x5 pixels do not divide into blocks of 2x2");
    check(resize_bilinear(&x, 0, 4, false), "expected at least 1x1");
    check(linear(&tensor(&[2, 3], 1), &tensor(&[5, 4], 1), None, 1., 1.), "has 3 features");
    check(modulate::channel_scale(&x, &four), "expected [2, 3]");
    check(
        upfirdn2d(&x, &Filter::separable(&[1.; 9]), [1; 2], [1; 2], [0; 4], false, 1.),
        "smaller than the filter of 9x9",
    );
    assert!(Filter::new(&[1., 2., 3.], 2, 2).unwrap_err().to_string().contains("3 taps do not fill 2x2"));
    let (w, v) = (var(&[3], 1), var(&[3], 2));
    let message = optim::adam_step(&w, &four, &w, &v, 1, AdamOptions { lr: 0.1, beta1: 0., beta2: 0.9, eps: 0. });
    assert!(message.unwrap_err().to_string().contains("gradient is F64 [4], the weight F64 [3]"));
    let message = optim::adam_step(&w, &v, &w, &v, 1, AdamOptions { lr: 0.1, beta1: 0., beta2: 0.9, eps: 0. });
    assert!(message.unwrap_err().to_string().contains("four different tensors"));
    // A view has another name and the same memory.
    let (m, options) = (var(&[3], 3), AdamOptions { lr: 0.1, beta1: 0., beta2: 0.9, eps: 0. });
    let message = optim::adam_step(&w, &w.detach(), &m, &v, 1, options);
    assert!(message.unwrap_err().to_string().contains("four different tensors"));
}
