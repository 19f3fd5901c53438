//! `resample.cu`.

use super::emulator::{Arg, Emulator};
use super::{close, double, gradients, numbers, one, single};
use candle_core::Var;
use stylegan_kernels::cuda::resample as plans;
use stylegan_kernels::resize::Windows;
use stylegan_kernels::{avg_pool2d, max_pool2d, resize_bilinear, upsample_nearest};

const TOLERANCE: f64 = 1e-6;

/// Repeated pixels and means of blocks, each the adjoint of the other but for a factor.
pub(super) fn blocks(emulator: &mut Emulator, shape: [usize; 4], factor: usize) {
    let [n, c, h, w] = shape;
    let (x, large) = (single(&shape, 1), single(&[n, c, h * factor, w * factor], 2));
    let [xs, larges] = [&x, &large].map(numbers);
    let args = [Arg::In(&xs), Arg::Out(larges.len())];
    let y = one(emulator, &plans::repeat_pixels(n * c, [h, w], factor, 1.).unwrap(), &args);
    close("repeat_pixels", &y, &upsample_nearest(&x, factor).unwrap(), 0.);
    let gain = 1. / (factor * factor) as f64;
    let args = [Arg::In(&larges), Arg::Out(xs.len())];
    let y = one(emulator, &plans::sum_blocks(n * c, [h, w], factor, gain).unwrap(), &args);
    close("sum_blocks", &y, &avg_pool2d(&double(&large), factor, factor, 0).unwrap(), TOLERANCE);
}

#[test]
fn repeated_pixels_and_sums_of_blocks() {
    let Some(mut emulator) = Emulator::new() else { return };
    for (shape, factor) in
        [([1, 4, 128, 128], 2), ([2, 3, 5, 7], 3), ([2, 3, 1, 1], 4), ([1, 2, 16, 48], 8), ([0, 1, 2, 2], 2)]
    {
        blocks(&mut emulator, shape, factor);
    }
}

/// Bilinear changes of size and their adjoint, with corners aligned and not.
pub(super) fn bilinear(emulator: &mut Emulator, rows: usize, from: [usize; 2], to: [usize; 2]) {
    for aligned in [false, true] {
        let shape = [rows, 1, from[0], from[1]];
        let x = Var::from_tensor(&double(&single(&shape, 1))).unwrap();
        let (xs, g) = (numbers(&single(&shape, 1)), single(&[rows, 1, to[0], to[1]], 2));
        let y = resize_bilinear(&x, to[0], to[1], aligned).unwrap();
        let launch = plans::bilinear(rows, from, to, aligned).unwrap();
        let actual = one(emulator, &launch, &[Arg::In(&xs), Arg::Out(g.elem_count())]);
        close("bilinear", &actual, &y.detach(), TOLERANCE);
        let launch = plans::bilinear_adjoint(rows, from, to, aligned).unwrap();
        let actual = one(emulator, &launch, &[Arg::In(&numbers(&g)), Arg::Out(xs.len())]);
        close("bilinear's adjoint", &actual, &gradients(&y, &double(&g), &[&x])[0], 2. * TOLERANCE);
    }
}

#[test]
fn bilinear_and_its_adjoint() {
    let Some(mut emulator) = Emulator::new() else { return };
    let sizes = [
        ([64, 64], [128, 128]),
        ([128, 96], [64, 32]),
        ([5, 7], [17, 3]),
        ([1, 1], [4, 3]),
        ([9, 1], [1, 5]),
        ([256, 256], [299, 299]),
        ([3, 3], [3, 3]),
    ];
    for (from, to) in sizes {
        bilinear(&mut emulator, 2, from, to);
    }
}

/// To the bit: what is compared and added is the same, in the same order.
pub(super) fn maxima(emulator: &mut Emulator, shape: [usize; 4], windows: Windows) {
    let [n, c, h, w] = shape;
    // Few levels, so that many are equal: the first of them counts.
    let x = Var::from_tensor(&(single(&shape, 1) * 3.).unwrap().round().unwrap()).unwrap();
    let y = max_pool2d(&x, windows).unwrap();
    let (xs, g) = (numbers(&x), single(y.dims(), 2));
    let (counts, sizes) = ([h, w].map(|side| windows.count(side)), [windows.size, windows.stride, windows.padding]);
    let launch = plans::max_pool(n * c, [h, w], counts, sizes).unwrap();
    let actual = one(emulator, &launch, &[Arg::In(&xs), Arg::In(&xs), Arg::Out(g.elem_count())]);
    assert_eq!(actual, numbers(&y.detach()), "max_pool {shape:?} {windows:?}");
    let launch = plans::max_pool_adjoint(n * c, [h, w], counts, sizes).unwrap();
    let actual = one(emulator, &launch, &[Arg::In(&xs), Arg::In(&numbers(&g)), Arg::Out(xs.len())]);
    assert_eq!(actual, numbers(&gradients(&y, &g, &[&x])[0]), "max_pool's adjoint {shape:?} {windows:?}");
}

/// To the bit: what is compared and added is the same, in the same order.
#[test]
fn maxima_and_their_adjoint() {
    let Some(mut emulator) = Emulator::new() else { return };
    let windows = |size, stride, padding, over| Windows { size, stride, padding, over };
    let cases = [
        ([2, 3, 24, 40], windows(2, 2, 0, false)),
        ([1, 2, 35, 35], windows(3, 2, 0, false)),
        ([1, 3, 13, 9], windows(3, 2, 0, true)),
        ([2, 1, 9, 7], windows(3, 1, 1, false)),
        ([1, 2, 7, 11], windows(3, 1, 0, false)),
        ([1, 1, 5, 8], windows(2, 3, 1, false)),
        ([1, 2, 1, 1], windows(1, 1, 0, false)),
        ([1, 2, 1, 1], windows(3, 2, 1, false)),
        ([0, 1, 4, 4], windows(2, 2, 0, false)),
    ];
    for (shape, windows) in cases {
        maxima(&mut emulator, shape, windows);
    }
}
