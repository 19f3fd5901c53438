//! A synthesis layer in one pass against its operations one by one in f64.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use candle_core::{DType, Tensor, Var};
use stylegan_kernels::modulate::Resample;
use stylegan_kernels::*;
use support::*;

struct Case {
    /// Samples, channels in and out.
    n: usize,
    channels: [usize; 2],
    size: [usize; 2],
    kernel: usize,
    up: usize,
    demodulate: bool,
    /// Maps and strengths of the noise.
    noise: Option<(usize, usize)>,
    act: Activation,
    clamp: Option<f64>,
}

/// The layer's arguments and result; `record` decides whether gradients could follow.
fn layer(case: &Case, dtype: DType, record: bool) -> Tensor {
    let &Case { n, channels: [c, k], size: [h, w], kernel, up, demodulate, noise, act, clamp } = case;
    let of = |shape: &[usize], seed| tensor(shape, seed).to_dtype(dtype).unwrap();
    let weight = of(&[k, c, kernel, kernel], 2);
    let weight = if record { Var::from_tensor(&weight).unwrap().as_tensor().clone() } else { weight };
    let (x, styles, bias) = (of(&[n, c, h, w], 1), of(&[n, c], 3), of(&[k], 4));
    let noise = noise.map(|(maps, strengths)| (of(&[maps, 1, h * up, w * up], 5), of(&[strengths], 6)));
    let filter = Filter::separable(&[1., 3., 3., 1.]);
    let padding = [(kernel / 2) as i64; 4];
    let resample = match up {
        1 => Resample { padding, ..Resample::default() },
        _ => Resample { up, filter: Some(&filter), flip_weight: false, padding, ..Resample::default() },
    };
    let noise = noise.as_ref().map(|(map, strength)| (map, strength));
    let epilogue = Epilogue { noise, bias: &bias, act: BiasAct { act, gain: 1.25, clamp } };
    let y = modulated_layer(&x, &weight, &styles, demodulate, &resample, epilogue).unwrap();
    assert_eq!(y.track_op(), record);
    y
}

#[test]
fn one_pass_is_the_operations_one_by_one() {
    let case = |n, channels, size, kernel, up, noise| Case {
        n,
        channels,
        size,
        kernel,
        up,
        demodulate: true,
        noise,
        act: Activation::Lrelu,
        clamp: None,
    };
    let cases = [
        // Few and many tiles, whole and broken vectors of channels, odd sizes.
        case(1, [16, 16], [4, 4], 3, 1, Some((1, 1))),
        case(2, [24, 17], [9, 7], 3, 1, Some((2, 17))),
        case(2, [33, 40], [41, 38], 3, 1, None),
        case(3, [32, 16], [36, 36], 3, 1, Some((3, 1))),
        Case { clamp: Some(0.8), ..case(2, [16, 16], [12, 12], 3, 1, Some((1, 16))) },
        // Twice the size: by products, by Winograd.
        case(2, [5, 7], [5, 6], 3, 2, Some((2, 1))),
        case(1, [48, 33], [24, 17], 3, 2, Some((1, 1))),
        Case { clamp: Some(0.8), ..case(2, [16, 20], [33, 34], 3, 2, None) },
        // To RGB.
        Case { demodulate: false, act: Activation::Linear, clamp: Some(2.), ..case(3, [19, 3], [33, 33], 1, 1, None) },
    ];
    for case in cases {
        let expected = flat(&layer(&case, DType::F64, true));
        let [apart, fused, double] =
            [layer(&case, DType::F32, true), layer(&case, DType::F32, false), layer(&case, DType::F64, false)];
        let name = format!("{:?} to {:?}, up {}", case.size, case.channels, case.up);
        // f32: Winograd's error, a few 1e-6 of the largest value.
        assert!(error(&apart, &expected) < 6e-6, "{name}: apart {:e}", error(&apart, &expected));
        assert!(error(&fused, &expected) < 6e-6, "{name}: fused {:e}", error(&fused, &expected));
        assert!(error(&double, &expected) < 1e-12, "{name}: in f64 {:e}", error(&double, &expected));
    }
}

#[test]
fn kernels_larger_than_the_image_are_refused() {
    let (x, weight, bias) = (tensor(&[1, 8, 4, 4], 1), tensor(&[8, 8, 7, 7], 2), tensor(&[8], 3));
    let epilogue = Epilogue { noise: None, bias: &bias, act: Activation::Lrelu.into() };
    let message = conv_layer(&x, &weight, 1, 1., epilogue).unwrap_err().to_string();
    assert!(message.contains("[1, 8, 4, 4] does not fit weight [8, 8, 7, 7]"), "{message}");
}

/// A layer that doubles its image with other padding than the usual makes other sizes: noise of twice the size is refused,
/// as it is where the operations are recorded, and noise of the layer's size is taken.
#[test]
fn noise_is_of_the_size_that_the_layer_makes() {
    let filter = Filter::separable(&[1., 3., 3., 1.]);
    for (padding, side) in [(0, 6), (2, 10)] {
        let resample =
            Resample { up: 2, filter: Some(&filter), flip_weight: false, padding: [padding; 4], ..Resample::default() };
        let layer = |side: usize, record: bool| {
            let weight = tensor(&[5, 3, 3, 3], 2);
            let weight = if record { Var::from_tensor(&weight).unwrap().as_tensor().clone() } else { weight };
            let (x, styles, bias) = (tensor(&[1, 3, 4, 4], 1), tensor(&[1, 3], 3), tensor(&[5], 4));
            let (noise, strength) = (tensor(&[1, 1, side, side], 5), tensor(&[5], 6));
            let epilogue = Epilogue { noise: Some((&noise, &strength)), bias: &bias, act: Activation::Lrelu.into() };
            modulated_layer(&x, &weight, &styles, true, &resample, epilogue)
        };
        let [fused, apart] = [false, true].map(|record| layer(side, record).unwrap());
        assert_eq!(fused.dims(), [1, 5, side, side]);
        assert!(error(&fused, &flat(&apart)) < 1e-12);
        for record in [false, true] {
            let message = layer(8, record).unwrap_err().to_string();
            assert!(message.contains("noise [1, 1, 8, 8] for input"), "{message}");
        }
    }
}

#[test]
fn nan_passes_the_activation() {
    let case = |h| Tensor::from_vec(vec![f32::NAN; 16 * h * 8], (1, 16, h, 8), &candle_core::Device::Cpu).unwrap();
    let weight = tensor(&[16, 16, 3, 3], 1).to_dtype(DType::F32).unwrap();
    let (styles, bias) = (tensor(&[1, 16], 2), tensor(&[16], 3));
    let (styles, bias) = (styles.to_dtype(DType::F32).unwrap(), bias.to_dtype(DType::F32).unwrap());
    let act = BiasAct { act: Activation::Lrelu, gain: 1., clamp: Some(1.) };
    let epilogue = Epilogue { noise: None, bias: &bias, act };
    let resample = Resample { padding: [1; 4], ..Resample::default() };
    let y = modulated_layer(&case(8), &weight, &styles, true, &resample, epilogue).unwrap();
    assert!(flat(&y).iter().all(|v| v.is_nan()));
}
