//! `augment.cu`.

use super::emulator::{Arg, Emulator};
use super::support::values;
use super::{close, double, gradients, numbers, one, single};
use candle_core::{Tensor, Var};
use stylegan_kernels::augment::{
    AffineMap, ColorMatrix, Rectangle, affine_resample, color_transform, cutout, filter_images,
};
use stylegan_kernels::cuda::augment::{self as plans, Along};

/// Sums of up to 49 + 24 products, positive and negative.
const TOLERANCE: f64 = 2e-6;

/// Images of one pixel, of a tile, of several tiles whose last are not full, lines, and none.
const SHAPES: [[usize; 4]; 7] =
    [[6, 3, 1, 1], [6, 1, 32, 32], [6, 2, 33, 70], [6, 4, 5, 37], [6, 3, 1, 9], [6, 2, 40, 1], [0, 3, 8, 8]];

const STILL: [[f64; 3]; 2] = [[1., 0., 0.], [0., 1., 0.]];

/// Maps that shrink, enlarge, move far out of the picture, turn exactly, and do nothing; one that sees a line.
fn maps([n, _, h, w]: [usize; 4]) -> Vec<AffineMap> {
    let turned = |angle: f64, scale: [f64; 2], shift: [f64; 2]| {
        let (sin, cos) = angle.sin_cos();
        [[cos * scale[0], -sin * scale[1], shift[0]], [sin * scale[0], cos * scale[1], shift[1]]]
    };
    let matrices = [
        turned(0.7, [1.6, 0.9], [1.2, -0.4]),
        turned(-2.5, [0.4, 0.7], [-3.3, 2.1]),
        turned(0., [1., 1.], [30., -7.5]),
        [[0., -1., 2.], [1., 0., -1.]],
        STILL,
        [[0.5, 0., 0.], [0.25, 0., 0.3]],
    ];
    matrices[..n].iter().map(|&matrix| AffineMap::new(matrix, [h, w])).collect()
}

/// Filters of one tap, of more than most images have pixels, and none.
fn filters(n: usize) -> Vec<Option<Vec<f64>>> {
    let filters = [Some(values(7, 3)), None, Some(values(1, 4)), Some(values(43, 5)), Some(values(13, 6)), None];
    filters[..n].to_vec()
}

fn colors(n: usize) -> Vec<ColorMatrix> {
    let numbers = values(12 * n, 8);
    numbers.chunks(12).map(|m| [0, 1, 2].map(|i| [0, 1, 2, 3].map(|j| m[4 * i + j]))).collect()
}

fn holes(n: usize) -> Vec<Rectangle> {
    let hole = |x, y| Rectangle { x, y };
    [hole(1..3, 0..4), hole(0..0, 0..9), hole(2..99, 3..4), hole(0..99, 0..99), hole(4..4, 1..2), hole(30..34, 3..33)]
        [..n]
        .to_vec()
}

type Run<'a> = Box<dyn FnMut(&[f32]) -> Vec<f32> + 'a>;

/// An operation and its adjoint by the kernels against the CPU's `y` of `x`, and against each other.
fn compare(name: &str, x: &Var, y: &Tensor, mut forward: Run, mut adjoint: Run, tolerance: f64) {
    let (image, g) = (numbers(&single(x.dims(), 1)), single(x.dims(), 2));
    let (forth, back) = (forward(&image), adjoint(&numbers(&g)));
    close(name, &forth, &y.detach(), tolerance);
    if image.is_empty() {
        return;
    }
    close(&format!("{name}'s adjoint"), &back, &gradients(y, &double(&g), &[x])[0], tolerance);
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let size = product(&forth, &forth).sqrt() * product(&numbers(&g), &numbers(&g)).sqrt();
    let apart = product(&forth, &numbers(&g)) - product(&image, &back);
    assert!(apart.abs() <= tolerance * size, "{name} {:?}: {apart:e} of {size:e}", x.dims());
}

fn image(shape: &[usize]) -> Var {
    Var::from_tensor(&double(&single(shape, 1))).unwrap()
}

#[test]
fn affine_maps_and_their_adjoints() {
    let Some(mut emulator) = Emulator::new() else { return };
    for shape @ [n, c, h, w] in SHAPES {
        let (x, maps, size) = (image(&shape), maps(shape), [h, w]);
        let y = affine_resample(&x, &maps).unwrap();
        let emulator = std::cell::RefCell::new(&mut emulator);
        let forward = |x: &[f32]| {
            let (launch, [taps, maps]) = plans::affine_resample(&maps, c, size).unwrap();
            one(&mut emulator.borrow_mut(), &launch, &[Arg::In(x), Arg::In(&taps), Arg::In(&maps), Arg::Out(x.len())])
        };
        let adjoint = |g: &[f32]| {
            let (launch, taps) = plans::affine_samples(n * c, size).unwrap();
            let out = Arg::Out(n * c * (2 * h + 10) * (2 * w + 10));
            let args = [Arg::In(g), Arg::In(&taps), Arg::Null, Arg::Null, Arg::Null, Arg::Null, out];
            let samples = one(&mut emulator.borrow_mut(), &launch, &args);
            let (launch, [taps, maps]) = plans::affine_resample_adjoint(&maps, c, size).unwrap();
            let args = [Arg::In(&samples), Arg::In(g), Arg::In(&taps), Arg::In(&maps), Arg::Out(g.len())];
            one(&mut emulator.borrow_mut(), &launch, &args)
        };
        compare("affine_resample", &x, &y, Box::new(forward), Box::new(adjoint), TOLERANCE);
    }
    emulator.all_barriers_are_needed();
}

