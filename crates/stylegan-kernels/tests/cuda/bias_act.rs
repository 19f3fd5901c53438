//! `bias_act.cu`.

use super::emulator::{Arg, Emulator};
use super::{close, double, gradients, numbers, one, single};
use candle_core::{Device, Tensor, Var};
use stylegan_kernels::cuda::{Epilogue, Map, bias_act as plans};
use stylegan_kernels::{Activation, BiasAct, bias_act, noise_bias_act};

/// Single roundings, in the CPU's order.
const EXACT: f64 = 3e-7;
/// Sums of many numbers, in another order.
const SUMS: f64 = 3e-6;

/// Layers of synthesis networks, sizes that no tile divides, single pixels, no samples.
const SHAPES: [[usize; 4]; 7] =
    [[1, 16, 256, 256], [2, 64, 16, 16], [1, 512, 4, 4], [3, 5, 7, 9], [2, 3, 33, 65], [3, 7, 1, 1], [0, 3, 4, 4]];

/// Noise, bias and activation: with maps for all samples, for each, and without noise.
pub(super) fn forward(emulator: &mut Emulator, shape @ [n, c, h, w]: [usize; 4]) {
    let act = BiasAct { act: Activation::Lrelu, gain: 1.5, clamp: Some(1.25) };
    let (x, bias, strength) = (single(&shape, 1), single(&[c], 2), single(&[c], 3));
    let (xs, biases, strengths) = (numbers(&x), numbers(&bias), numbers(&strength));
    for maps in [None, Some(1), Some(n)] {
        let noise = maps.map(|maps| single(&[maps, 1, h, w], 4));
        let noises = noise.as_ref().map(numbers);
        let end = Epilogue::new(Map::new(0.2, 1.5, 1.25), 1., c, maps.unwrap_or(1)).unwrap();
        let launch = plans::bias_act(n * c, h * w, end).unwrap();
        let [noises, strengths] = match &noises {
            Some(noises) => [Arg::In(noises), Arg::In(&strengths)],
            None => [Arg::Null, Arg::Null],
        };
        let args = [Arg::In(&xs), Arg::Null, noises, strengths, Arg::In(&biases), Arg::Out(xs.len())];
        let y = one(emulator, &launch, &args);
        let expected = match &noise {
            Some(noise) => noise_bias_act(&x, noise, &strength, &bias, act),
            None => bias_act(&x, Some(&bias), act),
        };
        close("bias_act", &y, &expected.unwrap(), EXACT);
    }
}

#[test]
fn forward_with_and_without_noise() {
    let Some(mut emulator) = Emulator::new() else { return };
    for shape in SHAPES {
        forward(&mut emulator, shape);
    }
}

#[test]
fn what_is_not_a_number_stays_so() {
    let Some(mut emulator) = Emulator::new() else { return };
    let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0., -0.];
    let launch = plans::bias_act(1, 5, Epilogue::new(Map::new(0.2, 1., 2.), 1., 1, 1).unwrap()).unwrap();
    let args = [Arg::In(&x), Arg::Null, Arg::Null, Arg::Null, Arg::Null, Arg::Out(5)];
    let y = one(&mut emulator, &launch, &args);
    assert!(y[0].is_nan());
    assert_eq!(y[1..], [2., -2., 0., 0.]);
}

