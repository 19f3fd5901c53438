//! First and second derivatives of every operation against finite differences in f64, inside nets
//! with at least two nonlinear layers: shallower ones pass even where candle drops paths.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use candle_core::{Result, Tensor};
use stylegan_kernels::*;
use support::*;

const ACTIVATIONS: [Activation; 11] = [
    Activation::Linear,
    Activation::Relu,
    Activation::Lrelu,
    Activation::Leaky(0.3),
    Activation::Leaky(-0.4),
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Elu,
    Activation::Selu,
    Activation::Softplus,
    Activation::Swish,
];

#[test]
fn bias_act_with_every_activation() {
    for act in ACTIVATIONS {
        for clamp in [None, Some(0.9)] {
            let (x, b) = (var(&[2, 3, 2, 3], 1), var(&[3], 2));
            check(&format!("bias_act {act:?} {clamp:?}"), &[&x, &b], &[&x], || {
                bias_act(
                    &x.tanh()?.sqr()?.affine(2., -0.7)?,
                    Some(&b),
                    BiasAct { act, gain: act.default_gain(), clamp },
                )
            });
        }
    }
    let (x, b) = (var(&[4, 3], 1), var(&[3], 2));
    check("bias_act [n, c]", &[&x, &b], &[&x], || {
        bias_act(&x.tanh()?.sqr()?, Some(&b), BiasAct { act: Activation::Lrelu, gain: 1.5, clamp: None })
    });
    check("no bias", &[&x], &[&x], || {
        bias_act(&x.sqr()?.tanh()?, None, BiasAct { act: Activation::Lrelu, gain: 1.5, clamp: Some(0.8) })
    });
}

#[test]
fn prelu_in_values_and_slopes() {
    for dims in [&[2usize, 3, 2, 3][..], &[4, 3]] {
        let (x, slope) = (var(dims, 1), var(&[3], 2));
        check("prelu", &[&x, &slope], &[&x, &slope], || prelu(&x.tanh()?.sqr()?.affine(2., -0.7)?, &slope));
    }
}

#[test]
fn noise_bias_act_with_shared_and_own_noise() {
    for n in [1, 2] {
        let (x, s, b) = (var(&[2, 3, 2, 3], 1), var(&[3], 2), var(&[3], 3));
        let noise = tensor(&[n, 1, 2, 3], 4);
        check("noise_bias_act", &[&x, &s, &b], &[&x, &s], || {
            noise_bias_act(
                &x.tanh()?.sqr()?,
                &noise,
                &s,
                &b,
                BiasAct { act: Activation::Lrelu, gain: 1.4, clamp: Some(2.5) },
            )
        });
        // The sign of a result does not tell a negative slope.
        check("noise_bias_act, negative slope", &[&x, &s, &b], &[&x, &s], || {
            noise_bias_act(
                &x.tanh()?.sqr()?,
                &noise,
                &s,
                &b,
                BiasAct { act: Activation::Leaky(-0.4), gain: 1.4, clamp: Some(2.5) },
            )
        });
        let s = var(&[], 5);
        let noise = var(&[n, 1, 2, 3], 4);
        check("tracked noise, one strength", &[&x, &s, &b, &noise], &[&x, &noise], || {
            noise_bias_act(
                &x.tanh()?.sqr()?,
                &noise,
                &s,
                &b,
                BiasAct { act: Activation::Lrelu, gain: 1.4, clamp: None },
            )
        });
    }
}

#[test]
fn normalisations() {
    let (x, s, b) = (var(&[2, 3, 3, 2], 1), var(&[2, 3], 2), var(&[2, 3], 3));
    check("instance_style", &[&x, &s, &b], &[&x, &s], || instance_style(&x.tanh()?, &s.sqr()?, &b, 1e-3));
    check("pixel_norm", &[&x], &[&x], || pixel_norm(&x.tanh()?, 1e-3));
    let z = var(&[3, 5], 4);
    check("pixel_norm [n, c]", &[&z], &[&z], || pixel_norm(&z.tanh()?, 1e-3));
    let x = var(&[4, 4, 2, 3], 1);
    for (group, features) in [(2, 1), (4, 2), (8, 1)] {
        check("minibatch_stddev", &[&x], &[&x], || minibatch_stddev(&x.tanh()?, group, features)?.sqr());
    }
}