#[test]
fn numbers_without_end_make_some_image() {
    let Some(mut emulator) = Emulator::new() else { return };
    let size @ [h, w] = [5, 9];
    let none = AffineMap::new([[f64::NAN, f64::INFINITY, 0.], [0., -f64::INFINITY, 1e300]], size);
    let far = AffineMap::new([[1e30, 0., 0.], [0., 1e-40, f64::INFINITY]], size);
    let (x, maps) = (numbers(&single(&[2, 1, h, w], 1)), [none, far]);
    let (launch, [taps, numbers]) = plans::affine_resample(&maps, 1, size).unwrap();
    let args = [Arg::In(&x), Arg::In(&taps), Arg::In(&numbers), Arg::Out(x.len())];
    assert!(one(&mut emulator, &launch, &args).iter().all(|&y| y == 0.));
    let samples = vec![1.; 2 * (2 * h + 10) * (2 * w + 10)];
    let (launch, [taps, numbers]) = plans::affine_resample_adjoint(&maps, 1, size).unwrap();
    let args = [Arg::In(&samples), Arg::In(&x), Arg::In(&taps), Arg::In(&numbers), Arg::Out(x.len())];
    assert!(one(&mut emulator, &launch, &args).iter().all(|&g| g == 0.));
}

#[test]
fn filters_of_images_and_their_adjoints() {
    let Some(mut emulator) = Emulator::new() else { return };
    for shape @ [n, c, h, w] in SHAPES {
        let (x, filters) = (image(&shape), filters(n));
        let y = filter_images(&x, &filters).unwrap();
        let emulator = std::cell::RefCell::new(&mut emulator);
        let forward = |x: &[f32]| {
            [Along::Rows, Along::Columns].into_iter().fold(x.to_vec(), |x, along| {
                let (launch, taps) = plans::image_filter(&filters, c, [h, w], along).unwrap();
                one(&mut emulator.borrow_mut(), &launch, &[Arg::In(&x), Arg::In(&taps), Arg::Out(x.len())])
            })
        };
        let adjoint = |g: &[f32]| {
            [Along::Columns, Along::Rows].into_iter().fold(g.to_vec(), |g, along| {
                let (launch, taps) = plans::image_filter_adjoint(&filters, c, [h, w], along).unwrap();
                one(&mut emulator.borrow_mut(), &launch, &[Arg::In(&g), Arg::In(&taps), Arg::Out(g.len())])
            })
        };
        compare("image_filter", &x, &y, Box::new(forward), Box::new(adjoint), TOLERANCE);
    }
}

#[test]
fn colors_and_holes() {
    let Some(mut emulator) = Emulator::new() else { return };
    let linear = |m: &ColorMatrix| [0, 1, 2].map(|i| [m[i][0], m[i][1], m[i][2], 0.]);
    let transposed = |m: &ColorMatrix| [0, 1, 2].map(|i| [m[0][i], m[1][i], m[2][i], 0.]);
    for shape @ [n, c, h, w] in SHAPES.into_iter().chain([[6, 5, 31, 34]]) {
        let (x, matrices, holes) = (image(&shape), colors(n), holes(n));
        let emulator = std::cell::RefCell::new(&mut emulator);
        let mixed = |x: &[f32], matrices: &[ColorMatrix]| {
            let (launch, matrices) = plans::color_transform(matrices, c, [h, w]).unwrap();
            one(&mut emulator.borrow_mut(), &launch, &[Arg::In(x), Arg::In(&matrices), Arg::Out(x.len())])
        };
        let y = color_transform(&x, &matrices).unwrap();
        close("color_transform", &mixed(&numbers(&single(&shape, 1)), &matrices), &y.detach(), 3e-7);
        let linear: Vec<ColorMatrix> = matrices.iter().map(linear).collect();
        let back: Vec<ColorMatrix> = matrices.iter().map(transposed).collect();
        let y = color_transform(&x, &linear).unwrap();
        let (forward, adjoint) = (|x: &[f32]| mixed(x, &linear), |g: &[f32]| mixed(g, &back));
        compare("color_transform", &x, &y, Box::new(forward), Box::new(adjoint), 3e-7);
        let cut = |x: &[f32]| {
            let (launch, holes) = plans::cutout(&holes, c, [h, w]).unwrap();
            one(&mut emulator.borrow_mut(), &launch, &[Arg::In(x), Arg::In(&holes), Arg::Out(x.len())])
        };
        compare("cutout", &x, &cutout(&x, &holes).unwrap(), Box::new(cut), Box::new(cut), 0.);
    }
}