/// All gradients of a layer's end.
pub(super) fn backward(emulator: &mut Emulator, shape @ [n, c, h, w]: [usize; 4]) {
    let [x, scale] = [single(&shape, 1), single(&[n, c], 5)].map(|t| Var::from_tensor(&t).unwrap());
    let [strength, bias] = [2, 3].map(|seed| Var::from_tensor(&single(&[c], seed)).unwrap());
    let (noise, g) = (single(&[1, 1, h, w], 4), single(&shape, 6));
    let act = BiasAct { act: Activation::Lrelu, gain: 1.5, clamp: Some(1.25) };
    let scaled = stylegan_kernels::modulate::channel_scale(&x, &scale).unwrap();
    let y = noise_bias_act(&scaled, &noise, &strength, &bias, act).unwrap();
    let map = Map::new(0.2, 1.5, 1.25);
    let end = Epilogue::new(map, 1., c, 1).unwrap();
    let (launch, slices) = plans::epilogue_gradient(n * c, h * w, end).unwrap();
    let [gs, ys, xs, scales, noises] = [&g, &y, x.as_tensor(), scale.as_tensor(), &noise].map(|t| numbers(&t.detach()));
    let rows = n * c;
    let args = [
        Arg::In(&gs),
        Arg::In(&ys),
        Arg::In(&xs),
        Arg::In(&scales),
        Arg::In(&noises),
        Arg::Out(xs.len()),
        Arg::Out(3 * rows * slices),
    ];
    let [gx, sums]: [Vec<f32>; 2] = emulator.run(&launch, &args).try_into().unwrap();
    // The second stage: slices of planes, then planes of samples.
    let planes = one(emulator, &plans::row_sum(3 * rows, slices, 1.).unwrap(), &[Arg::In(&sums), Arg::Out(3 * rows)]);
    let part = |i: usize| Tensor::new(&planes[i * rows..][..rows], &Device::Cpu).unwrap();
    if rows == 0 {
        return;
    }
    let over_samples = |emulator: &mut Emulator, i: usize| {
        let (launch, slices) = plans::channel_sum([n, c, 1], 1, 1.).unwrap();
        assert_eq!(slices, 1);
        one(emulator, &launch, &[Arg::In(&numbers(&part(i))), Arg::Null, Arg::Out(c)])
    };
    let expected = gradients(&y, &g, &[&x, &scale, &strength, &bias]);
    close("gx", &gx, &expected[0], EXACT);
    close("gscale", &numbers(&part(2)), &expected[1], SUMS);
    close("gstrength", &over_samples(emulator, 1), &expected[2], SUMS);
    close("gbias", &over_samples(emulator, 0), &expected[3], SUMS);

    // What is left out of noise, scale and x sums to zero.
    let outs = [Arg::Out(xs.len()), Arg::Out(3 * rows * slices)];
    let args: Vec<Arg> =
        [Arg::In(&gs), Arg::In(&ys), Arg::Null, Arg::Null, Arg::Null].into_iter().chain(outs).collect();
    let [gx, fewer]: [Vec<f32>; 2] = emulator.run(&launch, &args).try_into().unwrap();
    assert_eq!(fewer[..rows * slices], sums[..rows * slices]);
    assert!(fewer[rows * slices..].iter().all(|sum| *sum == 0.));
    let before = Var::from_tensor(&scaled.detach()).unwrap();
    let y = noise_bias_act(&before, &noise, &strength, &bias, act).unwrap();
    close("gx without scale", &gx, &gradients(&y, &g, &[&before])[0], EXACT);

    let alone = bias_act(&x, None, act).unwrap();
    let args = [Arg::In(&gs), Arg::In(&numbers(&alone.detach())), Arg::Out(xs.len())];
    let gx = one(emulator, &plans::bias_act_gradient(xs.len(), map).unwrap(), &args);
    close("gradient", &gx, &gradients(&alone, &g, &[&x])[0], EXACT);
}

#[test]
fn gradients_of_a_layers_end() {
    let Some(mut emulator) = Emulator::new() else { return };
    for shape in SHAPES {
        backward(&mut emulator, shape);
    }
    emulator.all_barriers_are_needed();
}