#[test]
fn resizes() {
    let x = var(&[2, 2, 6, 6], 1);
    let with = |f: &dyn Fn(&Tensor) -> Result<Tensor>| check("resize", &[&x], &[&x], || f(&x.tanh()?)?.sqr());
    with(&upsample_nearest2x);
    with(&avg_pool2x);
    with(&|x| resize::upsample_nearest(x, 3));
    with(&|x| resize_area(x, 2, 2));
    with(&|x| avg_pool2d(x, 3, 2, 1));
    for corners in [false, true] {
        with(&|x| resize_bilinear(x, 4, 9, corners));
        with(&|x| resize_bilinear(x, 11, 3, corners));
    }
}

#[test]
fn filters() {
    let x = var(&[1, 2, 5, 4], 1);
    let separable = Filter::separable(&[1., 3., 3., 1.]);
    let skew = Filter::new(&values(12, 9), 4, 3).unwrap();
    for f in [&separable, &skew] {
        for (up, down) in [([1, 1], [1, 1]), ([2, 2], [1, 1]), ([1, 1], [2, 2]), ([2, 3], [3, 2])] {
            check(&format!("upfirdn2d {up:?} {down:?}"), &[&x], &[&x], || {
                upfirdn2d(&x.tanh()?, f, up, down, [2, 1, 1, 3], false, 1.7)?.sqr()
            });
        }
    }
}

#[test]
fn linear_layers_and_planes() {
    let (x, w, b) = (var(&[3, 4], 1), var(&[2, 4], 2), var(&[2], 3));
    check("linear", &[&x, &w, &b], &[&x, &w], || linear(&x.tanh()?, &w, Some(&b), 0.6, 0.3)?.sqr());
    check("linear without bias", &[&x, &w], &[&x], || linear(&x.tanh()?, &w, None, 0.6, 1.)?.sqr());
    let (x, s) = (var(&[2, 3, 2, 2], 1), var(&[2, 3], 2));
    check("channel_scale", &[&x, &s], &[&x, &s], || modulate::channel_scale(&x.tanh()?, &s.sqr()?)?.sqr());
    check("plane_dot", &[&x], &[&x], || modulate::plane_dot(&x.tanh()?, &x)?.sqr());
}

#[test]
fn modulated_convolutions() {
    let (x, w, s) = (var(&[2, 2, 4, 3], 1), var(&[2, 2, 3, 3], 2), var(&[2, 2], 3));
    let f = Filter::separable(&[1., 3., 3., 1.]);
    for (up, down) in [(1, 1), (2, 1), (1, 2)] {
        let r = modulate::Resample {
            up,
            down,
            padding: [1; 4],
            filter: Some(&f),
            flip_weight: false,
            ..Default::default()
        };
        check(&format!("modulated_conv2d up {up} down {down}"), &[&x, &w, &s], &[&x, &s], || {
            modulated_conv2d(&x.tanh()?, &w, &(s.sqr()? + 0.3)?, true, &r)
        });
    }
}

#[test]
fn convolution_with_bias_and_activation() {
    let (x, w, b) = (var(&[2, 2, 5, 4], 1), var(&[3, 2, 3, 3], 2), var(&[3], 3));
    for (act, clamp, stride) in [
        (Activation::Lrelu, None, 1),
        (Activation::Lrelu, Some(1.1), 2),
        (Activation::Linear, None, 1),
        (Activation::Leaky(-0.4), Some(1.1), 1),
        (Activation::Tanh, None, 1),
    ] {
        let net = || conv2d_bias_act(&x.tanh()?, &w, &b, stride, 1, 0.6, BiasAct { act, gain: 1.3, clamp });
        let parts = bias_act(
            &conv2d(&x.tanh().unwrap(), &w, stride, 1, 0.6).unwrap(),
            Some(&b),
            BiasAct { act, gain: 1.3, clamp },
        );
        assert_eq!(flat(&net().unwrap()), flat(&parts.unwrap()));
        check(&format!("conv2d_bias_act {act:?}"), &[&x, &w, &b], &[&x], net);
    }
}
