//! `pad.cu`.

use super::emulator::{Arg, Emulator};
use super::{close, double, gradients, numbers, one, single};
use candle_core::Var;
use stylegan_kernels::cuda::pad as plans;
use stylegan_kernels::reflect_pad2d;

#[test]
fn mirrored_borders_and_their_adjoint() {
    let Some(mut emulator) = Emulator::new() else { return };
    for (shape, padding) in
        [([2, 3, 40, 37], 3), ([1, 2, 4, 4], 3), ([2, 1, 2, 9], 1), ([3, 2, 5, 3], 2), ([0, 1, 4, 4], 1)]
    {
        let [n, c, h, w] = shape;
        let x = Var::from_tensor(&double(&single(&shape, 1))).unwrap();
        let (xs, y) = (numbers(&single(&shape, 1)), reflect_pad2d(&x, padding).unwrap());
        let launch = plans::reflect_pad(n * c, [h, w], padding).unwrap();
        let actual = one(&mut emulator, &launch, &[Arg::In(&xs), Arg::Out(y.elem_count())]);
        close("reflect_pad", &actual, &y.detach(), 0.);
        let (g, launch) = (single(y.dims(), 2), plans::reflect_pad_adjoint(n * c, [h, w], padding).unwrap());
        let actual = one(&mut emulator, &launch, &[Arg::In(&numbers(&g)), Arg::Out(xs.len())]);
        if n > 0 {
            // Sums of at most nine numbers.
            close("reflect_pad's adjoint", &actual, &gradients(&y, &double(&g), &[&x])[0], 1e-6);
        }
    }
}