#[test]
fn smooth_activations_and_two_derivatives() {
    let Some(mut emulator) = Emulator::new() else { return };
    let kinds = [
        Activation::Leaky(-0.5),
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Elu,
        Activation::Selu,
        Activation::Softplus,
        Activation::Swish,
    ];
    for kind in kinds {
        let act = BiasAct { act: kind, gain: 1.5, clamp: Some(1.75) };
        let x = Var::from_tensor(&double(&single(&[3, 5, 7, 11], 1))).unwrap();
        let (h, g) = (Var::from_tensor(&double(&single(&[3, 5, 7, 11], 2))).unwrap(), single(&[3, 5, 7, 11], 3));
        let (xs, hs, gs) = (numbers(&single(&[3, 5, 7, 11], 1)), numbers(&single(&[3, 5, 7, 11], 2)), numbers(&g));
        let y = bias_act(&x, None, act).unwrap();
        let plan = |order| plans::smooth(xs.len(), kind, order, 1.5, 1.75).unwrap();
        let out = Arg::Out(xs.len());
        let value = one(&mut emulator, &plan(0), &[Arg::Null, Arg::In(&xs), out]);
        close("smooth", &value, &y.detach(), 1e-6);
        let first = stylegan_kernels::autodiff::grad(&(&y * h.as_tensor()).unwrap().sum_all().unwrap(), &[&x], true)
            .unwrap()
            .remove(0);
        let args = [Arg::In(&hs), Arg::In(&xs), Arg::Out(xs.len())];
        close("first derivative", &one(&mut emulator, &plan(1), &args), &first.detach(), 1e-6);
        let products: Vec<f32> = hs.iter().zip(&gs).map(|(h, g)| h * g).collect();
        let args = [Arg::In(&products), Arg::In(&xs), Arg::Out(xs.len())];
        let second = one(&mut emulator, &plan(2), &args);
        if kind == Activation::Leaky(-0.5) {
            assert!(second.iter().all(|&v| v == 0.));
            continue;
        }
        close("second derivative", &second, &gradients(&first, &double(&g), &[&x])[0], 2e-6);
    }
}

#[test]
fn sums_over_channels_and_their_adjoint() {
    let Some(mut emulator) = Emulator::new() else { return };
    for [n, c, h, w] in SHAPES {
        let (x, noise, v) = (single(&[n, c, h, w], 1), single(&[n, 1, h, w], 2), single(&[c], 3));
        let plane = h * w;
        let (xs, noises, vs) = (numbers(&x), numbers(&noise), numbers(&v));
        let weighted = double(&x).broadcast_mul(&double(&noise)).unwrap();
        for (map, expected) in [(None, double(&x)), (Some(&noises), weighted)] {
            let arg = || map.map_or(Arg::Null, |map| Arg::In(map));
            let (launch, slices) = plans::channel_sum([n, c, plane], n, 0.5).unwrap();
            let partial = one(&mut emulator, &launch, &[Arg::In(&xs), arg(), Arg::Out(c * slices)]);
            let launch = plans::row_sum(c, slices, 1.).unwrap();
            let sums = one(&mut emulator, &launch, &[Arg::In(&partial), Arg::Out(c)]);
            let sizes = expected.abs().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap() / c as f64;
            let expected = (expected.sum((0, 2, 3)).unwrap() * 0.5).unwrap();
            for (sum, expected) in sums.iter().zip(expected.to_vec1::<f64>().unwrap()) {
                // Relative to what is summed: the sum itself may be near zero.
                assert!((f64::from(*sum) - expected).abs() <= 1e-7 * sizes, "{sum} for {expected}");
            }
            let launch = plans::channel_spread([n, c, plane], n, 0.5).unwrap();
            let spread = one(&mut emulator, &launch, &[Arg::In(&vs), arg(), Arg::Out(xs.len())]);
            let ones = map.map_or(Tensor::ones((n, 1, h, w), v.dtype(), &Device::Cpu).unwrap(), |_| noise.clone());
            let expected = ones.broadcast_mul(&(v.reshape((1, c, 1, 1)).unwrap() * 0.5).unwrap()).unwrap();
            close("channel_spread", &spread, &expected, EXACT);
        }
    }
}
