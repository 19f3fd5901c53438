//! Operations on a GPU against the CPU. Needs the feature `cuda` and a GPU, or the library that stands for the driver
//! (docs/cuda.md).
#![cfg(feature = "cuda")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use augment::{AffineMap, Rectangle};
use candle_core::{DType, Device, Result, Tensor, Var};
use stylegan_kernels::cuda::gpu;
use stylegan_kernels::modulate::{Resample, channel_scale, plane_dot};
use stylegan_kernels::optim::{AdamOptions, RangerOptions, adam_step, ema_step, ranger_step};
use stylegan_kernels::*;
use support::{error, flat, tell, tensor};

/// Sums in single precision, and Winograd's transforms.
const TOLERANCE: f64 = 1e-5;

fn single(shape: &[usize], seed: usize) -> Tensor {
    tensor(shape, seed).to_dtype(DType::F32).unwrap()
}

type Operation = fn(&[Tensor]) -> Result<Tensor>;

/// Each operation with the shapes of its arguments.
fn operations() -> Vec<(&'static str, Vec<Vec<usize>>, Operation)> {
    vec![
        ("bias_act", vec![vec![2, 3, 17, 9], vec![3]], |t| bias_act(&t[0], Some(&t[1]), ACT)),
        ("bias_act of rows", vec![vec![4, 70], vec![70]], |t| bias_act(&t[0], Some(&t[1]), ACT)),
        ("swish", vec![vec![2, 3, 5, 5]], |t| bias_act(&t[0], None, Activation::Swish.into())),
        ("bias_act of large planes", vec![vec![1, 2, 130, 131], vec![2]], |t| bias_act(&t[0], Some(&t[1]), ACT)),
        ("noise of large planes", vec![vec![2, 3, 20, 20], vec![2, 1, 20, 20], vec![3], vec![3]], |t| {
            noise_bias_act(&t[0], &t[1].detach(), &t[2], &t[3], ACT)
        }),
        ("noise", vec![vec![2, 3, 8, 8], vec![2, 1, 8, 8], vec![3], vec![3]], |t| {
            noise_bias_act(&t[0], &t[1].detach(), &t[2], &t[3], ACT)
        }),
        ("upsample2d", vec![vec![2, 3, 19, 21]], |t| upsample2d(&t[0], &binomial(), 1.)),
        ("downsample2d", vec![vec![2, 3, 18, 40]], |t| downsample2d(&t[0], &binomial(), 1.)),
        ("filter2d", vec![vec![1, 2, 40, 40]], |t| filter2d(&t[0], &binomial(), 1.)),
        ("channel_scale", vec![vec![2, 3, 9, 9], vec![2, 3]], |t| channel_scale(&t[0], &t[1])),
        ("plane_dot", vec![vec![2, 3, 150, 130], vec![2, 3, 150, 130]], |t| plane_dot(&t[0], &t[1])),
        ("instance_style", vec![vec![2, 3, 9, 9], vec![2, 3], vec![2, 3]], |t| {
            instance_style(&t[0], &t[1], &t[2], 1e-3)
        }),
        ("pixel_norm", vec![vec![2, 8, 5, 5]], |t| pixel_norm(&t[0], 1e-3)),
        ("pixel_norm of rows", vec![vec![4, 64]], |t| pixel_norm(&t[0], 1e-3)),
        // In groups of two some samples are so near each other that their gradient is rounding.
        ("minibatch_stddev", vec![vec![6, 6, 5, 3]], |t| minibatch_stddev(&t[0], 3, 2)),
        ("minibatch_stddev of all", vec![vec![3, 4, 4, 4]], |t| minibatch_stddev(&t[0], 4, 1)),
        ("standardize by the batch", vec![vec![3, 4, 9, 7]], |t| standardize(&t[0], &Statistics::batch(&t[0])?, 1e-3)),
        ("standardize by large planes", vec![vec![1, 2, 150, 130]], |t| {
            standardize(&t[0], &Statistics::instances(&t[0])?, 1e-3)
        }),
        ("standardize by constants", vec![vec![2, 3, 5, 5], vec![3], vec![3]], |t| {
            standardize(&t[0], &Statistics::fixed(&t[1], &t[2].abs()?)?, 1e-3)
        }),
        ("spade_norm of the batch", vec![vec![2, 3, 130, 130]; 3], |t| {
            spade_norm(&t[0], &t[1], &t[2], &Statistics::batch(&t[0])?, 1e-3, 0.2)
        }),
        ("spade_norm of instances", vec![vec![2, 3, 6, 5]; 3], |t| {
            spade_norm(&t[0], &t[1], &t[2], &Statistics::instances(&t[0])?, 1e-3, 1.)
        }),
        ("spade_norm of constants", vec![vec![2, 3, 6, 5], vec![2, 3, 6, 5], vec![2, 3, 6, 5], vec![3]], |t| {
            spade_norm(&t[0], &t[1], &t[2], &Statistics::fixed(&t[3], &t[3].abs()?)?, 1e-3, 0.)
        }),
        ("spade_norm of nothing", vec![vec![2, 3, 6, 5]; 3], |t| {
            spade_norm(&t[0], &t[1], &t[2], &Statistics::nothing(), 1e-3, 0.2)
        }),
        ("label_conv2d", vec![vec![7, 6, 3, 3]], |t| label_conv2d(&maps([2, 13, 11])?, &t[0], 1, 1)),
        ("label_conv2d stride 2", vec![vec![3, 6, 4, 4]], |t| label_conv2d(&maps([1, 8, 10])?, &t[0], 2, 2)),
        ("label_conv2d of many pixels", vec![vec![2, 6, 1, 1]], |t| label_conv2d(&maps([2, 90, 100])?, &t[0], 1, 0)),
        ("reflect_pad2d", vec![vec![2, 3, 5, 7]], |t| reflect_pad2d(&t[0], 3)),
        ("upsample_nearest", vec![vec![2, 3, 5, 7]], |t| upsample_nearest(&t[0], 3)),
        ("avg_pool2x", vec![vec![2, 3, 6, 8]], |t| avg_pool2x(&t[0])),
        ("max_pool2d", vec![vec![2, 3, 9, 12]], |t| {
            max_pool2d(&t[0], resize::Windows { size: 3, stride: 2, padding: 1, over: false })
        }),
        ("max_pool2d over the edge", vec![vec![1, 2, 7, 6]], |t| {
            max_pool2d(&t[0], resize::Windows { size: 2, stride: 2, padding: 0, over: true })
        }),
        ("resize_bilinear", vec![vec![1, 2, 9, 7]], |t| resize_bilinear(&t[0], 13, 5, false)),
        ("affine_resample", vec![vec![2, 3, 17, 34]], |t| {
            let turned = AffineMap::new([[0.8, -0.5, 1.5], [0.6, 0.9, -2.]], [17, 34]);
            augment::affine_resample(&t[0], &[turned, AffineMap::IDENTITY])
        }),
        ("filter_images", vec![vec![2, 2, 9, 12]], |t| {
            augment::filter_images(&t[0], &[None, Some(vec![0.1, -0.3, 0.2, 0.9, 0.4, -0.2, 0.3])])
        }),
        ("color_transform", vec![vec![2, 4, 9, 12]], |t| {
            let mixed = [[0.5, 1., 0., 0.1], [0., 2., -1., 0.2], [3., 0., 0.5, 0.6]];
            augment::color_transform(&t[0], &[mixed, mixed.map(|row| row.map(|factor| -factor))])
        }),
        ("cutout", vec![vec![2, 2, 9, 12]], |t| {
            augment::cutout(&t[0], &[Rectangle { x: 3..7, y: 0..5 }, Rectangle::default()])
        }),
        ("linear", vec![vec![4, 30], vec![20, 30], vec![20]], |t| linear(&t[0], &t[1], Some(&t[2]), 0.5, 2.)),
        ("conv2d 3x3", vec![vec![2, 5, 13, 10], vec![7, 5, 3, 3]], |t| conv2d(&t[0], &t[1], 1, 1, 0.5)),
        ("conv2d 1x1", vec![vec![2, 5, 6, 6], vec![3, 5, 1, 1]], |t| conv2d(&t[0], &t[1], 1, 0, 0.5)),
        ("conv2d stride 2", vec![vec![2, 5, 12, 11], vec![4, 5, 3, 3]], |t| conv2d(&t[0], &t[1], 2, 1, 1.)),
        ("conv_transpose2d", vec![vec![2, 5, 7, 6], vec![5, 4, 3, 3]], |t| {
            conv_transpose2d(&t[0], &t[1], 2, 0, 0, 0.5)
        }),
        ("conv_transpose2d stride 1", vec![vec![2, 5, 7, 6], vec![5, 4, 3, 3]], |t| {
            conv_transpose2d(&t[0], &t[1], 1, 1, 0, 0.5)
        }),
        ("conv2d_weight_gradient", vec![vec![2, 5, 9, 8], vec![2, 4, 9, 8]], |t| {
            conv2d_weight_gradient(&t[0], &t[1], (3, 3), 1, 1, 0.5)
        }),
        ("conv2d_weight_gradient stride 2", vec![vec![2, 5, 9, 8], vec![2, 4, 4, 4]], |t| {
            conv2d_weight_gradient(&t[0], &t[1], (3, 2), 2, 0, 1.)
        }),
        ("conv2d_bias_act", vec![vec![2, 5, 8, 8], vec![6, 5, 3, 3], vec![6]], |t| {
            conv2d_bias_act(&t[0], &t[1], &t[2], 1, 1, 0.5, ACT)
        }),
        ("conv2d_bias_act of large planes", vec![vec![2, 5, 18, 17], vec![6, 5, 3, 3], vec![6]], |t| {
            conv2d_bias_act(&t[0], &t[1], &t[2], 1, 1, 0.5, ACT)
        }),
        ("conv2d_bias_act stride 2", vec![vec![2, 5, 8, 8], vec![6, 5, 3, 3], vec![6]], |t| {
            conv2d_bias_act(&t[0], &t[1], &t[2], 2, 1, 0.5, ACT)
        }),
        ("demodulation", vec![vec![5, 40, 3, 3], vec![3, 40]], |t| modulate::demodulation(&t[0], &t[1])),
        ("conv2d_resample", vec![vec![1, 4, 8, 8], vec![6, 4, 3, 3]], |t| {
            let filter = binomial();
            let padding = [1; 4];
            let up = Resample { up: 2, padding, filter: Some(&filter), flip_weight: false, ..Resample::default() };
            modulate::conv2d_resample(&t[0], &t[1], 1., &up)
        }),
    ]
}

