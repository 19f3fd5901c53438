//! `modulate.cu`.

use super::emulator::{Arg, Emulator};
use super::{close, double, gradients, numbers, one, row_sums, single};
use candle_core::Var;
use stylegan_kernels::cuda::modulate as plans;
use stylegan_kernels::modulate::{channel_scale, demodulation, plane_dot};

const EXACT: f64 = 3e-7;
const SUMS: f64 = 3e-6;

/// Planes times numbers, and dot products of planes.
pub(super) fn planes(emulator: &mut Emulator, shape: [usize; 4]) {
    let [n, c, h, w] = shape;
    let (rows, plane) = (n * c, h * w);
    let (a, b, scale) = (single(&shape, 1), single(&shape, 2), single(&[n, c], 3));
    let [a_s, b_s, scales] = [&a, &b, &scale].map(numbers);
    let args = [Arg::In(&a_s), Arg::In(&scales), Arg::Out(a_s.len())];
    let y = one(emulator, &plans::channel_scale(rows, plane).unwrap(), &args);
    close("channel_scale", &y, &channel_scale(&a, &scale).unwrap(), EXACT);
    let (launch, slices) = plans::plane_dot(rows, plane).unwrap();
    let sums = one(emulator, &launch, &[Arg::In(&a_s), Arg::In(&b_s), Arg::Out(rows * slices)]);
    close("plane_dot", &row_sums(emulator, &sums, rows, slices), &plane_dot(&double(&a), &double(&b)).unwrap(), SUMS);
}

#[test]
fn planes_times_numbers_and_times_planes() {
    let Some(mut emulator) = Emulator::new() else { return };
    // The last two are weights.
    for shape in [[1, 8, 256, 256], [2, 5, 33, 17], [3, 4, 1, 1], [0, 2, 3, 3], [64, 48, 3, 3], [5, 7, 1, 1]] {
        planes(&mut emulator, shape);
    }
}

/// Factors of 3x3 weights.
pub(super) fn demodulated(emulator: &mut Emulator, [n, ins, outs]: [usize; 3]) {
    let (styles, weight) = (single(&[n, ins], 1), single(&[outs, ins, 3, 3], 2));
    let energy = numbers(&plane_dot(&weight, &weight).unwrap());
    let args = [Arg::In(&numbers(&styles)), Arg::In(&energy), Arg::Out(n * outs)];
    let actual = one(emulator, &plans::demodulation(n, ins, outs).unwrap(), &args);
    if n > 0 {
        close("demodulation", &actual, &demodulation(&double(&weight), &double(&styles)).unwrap(), SUMS);
    }
}

#[test]
fn demodulation_of_styles() {
    let Some(mut emulator) = Emulator::new() else { return };
    for sizes in [[2, 512, 64], [3, 7, 5], [1, 1, 1], [0, 4, 4], [1, 33, 9]] {
        demodulated(&mut emulator, sizes);
    }
}

#[test]
fn turned_and_transposed_weights() {
    let Some(mut emulator) = Emulator::new() else { return };
    for (a, b, r, s) in [(64, 96, 3, 3), (3, 5, 2, 3), (1, 1, 1, 1), (0, 3, 3, 3)] {
        let weight = single(&[a, b, r, s], 1);
        let xs = numbers(&weight);
        for (transpose, flip) in [(false, true), (true, false), (true, true)] {
            let launch = plans::flip_transpose([a, b, r * s], transpose, flip).unwrap();
            let y = one(&mut emulator, &launch, &[Arg::In(&xs), Arg::Out(xs.len())]);
            let mut expected = weight.clone();
            if transpose {
                expected = expected.transpose(0, 1).unwrap().contiguous().unwrap();
            }
            if flip {
                expected = expected.flip(&[2, 3]).unwrap();
            }
            assert_eq!(y, numbers(&expected.contiguous().unwrap()));
        }
    }
}

/// The gradients of planes times numbers are of the family.
pub(super) fn closed(emulator: &mut Emulator, shape: [usize; 4]) {
    let [n, c, h, w] = shape;
    let (rows, plane) = (n * c, h * w);
    let [x, g] = [1, 2].map(|seed| single(&shape, seed));
    let scale = Var::from_tensor(&single(&[n, c], 3)).unwrap();
    let x = Var::from_tensor(&x).unwrap();
    let expected = gradients(&channel_scale(&x, &scale).unwrap(), &g, &[&x, &scale]);
    let [xs, gs, scales] = [x.as_tensor(), &g, scale.as_tensor()].map(numbers);
    let launch = plans::channel_scale(rows, plane).unwrap();
    let gx = one(emulator, &launch, &[Arg::In(&gs), Arg::In(&scales), Arg::Out(gs.len())]);
    close("gradient of x", &gx, &expected[0], EXACT);
    let (launch, slices) = plans::plane_dot(rows, plane).unwrap();
    let sums = one(emulator, &launch, &[Arg::In(&gs), Arg::In(&xs), Arg::Out(rows * slices)]);
    close("gradient of scale", &row_sums(emulator, &sums, rows, slices), &expected[1], SUMS);
}

#[test]
fn the_family_is_closed() {
    let Some(mut emulator) = Emulator::new() else { return };
    closed(&mut emulator, [2, 3, 9, 7]);
}
