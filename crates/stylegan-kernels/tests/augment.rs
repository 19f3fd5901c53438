//! Augmentation's operations: adjoints, derivatives of first and second order, what is known exactly.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use candle_core::{DType, Device, Result, Tensor};
use std::f64::consts::PI;
use stylegan_kernels::augment::*;
use stylegan_kernels::autodiff::backward;
use support::*;

const STILL: [[f64; 3]; 2] = [[1., 0., 0.], [0., 1., 0.]];

fn turned(angle: f64, scale: [f64; 2], shift: [f64; 2]) -> [[f64; 3]; 2] {
    let (sin, cos) = angle.sin_cos();
    [[cos * scale[0], -sin * scale[1], shift[0]], [sin * scale[0], cos * scale[1], shift[1]]]
}

/// Maps that shrink, enlarge, move far out of the picture, turn, flip, and do nothing.
fn maps(size: [usize; 2]) -> Vec<AffineMap> {
    let matrices = [
        turned(0.7, [1.6, 0.9], [1.2, -0.4]),
        turned(-2.5, [0.4, 0.7], [-3.3, 2.1]),
        turned(0., [1., 1.], [30., -7.5]),
        turned(PI, [-1., 1.], [0., 0.]),
        STILL,
    ];
    matrices.into_iter().map(|matrix| AffineMap::new(matrix, size)).collect()
}

fn filters() -> Vec<Option<Vec<f64>>> {
    vec![Some(values(7, 3)), None, Some(values(1, 4)), Some(values(43, 5)), Some(values(13, 6))]
}

fn colors(n: usize) -> Vec<ColorMatrix> {
    let numbers = values(12 * n, 8);
    numbers.chunks(12).map(|m| [0, 1, 2].map(|i| [0, 1, 2, 3].map(|j| m[4 * i + j]))).collect()
}

fn holes() -> Vec<Rectangle> {
    let hole = |x, y| Rectangle { x, y };
    vec![hole(1..3, 0..4), hole(0..0, 0..9), hole(2..99, 3..4), hole(0..99, 0..99), hole(4..4, 1..2)]
}

type Operation = Box<dyn Fn(&Tensor) -> Result<Tensor>>;

/// All operations on five images of a size, without what some of them add.
fn operations(size: [usize; 2]) -> Vec<(&'static str, Operation)> {
    let linear: Vec<ColorMatrix> = colors(5).into_iter().map(|m| m.map(|row| [row[0], row[1], row[2], 0.])).collect();
    vec![
        ("affine_resample", Box::new(move |x| affine_resample(x, &maps(size)))),
        ("filter_images", Box::new(|x| filter_images(x, &filters()))),
        ("color_transform", Box::new(move |x| color_transform(x, &linear))),
        ("cutout", Box::new(|x| cutout(x, &holes()))),
    ]
}

#[test]
fn adjoints() {
    for (c, size @ [h, w]) in [(3, [9, 7]), (1, [16, 24]), (4, [1, 5]), (2, [6, 2]), (3, [1, 1])] {
        let shape = [5, c, h, w];
        for (name, operation) in operations(size) {
            let (x, y) = (var(&shape, 1), tensor(&shape, 2));
            let image = operation(&x).unwrap();
            let product = (image * &y).unwrap().sum_all().unwrap();
            let back = backward(&product).unwrap().get(&x).unwrap();
            let (forth, back) = (scalar(&product), scalar(&(back * x.as_tensor()).unwrap().sum_all().unwrap()));
            // Sums of up to 2000 products of some 1, in f64.
            assert!((forth - back).abs() < 1e-11, "{name} {shape:?}: {forth} {back}");
        }
    }
}

#[test]
fn first_and_second_derivatives() {
    for (c, size @ [h, w]) in [(3, [4, 5]), (1, [5, 3])] {
        let x = var(&[5, c, h, w], 1);
        for (name, operation) in operations(size) {
            check(name, &[&x], &[&x], || operation(&x.tanh()?.sqr()?)?.sqr());
        }
        check("color_transform", &[&x], &[&x], || color_transform(&x.tanh()?.sqr()?, &colors(5))?.sqr());
    }
}