/// Label maps of five classes with edges.
fn maps([n, h, w]: [usize; 3]) -> Result<Labels> {
    let numbers = |of: fn(usize) -> u8| Tensor::from_vec((0..n * h * w).map(of).collect(), (n, 1, h, w), &Device::Cpu);
    Labels::new(&numbers(|i| (i / 17 % 5) as u8)?, Some(&numbers(|i| u8::from(i % 7 == 0))?), 5)
}

const ACT: BiasAct = BiasAct { act: Activation::Lrelu, gain: 1.5, clamp: Some(1.25) };

fn binomial() -> Filter {
    Filter::separable(&[1., 3., 3., 1.])
}

#[test]
fn forward() {
    let gpu = gpu::open(0).unwrap().device;
    for (name, shapes, operation) in operations() {
        let arguments: Vec<Tensor> = shapes.iter().enumerate().map(|(seed, shape)| single(shape, seed)).collect();
        let expected = operation(&arguments).unwrap();
        let moved: Vec<Tensor> = arguments.iter().map(|t| t.to_device(&gpu).unwrap()).collect();
        let actual = operation(&moved).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(actual.device().is_cuda());
        let e = error(&actual.to_device(&Device::Cpu).unwrap(), &flat(&expected));
        assert!(e < TOLERANCE, "{name}: off by {e:e}");
    }
    let weights = |device: &Device| -> Vec<Var> {
        (0..4)
            .map(|seed| single(&[2000], seed).abs().unwrap().to_device(device).unwrap())
            .map(|t| Var::from_tensor(&t).unwrap())
            .collect()
    };
    let updated = [&Device::Cpu, &gpu].map(|device| {
        let v = weights(device);
        let grad = single(&[2000], 9).to_device(device).unwrap();
        adam_step(&v[0], &grad, &v[1], &v[2], 3, AdamOptions { lr: 0.01, beta1: 0.5, beta2: 0.99, eps: 1e-8 }).unwrap();
        ema_step(&v[3], &v[0], 0.99).unwrap();
        v.iter().map(|v| v.to_device(&Device::Cpu).unwrap()).collect::<Vec<_>>()
    });
    for (cpu, gpu) in updated[0].iter().zip(&updated[1]) {
        assert!(error(gpu, &flat(cpu)) < TOLERANCE);
    }
}

