//! `im2col.cu` and `winograd.cu`, around matrix products on the CPU in place of cuBLAS.

use super::emulator::{Arg, Emulator};
use super::{close, double, gradients, numbers, one, single};
use candle_core::{Device, Tensor, Var};
use stylegan_kernels::cuda::conv::{Columns, POINTS, Winograd, winograd_filter, winograd_filter_transposed};
use stylegan_kernels::cuda::{Epilogue, Map};
use stylegan_kernels::modulate::channel_scale;
use stylegan_kernels::{Activation, BiasAct, conv2d, noise_bias_act};

/// Sums over channels and taps in single precision.
const TOLERANCE: f64 = 2e-6;
/// Winograd's transforms round more (a few times, at most).
const WINOGRAD: f64 = 1e-5;

fn matrix(numbers: &[f32], shape: [usize; 3]) -> Tensor {
    Tensor::new(numbers, &Device::Cpu).unwrap().reshape(&shape).unwrap()
}

/// The arguments of `winograd_output`.
fn output<'a>(m: &'a [f32], ends: [Arg<'a>; 4], len: usize) -> Vec<Arg<'a>> {
    [Arg::In(m)].into_iter().chain(ends).chain([Arg::Out(len)]).collect()
}

/// Convolutions by columns, and their gradients.
pub(super) fn columns(
    emulator: &mut Emulator,
    shape @ [n, c, h, w]: [usize; 4],
    [k, r, s]: [usize; 3],
    stride: usize,
    padding: usize,
) {
    let side = |pixels, taps| (pixels + 2 * padding - taps) / stride + 1;
    let out = [side(h, r), side(w, s)];
    let plan = Columns { x: shape, kernel: [r, s], out, stride, padding };
    let styles = single(&[n, c], 3);
    let [x, weight] = [single(&shape, 1), single(&[k, c, r, s], 2)].map(|t| Var::from_tensor(&double(&t)).unwrap());
    let g = single(&[n, k, out[0], out[1]], 4);
    let y = conv2d(&channel_scale(&x, &double(&styles)).unwrap(), &weight, stride, padding, 1.).unwrap();
    let expected = gradients(&y, &double(&g), &[&x, &weight]);

    let (rows, pixels) = (c * r * s, out[0] * out[1]);
    let (xs, scales) = (numbers(&single(&shape, 1)), numbers(&styles));
    let args = [Arg::In(&xs), Arg::In(&scales), Arg::Out(n * rows * pixels)];
    let columns = one(emulator, &plan.im2col().unwrap(), &args);
    let columns = matrix(&columns, [n, rows, pixels]);
    let w = matrix(&numbers(&single(&[k, c, r, s], 2)), [1, k, rows]);
    let products = w.broadcast_matmul(&columns).unwrap();
    close("convolution", &numbers(&products), &y.detach(), TOLERANCE);

    let dy = matrix(&numbers(&g), [n, k, pixels]);
    let dw = dy.matmul(&columns.transpose(1, 2).unwrap()).unwrap().sum(0).unwrap();
    close("gradient of the weight", &numbers(&dw), &expected[1], TOLERANCE);
    let dcolumns = numbers(&w.transpose(1, 2).unwrap().broadcast_matmul(&dy).unwrap());
    let dx = one(emulator, &plan.col2im().unwrap(), &[Arg::In(&dcolumns), Arg::Out(xs.len())]);
    let dx = channel_scale(&Tensor::new(dx, &Device::Cpu).unwrap().reshape(&shape).unwrap(), &styles).unwrap();
    close("gradient of the input", &numbers(&dx), &expected[0], TOLERANCE);
}

#[test]
fn columns_make_convolutions_and_their_gradients() {
    let Some(mut emulator) = Emulator::new() else { return };
    let cases = [
        ([1, 4, 64, 64], [8, 3, 3], 1, 1),
        ([2, 3, 17, 11], [5, 3, 3], 2, 1),
        ([2, 3, 9, 8], [4, 1, 1], 1, 0),
        ([1, 2, 12, 13], [3, 4, 2], 3, 2),
        ([2, 2, 1, 1], [2, 1, 1], 1, 0),
    ];
    for (shape, kernel, stride, padding) in cases {
        columns(&mut emulator, shape, kernel, stride, padding);
    }
    let empty = Columns { x: [0, 3, 8, 8], kernel: [3, 3], out: [8, 8], stride: 1, padding: 1 };
    assert!(one(&mut emulator, &empty.im2col().unwrap(), &[Arg::In(&[]), Arg::Null, Arg::Out(0)]).is_empty());
}

/// The same by Winograd's transforms, and with the end of a modulated layer.
pub(super) fn winograd(emulator: &mut Emulator, shape @ [n, c, h, w]: [usize; 4], k: usize, padding: usize) {
    let out @ [oh, ow] = [h + 2 * padding - 2, w + 2 * padding - 2];
    let plan = Winograd { n, out, padding };
    let tiles = plan.tiles();
    let styles = single(&[n, c], 3);
    let [x, weight] = [single(&shape, 1), single(&[k, c, 3, 3], 2)].map(|t| Var::from_tensor(&double(&t)).unwrap());
    let g = single(&[n, k, oh, ow], 4);
    let y = conv2d(&channel_scale(&x, &double(&styles)).unwrap(), &weight, 1, padding, 0.5).unwrap();
    let expected = gradients(&y, &double(&g), &[&x, &weight]);
    let (xs, scales, ws) = (numbers(&single(&shape, 1)), numbers(&styles), numbers(&single(&[k, c, 3, 3], 2)));

    let args = [Arg::In(&xs), Arg::In(&scales), Arg::Out(POINTS * c * tiles)];
    let v = matrix(&one(emulator, &plan.input(c).unwrap(), &args), [POINTS, c, tiles]);
    let launch = winograd_filter(k, c, false, 0.5).unwrap();
    let u = matrix(&one(emulator, &launch, &[Arg::In(&ws), Arg::Out(POINTS * k * c)]), [POINTS, k, c]);
    let m = numbers(&u.matmul(&v).unwrap());
    let launch = plan.output(k, Epilogue::none()).unwrap();
    let actual = one(emulator, &launch, &output(&m, [Arg::Null, Arg::Null, Arg::Null, Arg::Null], y.elem_count()));
    close("convolution", &actual, &y.detach(), WINOGRAD);

    // With the end of a modulated layer.
    let (scale, noise) = (single(&[n, k], 5), single(&[1, 1, oh, ow], 6));
    let (strength, bias) = (single(&[k], 7), single(&[k], 8));
    let act = BiasAct { act: Activation::Lrelu, gain: 1.4, clamp: Some(3.) };
    let end = Epilogue::new(Map::new(0.2, 1.4, 3.), 1., k, 1).unwrap();
    let scaled = channel_scale(&y.detach(), &double(&scale)).unwrap();
    let layer = noise_bias_act(&scaled, &double(&noise), &double(&strength), &double(&bias), act).unwrap();
    let [scale, noise, strength, bias] = [scale, noise, strength, bias].map(|t| numbers(&t));
    let ends = [&scale, &noise, &strength, &bias].map(|array| Arg::In(array));
    let actual = one(emulator, &plan.output(k, end).unwrap(), &output(&m, ends, y.elem_count()));
    // What is clamped rounds as the largest number before.
    let most = scaled.abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
    close("layer", &actual, &layer, WINOGRAD * (most / 3.).max(1.));

    // The input's gradient is a convolution with the weights turned.
    let back = Winograd { n, out: [h, w], padding: 2 - padding };
    let gs = numbers(&g);
    let args = [Arg::In(&gs), Arg::Null, Arg::Out(POINTS * k * back.tiles())];
    let v_back = matrix(&one(emulator, &back.input(k).unwrap(), &args), [POINTS, k, back.tiles()]);
    let launch = winograd_filter(k, c, true, 0.5).unwrap();
    let turned = matrix(&one(emulator, &launch, &[Arg::In(&ws), Arg::Out(POINTS * k * c)]), [POINTS, c, k]);
    let m = numbers(&turned.matmul(&v_back).unwrap());
    let end = Epilogue::new(Map::new(1., 1., f64::INFINITY), 1., c, 1).unwrap();
    let ends = [Arg::In(&scales), Arg::Null, Arg::Null, Arg::Null];
    let dx = one(emulator, &back.output(c, end).unwrap(), &output(&m, ends, xs.len()));
    close("gradient of the input", &dx, &expected[0], WINOGRAD);

    let args = [Arg::In(&gs), Arg::Out(POINTS * k * tiles)];
    let e = matrix(&one(emulator, &plan.output_transposed(k).unwrap(), &args), [POINTS, k, tiles]);
    let products = numbers(&e.matmul(&v.transpose(1, 2).unwrap()).unwrap());
    let launch = winograd_filter_transposed(k, c, 0.5).unwrap();
    let dw = one(emulator, &launch, &[Arg::In(&products), Arg::Out(ws.len())]);
    close("gradient of the weight", &dw, &expected[1], WINOGRAD);
}

#[test]
fn winograd_makes_the_same() {
    let Some(mut emulator) = Emulator::new() else { return };
    for (shape, k, padding) in [
        ([1, 16, 64, 64], 16, 1),
        ([2, 5, 13, 10], 7, 1),
        ([3, 2, 5, 4], 3, 0),
        ([2, 3, 1, 1], 2, 1),
        ([1, 2, 6, 9], 2, 2),
    ] {
        winograd(&mut emulator, shape, k, padding);
    }
}
