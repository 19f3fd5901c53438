//! `upfirdn2d.cu`.

use super::emulator::{Arg, Emulator};
use super::{close, double, gradients, numbers, one, single};
use candle_core::Var;
use stylegan_kernels::cuda::upfirdn2d::{UpFirDn, upfirdn2d as plan};
use stylegan_kernels::cuda::{Epilogue, Map};
use stylegan_kernels::{Activation, BiasAct, Filter, noise_bias_act, upfirdn2d};

const TOLERANCE: f64 = 1e-6;

pub(super) struct Case {
    pub(super) shape: [usize; 4],
    pub(super) filter: Filter,
    pub(super) up: [usize; 2],
    pub(super) down: [usize; 2],
    /// x0, x1, y0, y1
    pub(super) padding: [i64; 4],
}

fn cases() -> Vec<Case> {
    let binomial = Filter::separable(&[1., 3., 3., 1.]);
    let long = Filter::separable(&[0.1, -0.2, 0.3, 0.9, 1., 1.1, 0.8, 0.2, -0.1, 0.05, 0.3, -0.4]);
    let flat = Filter::new(&[1., 2., -1., 0.5, 3., 0.25], 2, 3).unwrap();
    let case = |shape, filter: &Filter, up, down, padding| Case { shape, filter: filter.clone(), up, down, padding };
    let up = |shape| case(shape, &binomial, [2, 2], [1, 1], [2, 1, 2, 1]);
    let down = |shape| case(shape, &binomial, [1, 1], [2, 2], [1, 1, 1, 1]);
    let same = |shape| case(shape, &binomial, [1, 1], [1, 1], [2, 1, 2, 1]);
    vec![
        up([1, 4, 128, 128]),
        down([1, 4, 256, 256]),
        same([1, 4, 256, 256]),
        up([2, 3, 1, 1]),
        same([2, 3, 1, 1]),
        down([1, 2, 37, 53]),
        up([1, 2, 37, 19]),
        same([2, 2, 65, 33]),
        same([0, 3, 8, 8]),
        case([1, 2, 40, 24], &long, [2, 2], [1, 1], [7, -3, 6, 5]),
        case([1, 2, 40, 70], &long, [1, 1], [2, 2], [5, 5, -2, 5]),
        case([2, 1, 17, 23], &long, [3, 2], [2, 5], [8, 9, 10, 7]),
        case([2, 2, 13, 29], &flat, [1, 1], [1, 1], [1, 1, 1, 0]),
        case([1, 2, 13, 29], &flat, [2, 3], [3, 1], [4, -2, -1, 3]),
        // An average over blocks of 16x16: tiles of fewer outputs.
        case([1, 1, 160, 96], &Filter::separable(&[1.; 16]), [1, 1], [16, 16], [0; 4]),
    ]
}

/// Forward and adjoint, with the filter and turned.
pub(super) fn check(emulator: &mut Emulator, case: &Case) {
    let &Case { shape: shape @ [n, c, h, w], ref filter, up, down, padding } = case;
    for flip in [false, true] {
        let x = Var::from_tensor(&double(&single(&shape, 1))).unwrap();
        let y = upfirdn2d(&x, filter, up, down, padding, flip, 1.5).unwrap();
        let (_, _, oh, ow) = y.dims4().unwrap();
        let mut run = |x: &[f32], from: [usize; 2], to: [usize; 2], op: UpFirDn| {
            let (launch, taps) = plan(n * c, from, to, op, Epilogue::none()).unwrap();
            let out = Arg::Out(n * c * to[0] * to[1]);
            let args = [Arg::In(x), Arg::In(&taps), Arg::Null, Arg::Null, Arg::Null, Arg::Null, out];
            one(emulator, &launch, &args)
        };
        let op = UpFirDn { filter, up, down, pad: [padding[0], padding[2]], flip, gain: 1.5 };
        let actual = run(&numbers(&single(&shape, 1)), [h, w], [oh, ow], op);
        close("upfirdn2d", &actual, &y.detach(), TOLERANCE);

        let g = single(&[n, c, oh, ow], 2);
        let (fh, fw) = filter.size();
        let pad = [fw as i64 - padding[0] - 1, fh as i64 - padding[2] - 1];
        let op = UpFirDn { filter, up: down, down: up, pad, flip: !flip, gain: 1.5 };
        let actual = run(&numbers(&g), [oh, ow], [h, w], op);
        if n > 0 {
            close("upfirdn2d's adjoint", &actual, &gradients(&y, &double(&g), &[&x])[0], TOLERANCE);
        }
    }
}

#[test]
fn forward_and_adjoint() {
    let Some(mut emulator) = Emulator::new() else { return };
    for case in cases() {
        check(&mut emulator, &case);
    }
    emulator.all_barriers_are_needed();
}

/// A filter that leaves the size, and a layer's end after it.
pub(super) fn with_end(emulator: &mut Emulator, [n, c, h, w]: [usize; 4]) {
    let filter = Filter::separable(&[1., 3., 3., 1.]);
    let (x, scale) = (single(&[n, c, h, w], 1), single(&[n, c], 2));
    let (noise, strength, bias) = (single(&[n, 1, h, w], 3), single(&[c], 4), single(&[c], 5));
    let act = BiasAct { act: Activation::Lrelu, gain: 1.4, clamp: Some(2.) };
    let y = upfirdn2d(&x, &filter, [1; 2], [1; 2], [2, 1, 2, 1], false, 4.).unwrap();
    let y = stylegan_kernels::modulate::channel_scale(&y, &scale).unwrap();
    let expected = noise_bias_act(&y, &noise, &strength, &bias, act).unwrap();
    let op = UpFirDn { filter: &filter, up: [1; 2], down: [1; 2], pad: [2, 2], flip: false, gain: 4. };
    let end = Epilogue::new(Map::new(0.2, 1.4, 2.), 1., c, n).unwrap();
    let (launch, taps) = plan(n * c, [h, w], [h, w], op, end).unwrap();
    let [x, scale, noise, strength, bias] = [x, scale, noise, strength, bias].map(|t| numbers(&t));
    let inputs = [&x, &taps, &scale, &noise, &strength, &bias].map(|numbers| Arg::In(numbers));
    let args: Vec<Arg> = inputs.into_iter().chain([Arg::Out(x.len())]).collect();
    close("upfirdn2d with epilogue", &one(emulator, &launch, &args), &expected, TOLERANCE);
}

#[test]
fn with_the_end_of_a_layer() {
    let Some(mut emulator) = Emulator::new() else { return };
    for shape in [[2, 3, 33, 37], [1, 8, 128, 128]] {
        with_end(&mut emulator, shape);
    }
}