/// Through steps without and with a division by the second moment, until slow weights have met the fast ones.
#[test]
fn ranger() {
    let gpu = gpu::open(0).unwrap().device;
    let [cpu, gpu] = [&Device::Cpu, &gpu].map(|device| {
        let var = |seed| Var::from_tensor(&single(&[40, 25], seed).to_device(device).unwrap()).unwrap();
        let zeros = || Var::zeros((40, 25), DType::F32, device).unwrap();
        let (weight, slow, m, v) = (var(1), var(1), zeros(), zeros());
        for step in 1..8 {
            let grad = single(&[40, 25], 10 + step as usize).to_device(device).unwrap();
            ranger_step(&weight, &grad, [&m, &v, &slow], step, RangerOptions { lr: 0.1, ..RangerOptions::default() })
                .unwrap();
        }
        [weight, slow, m, v].map(|v| v.to_device(&Device::Cpu).unwrap())
    });
    for (cpu, gpu) in cpu.iter().zip(&gpu) {
        assert!(error(gpu, &flat(cpu)) < TOLERANCE);
    }
}

/// Layers that are one pass where nothing is tracked: image, weight, styles, noise, its strength, bias.
fn layers() -> Vec<(&'static str, Vec<Vec<usize>>, Operation)> {
    vec![
        ("modulated_layer", layer([2, 5, 13, 10], 7, 3, [2, 13, 10]), |t| {
            modulated_layer(&t[0], &t[1], &t[2], true, &Resample { padding: [1; 4], ..Resample::default() }, end(t))
        }),
        ("modulated_layer, twice the size", layer([2, 4, 6, 7], 6, 3, [1, 12, 14]), |t| {
            let filter = binomial();
            let padding = [1; 4];
            let up = Resample { up: 2, padding, filter: Some(&filter), flip_weight: false, ..Resample::default() };
            modulated_layer(&t[0], &t[1], &t[2], true, &up, end(t))
        }),
        ("conv_layer", layer([2, 5, 9, 8], 4, 3, [1, 9, 8]), |t| conv_layer(&t[0], &t[1], 1, 0.5, end(t))),
        ("filter_layer", layer([2, 3, 40, 33], 3, 1, [2, 40, 33]), |t| filter_layer(&t[0], &binomial(), end(t))),
    ]
}