#[test]
fn images_do_not_depend_on_their_batch() {
    let x = tensor(&[5, 3, 8, 11], 1).to_dtype(DType::F32).unwrap();
    let (maps, filters, colors, holes) = (maps([8, 11]), filters(), colors(5), holes());
    let together = [
        affine_resample(&x, &maps).unwrap(),
        filter_images(&x, &filters).unwrap(),
        color_transform(&x, &colors).unwrap(),
        cutout(&x, &holes).unwrap(),
    ];
    for i in 0..5 {
        let own = x.narrow(0, i, 1).unwrap();
        let apart = [
            affine_resample(&own, &maps[i..=i]).unwrap(),
            filter_images(&own, &filters[i..=i]).unwrap(),
            color_transform(&own, &colors[i..=i]).unwrap(),
            cutout(&own, &holes[i..=i]).unwrap(),
        ];
        for (together, apart) in together.iter().zip(&apart) {
            assert_eq!(flat(&together.narrow(0, i, 1).unwrap()), flat(apart));
        }
    }
}

#[test]
fn whole_pixels_move_exactly_and_mirror_images_come_in() {
    // 12 x 10 pixels moved by (3, -2): pixel (x, y) of the result was at (x - 3, y + 2).
    let x = tensor(&[1, 2, 10, 12], 1);
    let moved = affine_resample(&x, &[AffineMap::new(turned(0., [1., 1.], [-3., 2.]), [10, 12])]).unwrap();
    let (x, moved) = (flat(&x), flat(&moved));
    let mirror = |at: i64, len: i64| if at < 0 { -at } else { at.min(2 * (len - 1) - at) };
    for (i, moved) in moved.into_iter().enumerate() {
        let (plane, row, column) = (i / 120, i / 12 % 10, i % 12);
        let (row, column) = (mirror(row as i64 + 2, 10), mirror(column as i64 - 3, 12));
        // sym6 is orthogonal up to the 1e-12 or so to which its taps are known.
        let expected = x[plane * 120 + row as usize * 12 + column as usize];
        assert!((moved - expected).abs() < 1e-10, "{i}: {moved} {expected}");
    }
}

#[test]
fn what_changes_nothing_is_not_computed() {
    let x = tensor(&[2, 3, 5, 4], 1);
    let identity = [[1., 0., 0., 0.], [0., 1., 0., 0.], [0., 0., 1., 0.]];
    for same in [
        affine_resample(&x, &[AffineMap::IDENTITY, AffineMap::new(STILL, [5, 4])]),
        filter_images(&x, &[None, None]),
        color_transform(&x, &[identity; 2]),
        cutout(&x, &[Rectangle::default(), Rectangle { x: 0..3, y: 2..2 }]),
    ] {
        assert_eq!(same.unwrap().id(), x.id());
    }
}

#[test]
fn colors_of_other_channel_counts() {
    let matrix = [[0.5, 1., 0., 0.1], [0., 2., -1., 0.2], [3., 0., 0.5, 0.6]];
    let at = |channels: &[f64]| {
        let x = Tensor::from_slice(channels, (1, channels.len(), 1, 1), &Device::Cpu).unwrap();
        flat(&color_transform(&x, &[matrix]).unwrap())
    };
    let close = |found: Vec<f64>, expected: &[f64]| {
        assert!(found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
    };
    close(at(&[1., 0.5, -1.]), &[1.1, 2.2, 3.1]);
    close(at(&[1., 0.5, -1., 0.7, 9.]), &[1.1, 2.2, 3.1, 0.7, 9.]);
    // Rows sum to 1.5, 1 and 3.5: their mean is 2, that of what is added 0.3.
    close(at(&[0.5]), &[1.3]);
    close(at(&[0.5, 0.7]), &[1.3, 0.7]);
}

#[test]
fn wrong_arguments_are_named() {
    let x = tensor(&[2, 1, 5, 4], 1);
    let error = |result: Result<Tensor>| result.unwrap_err().to_string();
    assert!(error(affine_resample(&x, &[AffineMap::IDENTITY])).contains("1 maps for 2 images"));
    assert!(error(filter_images(&x, &[None, Some(vec![1.; 4])])).contains("4 taps"));
    let huge = AffineMap::new(turned(0., [9., 9.], [0., 0.]), [1 << 15, 1 << 15]);
    assert!(error(affine_resample(&x, &[huge, huge])).contains("too large"));
    let large = AffineMap::new(turned(0., [1.; 2], [-3., 0.]), [64, 64]);
    assert!(error(affine_resample(&x, &[AffineMap::IDENTITY, large])).contains("made for one of another size"));
    // Numbers that are none give some image, and no panic.
    let none = AffineMap::new([[f64::NAN, f64::INFINITY, 0.], [0., -f64::INFINITY, 1e300]], [5, 4]);
    assert_eq!(affine_resample(&x, &[none, none]).unwrap().dims(), [2, 1, 5, 4]);
}
