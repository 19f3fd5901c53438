//! `label.cu`.

use super::emulator::{Arg, Emulator};
use super::{close, double, gradients, numbers, one, row_sums, single};
use candle_core::{Device, Tensor, Var};
use stylegan_kernels::cuda::conv::Columns;
use stylegan_kernels::cuda::label::LabelWindows;
use stylegan_kernels::{Labels, label_conv2d};

/// Sums of up to some ten thousand numbers, one after the other.
const TOLERANCE: f64 = 3e-6;

/// Maps `[n, 1, h, w]` of areas and of single pixels, and edges where a network reads them.
fn maps([n, h, w]: [usize; 3], classes: usize, edges: bool) -> (Labels, Vec<f32>) {
    let class = |i: usize| (if i * i % 11 < 8 { i / (w + 3) } else { i } % classes) as u32;
    let all: Vec<u32> = (0..n * h * w).map(class).collect();
    let on_edge: Vec<u8> = (0..n * h * w).map(|i| u8::from(edges && i % 5 == 0)).collect();
    let cells = all.iter().zip(&on_edge).map(|(&class, &edge)| (2 * class + u32::from(edge)) as f32).collect();
    let place = |t: Tensor| t.reshape((n, 1, h, w)).unwrap();
    let of_edges = place(Tensor::new(on_edge, &Device::Cpu).unwrap());
    let indices = place(Tensor::new(all, &Device::Cpu).unwrap());
    (Labels::new(&indices, edges.then_some(&of_edges), classes).unwrap(), cells)
}

#[test]
fn convolutions_of_label_maps() {
    let Some(mut emulator) = Emulator::new() else { return };
    // (maps, classes, edges, outputs, kernel, stride, padding): more channels than a block adds up, and more pixels than a
    // slice; sides that are no multiples of anything; single pixels.
    let cases = [
        ([2, 13, 11], 5, true, 7, 3, 1, 1),
        ([1, 9, 7], 60, true, 30, 3, 1, 1),
        ([3, 60, 100], 3, false, 2, 3, 1, 1),
        ([2, 8, 12], 4, true, 5, 4, 2, 2),
        ([1, 12, 10], 6, false, 4, 7, 1, 0),
        ([2, 1, 1], 3, true, 2, 1, 1, 0),
        ([1, 1, 1], 2, false, 2, 5, 1, 2),
        ([0, 4, 4], 2, true, 3, 3, 1, 1),
    ];
    for ([n, h, w], classes, edges, k, kernel, stride, padding) in cases {
        let (labels, cells) = maps([n, h, w], classes, edges);
        let shape = [k, labels.channels(), kernel, kernel];
        let weight = Var::from_tensor(&double(&single(&shape, 1))).unwrap();
        let y = label_conv2d(&labels, &weight, stride, padding).unwrap();
        let (_, _, oh, ow) = y.dims4().unwrap();
        let columns = Columns { x: [n, shape[1], h, w], kernel: [kernel; 2], out: [oh, ow], stride, padding };
        let windows = LabelWindows { columns, outputs: k, classes };
        let weights = numbers(&single(&shape, 1));
        let args = [Arg::In(&weights), Arg::In(&cells), Arg::Out(y.elem_count())];
        let actual = one(&mut emulator, &windows.conv().unwrap(), &args);
        close("label_conv", &actual, &y.detach(), TOLERANCE);
        let (g, (launch, slices)) = (single(y.dims(), 2), windows.adjoint().unwrap());
        assert_eq!(slices > 1, n * oh * ow > 1 << 14);
        let args = [Arg::In(&numbers(&g)), Arg::In(&cells), Arg::Out(weights.len() * slices)];
        let parts = one(&mut emulator, &launch, &args);
        let actual = row_sums(&mut emulator, &parts, weights.len(), slices);
        if n > 0 {
            close("label_conv's adjoint", &actual, &gradients(&y, &double(&g), &[&weight])[0], TOLERANCE);
        } else {
            assert!(actual.iter().all(|&sum| sum == 0.));
        }
    }
}