/// The shapes of a layer's arguments, by its image, channels, kernel and noise.
fn layer([n, c, h, w]: [usize; 4], k: usize, kernel: usize, [maps, oh, ow]: [usize; 3]) -> Vec<Vec<usize>> {
    vec![vec![n, c, h, w], vec![k, c, kernel, kernel], vec![n, c], vec![maps, 1, oh, ow], vec![k], vec![k]]
}

fn end(arguments: &[Tensor]) -> Epilogue<'_> {
    Epilogue { noise: Some((&arguments[3], &arguments[4])), bias: &arguments[5], act: ACT }
}

#[test]
fn fused_layers_are_their_operations_one_by_one() {
    let gpu = gpu::open(0).unwrap().device;
    // A strength for all channels; a layer whose end has a kernel of its own.
    let shared: Operation = |t| {
        let noise = Some((&t[3], &t[4]));
        let end = Epilogue { noise, bias: &t[5], act: BiasAct { clamp: None, ..ACT } };
        modulated_layer(&t[0], &t[1], &t[2], true, &Resample::default(), end)
    };
    let mut pointwise = layer([3, 9, 6, 5], 4, 1, [3, 6, 5]);
    pointwise[4] = vec![1];
    for (name, shapes, operation) in layers().into_iter().chain([("of one pixel", pointwise, shared)]) {
        let arguments: Vec<Tensor> = shapes.iter().enumerate().map(|(seed, shape)| single(shape, seed)).collect();
        let expected = flat(&operation(&arguments).unwrap());
        let mut moved: Vec<Tensor> = arguments.iter().map(|t| t.to_device(&gpu).unwrap()).collect();
        for tracked in [false, true] {
            if tracked {
                moved[0] = Var::from_tensor(&moved[0]).unwrap().as_tensor().clone();
            }
            let actual = operation(&moved).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(actual.track_op(), tracked, "{name}");
            let e = error(&actual.to_device(&Device::Cpu).unwrap(), &expected);
            assert!(e < TOLERANCE, "{name}, tracked {tracked}: off by {e:e}");
        }
    }
}

