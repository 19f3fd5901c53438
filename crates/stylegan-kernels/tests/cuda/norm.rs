//! `instance_style.cu`, `pixel_norm.cu` and `minibatch_stddev.cu`.

use super::emulator::{Arg, Emulator};
use super::{close, double, gradients, numbers, one, single};
use candle_core::Var;
use stylegan_kernels::cuda::norm as plans;
use stylegan_kernels::{instance_style, minibatch_stddev, pixel_norm};

/// Means of planes of many numbers.
const TOLERANCE: f64 = 3e-6;

/// AdaIN and its gradients.
pub(super) fn styled(emulator: &mut Emulator, shape @ [n, c, h, w]: [usize; 4]) {
    let [x, scale, shift] =
        [single(&shape, 1), single(&[n, c], 2), single(&[n, c], 3)].map(|t| Var::from_tensor(&double(&t)).unwrap());
    let g = single(&shape, 4);
    let [xs, scales, shifts] = [&x, &scale, &shift].map(|t| numbers(&t.to_dtype(g.dtype()).unwrap().detach()));
    let launch = plans::instance_style(n * c, h * w, 1e-3).unwrap();
    let args = [Arg::In(&xs), Arg::In(&scales), Arg::In(&shifts), Arg::Out(xs.len())];
    let y = instance_style(&x, &scale, &shift, 1e-3).unwrap();
    close("instance_style", &one(emulator, &launch, &args), &y.detach(), TOLERANCE);
    let launch = plans::instance_style_gradient(n * c, h * w, 1e-3).unwrap();
    let gs = numbers(&g);
    let outs = [xs.len(), n * c, n * c].map(Arg::Out);
    let args: Vec<Arg> = [&gs, &xs, &scales].map(|t| Arg::In(t)).into_iter().chain(outs).collect();
    let actual = emulator.run(&launch, &args);
    if n == 0 {
        return;
    }
    let expected = gradients(&y, &double(&g), &[&x, &scale, &shift]);
    for (i, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
        if h * w > 1 || i == 2 {
            close("instance_style's gradient", actual, expected, 2. * TOLERANCE);
        }
    }
}

#[test]
fn instance_style_and_its_gradient() {
    let Some(mut emulator) = Emulator::new() else { return };
    for shape in [[1, 4, 256, 256], [2, 16, 32, 32], [3, 5, 7, 9], [2, 3, 1, 1], [1, 2, 67, 65], [0, 2, 4, 4]] {
        styled(&mut emulator, shape);
    }
    emulator.all_barriers_are_needed();
}

/// Pixel norm and its gradient.
pub(super) fn pixels(emulator: &mut Emulator, shape @ [n, c, h, w]: [usize; 4]) {
    let x = Var::from_tensor(&double(&single(&shape, 1))).unwrap();
    let (xs, g) = (numbers(&single(&shape, 1)), single(&shape, 2));
    let launch = plans::pixel_norm([n, c, h * w], 1e-3).unwrap();
    let y = pixel_norm(&x, 1e-3).unwrap();
    let actual = one(emulator, &launch, &[Arg::Null, Arg::In(&xs), Arg::Out(xs.len())]);
    close("pixel_norm", &actual, &y.detach(), TOLERANCE);
    let actual = one(emulator, &launch, &[Arg::In(&numbers(&g)), Arg::In(&xs), Arg::Out(xs.len())]);
    if n > 0 {
        close("pixel_norm's gradient", &actual, &gradients(&y, &double(&g), &[&x])[0], 2. * TOLERANCE);
    }
}

#[test]
fn pixel_norm_and_its_gradient() {
    let Some(mut emulator) = Emulator::new() else { return };
    for shape in [[1, 16, 128, 128], [4, 512, 1, 1], [2, 512, 4, 4], [3, 5, 7, 9], [2, 2, 1, 1], [0, 3, 2, 2]] {
        pixels(&mut emulator, shape);
    }
    emulator.all_barriers_are_needed();
}

/// The channel of deviations and its gradient.
pub(super) fn spread(emulator: &mut Emulator, shape @ [n, c, h, w]: [usize; 4], members: usize, features: usize) {
    let x = Var::from_tensor(&double(&single(&shape, 1))).unwrap();
    let (xs, g) = (numbers(&single(&shape, 1)), single(&[n, c + features, h, w], 2));
    let y = minibatch_stddev(&x, members, features).unwrap();
    let launch = plans::minibatch_stddev([n, c, h * w], members, features).unwrap();
    let actual = one(emulator, &launch, &[Arg::In(&xs), Arg::Out(y.elem_count())]);
    close("minibatch_stddev", &actual, &y.detach(), TOLERANCE);
    let launch = plans::minibatch_stddev_gradient([n, c, h * w], members, features).unwrap();
    let actual = one(emulator, &launch, &[Arg::In(&numbers(&g)), Arg::In(&xs), Arg::Out(xs.len())]);
    close("minibatch_stddev's gradient", &actual, &gradients(&y, &double(&g), &[&x])[0], TOLERANCE);
}

#[test]
fn minibatch_stddev_and_its_gradient() {
    let Some(mut emulator) = Emulator::new() else { return };
    for (shape, members, features) in [
        ([8, 128, 4, 4], 4, 1),
        ([6, 4, 3, 5], 3, 2),
        ([4, 2, 1, 1], 2, 1),
        ([3, 5, 7, 3], 1, 1),
        ([2, 512, 8, 8], 2, 1),
    ] {
        spread(&mut emulator, shape, members, features);
    }
}