/// Under the library that stands for the driver, which says what it is asked for.
#[test]
fn what_is_fused_is_launched() {
    if gpu::open(0).unwrap().name != "emulator" {
        tell("NOT RUN: which kernels are launched, on a GPU");
        return;
    }
    let launched = |name: &str| -> Vec<String> {
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let test = std::env::current_exe().unwrap();
        let arguments = [name, "--exact", "--ignored"];
        let status = std::process::Command::new(test).args(arguments).env("EMULATED_KERNELS", &file).status().unwrap();
        assert!(status.success(), "{name}");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let mut kernels: Vec<String> = text.lines().map(str::to_owned).collect();
        kernels.sort();
        kernels
    };
    let expected = [
        // Styles before the transposed convolution, and its weight; all else of an end is in the two kernels that write.
        "channel_scale",
        "col2im",
        "demodulation",
        "flip_transpose",
        "plane_dot_short",
        "upfirdn2d_same",
        "winograd_filter",
        "winograd_input",
        "winograd_output",
    ];
    assert_eq!(launched("layers_alone"), expected);
    let kernels = launched("gradients_alone");
    for kernel in ["winograd_output", "epilogue_gradient", "minibatch_stddev", "minibatch_stddev_gradient"] {
        assert!(kernels.iter().any(|launched| launched == kernel), "{kernel} is not in {kernels:?}");
    }
    assert!(!kernels.iter().any(|kernel| kernel.starts_with("bias_act")), "{kernels:?}");
}

#[test]
#[ignore = "another test starts it"]
fn layers_alone() {
    let gpu = gpu::open(0).unwrap().device;
    for (_, shapes, operation) in layers() {
        let arguments = shapes.iter().enumerate().map(|(seed, shape)| single(shape, seed).to_device(&gpu).unwrap());
        operation(&arguments.collect::<Vec<_>>()).unwrap();
    }
}

#[test]
#[ignore = "another test starts it"]
fn gradients_alone() {
    let gpu = gpu::open(0).unwrap().device;
    let var = |shape: &[usize], seed| Var::from_tensor(&single(shape, seed).to_device(&gpu).unwrap()).unwrap();
    let (x, weight, bias) = (var(&[2, 5, 18, 17], 1), var(&[6, 5, 3, 3], 2), var(&[6], 3));
    let y = minibatch_stddev(&conv2d_bias_act(&x, &weight, &bias, 1, 1, 0.5, ACT).unwrap(), 2, 1).unwrap();
    assert!(autodiff::backward(&y).unwrap().get(&bias).is_some());
}

/// Convolutions, their gradients and layers in TF32 and bf16: other numbers than in f32, by what 11 and 8 bits of each factor
/// leave. The rest stays in f32, and so does the CPU where TF32 is asked for, which it has not.
#[test]
fn products_of_rounded_factors() {
    rounded(Precision::Tf32, 2e-3);
    rounded(Precision::Bf16, 16e-3);
}

fn rounded(precision: Precision, bound: f64) {
    let gpu = gpu::open(0).unwrap().device;
    let shapes = [
        ("3x3", [2, 16, 13, 10], [17, 16, 3, 3], 1, 1),
        ("stride 2", [2, 16, 9, 12], [16, 16, 3, 3], 2, 1),
        ("1x1", [1, 16, 6, 1], [18, 16, 1, 1], 1, 0),
    ];
    for (name, x, weight, stride, padding) in shapes {
        let of = |device: &Device, precision: Precision| -> Vec<Tensor> {
            let var =
                |shape: &[usize], seed| Var::from_tensor(&single(shape, seed).to_device(device).unwrap()).unwrap();
            let (x, weight) = (var(&x, 1), var(&weight, 2));
            let y = in_precision(precision, None, || conv2d(&x, &weight, stride, padding, 1.)).unwrap();
            let g = single(y.dims(), 3).to_device(device).unwrap();
            let gradients = autodiff::grad(&(&y * g).unwrap().sum_all().unwrap(), &[&x, &weight], false).unwrap();
            [y.detach()].into_iter().chain(gradients).map(|t| t.to_device(&Device::Cpu).unwrap()).collect()
        };
        let (rounded, exact) = (of(&gpu, precision), of(&Device::Cpu, Precision::F32));
        for (i, (rounded, exact)) in rounded.iter().zip(&exact).enumerate() {
            let e = error(rounded, &flat(exact));
            assert!((2. * TOLERANCE..bound).contains(&e), "{precision}, {name}, result {i}: off by {e:e}");
        }
        for (kept, exact) in of(&Device::Cpu, Precision::Tf32).iter().zip(&exact) {
            assert_eq!(flat(kept), flat(exact), "{name} on the CPU");
        }
    }
    let wide = layer([2, 16, 9, 8], 18, 3, [1, 9, 8]);
    let arguments: Vec<Tensor> = wide.iter().enumerate().map(|(seed, shape)| single(shape, seed)).collect();
    let whole = |t: &[Tensor]| {
        modulated_layer(&t[0], &t[1], &t[2], true, &Resample { padding: [1; 4], ..Resample::default() }, end(t))
    };
    let exact = flat(&whole(&arguments).unwrap());
    let moved: Vec<Tensor> = arguments.iter().map(|t| t.to_device(&gpu).unwrap()).collect();
    let rounded = in_precision(precision, None, || whole(&moved)).unwrap();
    let e = error(&rounded.to_device(&Device::Cpu).unwrap(), &exact);
    assert!((2. * TOLERANCE..bound).contains(&e), "{precision}, a layer: off by {e:e}");
    let [a, b] = [1, 2].map(|seed| single(&[16, 32], seed).to_device(&gpu).unwrap());
    let product = |precision| {
        flat(&in_precision(precision, None, || linear(&a, &b, None, 1., 0.)).unwrap().to_device(&Device::Cpu).unwrap())
    };
    assert_eq!(product(precision), product(Precision::F32));
}

#[test]
fn misuse_is_refused_in_a_sentence() {
    let gpu = gpu::open(0).unwrap().device;
    let double = tensor(&[1, 2, 4, 4], 1).to_device(&gpu).unwrap();
    assert!(filter2d(&double, &binomial(), 1.).unwrap_err().to_string().contains("on a GPU elements are F32"));
    let (x, noise) = (single(&[1, 2, 4, 4], 1).to_device(&gpu).unwrap(), single(&[1, 1, 4, 4], 2));
    let two = single(&[2], 3).to_device(&gpu).unwrap();
    let e = noise_bias_act(&x, &noise, &two, &two, ACT).unwrap_err().to_string();
    assert!(e.contains("another is not"), "{e}");
    let statistics = Statistics::batch(&single(&[1, 2, 4, 4], 1)).unwrap();
    let e = standardize(&x, &statistics, 1e-3).unwrap_err().to_string();
    assert!(e.contains("input or statistics are on a GPU, and the others are not"), "{e}");
}

/// What a test says that runs once more, with a variable of the environment.
fn once_more(test: &str, variable: &str, value: &str) -> String {
    let program = std::env::current_exe().unwrap();
    let arguments = [test, "--exact", "--ignored", "--nocapture"];
    let output = std::process::Command::new(program).args(arguments).env(variable, value).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Under the library that stands for the driver, which is as the environment says.
#[test]
fn a_gpu_that_cannot_be_used_is_refused_in_a_sentence() {
    if gpu::open(0).unwrap().name != "emulator" {
        tell("NOT RUN: refusals of a GPU, on a GPU");
        return;
    }
    let said = |variable, value| once_more("what_opening_says", variable, value);
    let said = [said("EMULATED_GPUS", "0"), said("EMULATED_CUDA", "12080"), said("EMULATED_GPUS", "1")];
    assert!(said[0].contains("0: the driver finds no NVIDIA GPU on this machine"), "{said:?}");
    assert!(
        said[1].contains("0: the NVIDIA driver is too old: it knows CUDA 12.8, and CUDA 13.0 is needed"),
        "{said:?}"
    );
    assert!(said[2].contains("1: there is one GPU, cuda:0, and no cuda:1") && !said[2].contains("0: "), "{said:?}");
}

/// Memory of another GPU is never read or written, also that of a tensor which candle does not compare.
#[test]
fn arguments_on_several_gpus_are_refused_in_a_sentence() {
    if gpu::open(0).unwrap().name != "emulator" && gpu::open(1).is_err() {
        tell("NOT RUN: arguments on several GPUs, where there is one");
        return;
    }
    let said = once_more("what_two_gpus_say", "EMULATED_GPUS", "2");
    assert_eq!(said.matches("its arguments are on several GPUs").count(), 2, "{said}");
}

#[test]
#[ignore = "another test starts it"]
fn what_two_gpus_say() {
    let Ok(other) = gpu::open(1) else { return };
    let (gpu, other) = (gpu::open(0).unwrap().device, other.device);
    let [x, noise, two] = [&[1, 2, 4, 4][..], &[1, 1, 4, 4], &[2]].map(|shape| single(shape, 1));
    let [x, two] = [x, two].map(|tensor| tensor.to_device(&gpu).unwrap());
    let noise = noise.to_device(&other).unwrap();
    println!("noise: {:?}", noise_bias_act(&x, &noise, &two, &two, ACT).err().map(|e| e.to_string()));
    let [weight, m, v] =
        [&gpu, &other, &gpu].map(|gpu| Var::from_tensor(&single(&[2], 1).to_device(gpu).unwrap()).unwrap());
    let options = AdamOptions { lr: 0.01, beta1: 0.5, beta2: 0.99, eps: 1e-8 };
    println!("moment: {:?}", adam_step(&weight, &two, &m, &v, 1, options).err().map(|e| e.to_string()));
}

#[test]
#[ignore = "another test starts it"]
fn what_opening_says() {
    for number in 0..2 {
        if let Err(error) = gpu::open(number) {
            println!("{number}: {error}");
        }
    }
}

/// Those of the sum of an operation's results, with respect to all of its arguments.
#[test]
fn gradients() {
    let gpu = gpu::open(0).unwrap().device;
    for (name, shapes, operation) in operations() {
        let of = |device: &Device| -> Result<Vec<Option<Tensor>>> {
            let place = |(seed, shape): (usize, &Vec<usize>)| Var::from_tensor(&single(shape, seed).to_device(device)?);
            let arguments: Vec<Var> = shapes.iter().enumerate().map(place).collect::<Result<_>>()?;
            let tensors: Vec<Tensor> = arguments.iter().map(|v| v.as_tensor().clone()).collect();
            let gradients = autodiff::backward(&operation(&tensors)?)?;
            tensors.iter().map(|t| gradients.get(t).map(|g| g.to_device(&Device::Cpu)).transpose()).collect()
        };
        let expected = of(&Device::Cpu).unwrap();
        let actual = of(&gpu).unwrap_or_else(|e| panic!("{name}: {e}"));
        for (i, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
            let (Some(actual), Some(expected)) = (actual, expected) else {
                assert!(actual.is_none() && expected.is_none(), "{name}, argument {i}");
                continue;
            };
            // Of what has mean 0 by construction the sum's gradient is rounding alone.
            let e = error(actual, &flat(expected)) * flat(expected).iter().fold(0f64, |a, b| a.max(b.abs())).min(1.);
            assert!(e < TOLERANCE, "{name}, argument {i}: off by {e:e}");
        }
    }
}

#[test]
fn second_derivatives() {
    let gpu = gpu::open(0).unwrap().device;
    for (name, shapes, operation) in operations() {
        let derivatives = |device: &Device| -> Result<Vec<Tensor>> {
            let arguments: Vec<Var> = shapes
                .iter()
                .enumerate()
                .map(|(seed, shape)| Var::from_tensor(&single(shape, seed).to_device(device)?))
                .collect::<Result<_>>()?;
            let tensors: Vec<Tensor> = arguments.iter().map(|v| v.as_tensor().clone()).collect();
            let y = operation(&tensors)?;
            let loss = (y.tanh()? * single(y.dims(), 77).to_device(device)?)?.sum_all()?;
            let first = autodiff::grad(&loss, &[&tensors[0]], true)?.remove(0);
            let second = autodiff::backward(&first.sqr()?.sum_all()?)?;
            let second = second.get(&tensors[0]).unwrap_or(first.zeros_like()?);
            [first.detach(), second].iter().map(|t| t.to_device(&Device::Cpu)).collect()
        };
        let (expected, actual) = (derivatives(&Device::Cpu).unwrap(), derivatives(&gpu).unwrap());
        for (order, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
            let e = error(actual, &flat(expected));
            assert!(e < 10. * TOLERANCE, "{name}, derivative {}: off by {e:e}", order + 1);
        }
    }
}
