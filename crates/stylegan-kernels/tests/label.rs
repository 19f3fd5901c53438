//! Label maps against the one-hot tensors that they stand for, padding, and normalisations against
//! their formulas; derivatives of all by finite differences.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use candle_core::{DType, Device, Result, Tensor};
use stylegan_kernels::label::instance_edges;
use stylegan_kernels::*;
use support::*;

/// Maps with large areas, thin lines and single pixels of 5 classes.
fn maps(n: usize, h: usize, w: usize) -> (Tensor, Tensor) {
    let mut classes = vec![0u8; n * h * w];
    for (i, class) in classes.iter_mut().enumerate() {
        let (y, x) = (i / w % h, i % w);
        *class = if y * 2 > h {
            3
        } else if x == 4 {
            1
        } else if (x, y) == (7, 2) {
            4
        } else {
            (i / (h * w)) as u8
        };
    }
    let ids: Vec<u32> =
        classes.iter().enumerate().map(|(i, &class)| u32::from(class) * 9 + (i % w > 8) as u32).collect();
    let edges = instance_edges(&Tensor::from_vec(ids, (n, 1, h, w), &Device::Cpu).unwrap()).unwrap();
    (Tensor::from_vec(classes, (n, 1, h, w), &Device::Cpu).unwrap(), edges)
}

#[test]
fn a_convolution_of_labels_is_that_of_their_one_hot_tensor() {
    let (classes, edges) = maps(2, 13, 11);
    for (edges, channels) in [(None, 5), (Some(&edges), 6)] {
        let labels = Labels::new(&classes, edges, 5).unwrap();
        let dense = labels.one_hot(DType::F64, &Device::Cpu).unwrap();
        assert_eq!(dense.dims(), [2, channels, 13, 11]);
        for (kernel, stride, padding) in [(3, 1, 1), (1, 1, 0), (4, 2, 2), (7, 1, 0), (5, 1, 2)] {
            let weight = tensor(&[19, channels, kernel, kernel], 3);
            let found = label_conv2d(&labels, &weight, stride, padding).unwrap();
            let expected = conv2d(&dense, &weight, stride, padding, 1.).unwrap();
            assert_eq!(found.dims(), expected.dims());
            // Sums of at most 50 products in another order.
            assert!(error(&found, &flat(&expected)) < 1e-14, "kernel {kernel}");
        }
    }
}

#[test]
fn derivatives_of_a_convolution_of_labels() {
    let (classes, edges) = maps(1, 6, 9);
    let labels = Labels::new(&classes, Some(&edges), 5).unwrap();
    let weight = var(&[2, 6, 3, 3], 1);
    check("label_conv2d", &[&weight], &[&weight], || label_conv2d(&labels, &weight.tanh()?, 1, 1)?.sqr());
    check("label_conv2d stride 2", &[&weight], &[&weight], || label_conv2d(&labels, &weight.tanh()?, 2, 2)?.sqr());
}

#[test]
fn label_maps_are_resized_and_mirrored_as_their_tensors() {
    let (classes, edges) = maps(2, 12, 8);
    let labels = Labels::new(&classes, Some(&edges), 5).unwrap();
    let one_hot = |labels: &Labels| labels.one_hot(DType::F64, &Device::Cpu).unwrap();
    let small = labels.resize([3, 4]).unwrap();
    let rows = Tensor::new(&[0u32, 4, 8], &Device::Cpu).unwrap();
    let columns = Tensor::new(&[0u32, 2, 4, 6], &Device::Cpu).unwrap();
    let expected = one_hot(&labels).index_select(&rows, 2).unwrap().index_select(&columns, 3).unwrap();
    assert_eq!(flat(&one_hot(&small)), flat(&expected));
    assert_eq!(flat(&one_hot(&small.resize([6, 8]).unwrap())), flat(&upsample_nearest2x(&expected).unwrap()));
    let padded = labels.reflect(3).unwrap();
    assert_eq!(flat(&one_hot(&padded)), flat(&reflect_pad2d(&one_hot(&labels), 3).unwrap()));
    let twice = Labels::cat(&[&labels, &labels]).unwrap();
    let (both, one) = (one_hot(&twice), one_hot(&labels));
    assert_eq!(flat(&both), flat(&Tensor::cat(&[&one, &one], 0).unwrap()));
}

#[test]
fn wrong_label_maps_are_refused_with_a_sentence() {
    let (classes, edges) = maps(1, 4, 10);
    let says = |result: Result<Labels>, part: &str| {
        let message = result.err().unwrap().to_string();
        assert!(message.contains(part), "{message}");
    };
    says(Labels::new(&classes, None, 3), "class 4; the network knows 0 to 2");
    says(Labels::new(&classes.to_dtype(DType::F32).unwrap(), None, 5), "whole numbers");
    says(Labels::new(&classes, Some(&edges.narrow(2, 0, 2).unwrap()), 5), "expected [n, 1, h, w]");
    let labels = Labels::new(&classes, None, 5).unwrap();
    says(labels.reflect(4), "too small");
    says(labels.resize([0, 3]), "cannot be resized");
    assert!(label_conv2d(&labels, &tensor(&[2, 6, 3, 3], 1), 1, 1).unwrap_err().to_string().contains("do not fit"));
}

#[test]
fn edges_between_instances_are_marked_on_both_sides() {
    let ids = Tensor::new(&[[[[1u32, 1, 1, 2], [1, 1, 1, 2], [3, 1, 1, 2]]]], &Device::Cpu).unwrap();
    let expected = [0., 0., 1., 1., 1., 0., 1., 1., 1., 1., 1., 1.];
    assert_eq!(flat(&instance_edges(&ids).unwrap()), expected);
}

#[test]
fn mirrored_padding() {
    let x = Tensor::new(&[[[[1f64, 2., 3.], [4., 5., 6.]]]], &Device::Cpu).unwrap();
    let expected = [5., 4., 5., 6., 5., 2., 1., 2., 3., 2., 5., 4., 5., 6., 5., 2., 1., 2., 3., 2.];
    assert_eq!(flat(&reflect_pad2d(&x, 1).unwrap()), expected);
    assert!(reflect_pad2d(&x, 2).is_err());
    let x = var(&[1, 2, 4, 3], 1);
    check("reflect_pad2d", &[&x], &[&x], || reflect_pad2d(&x.tanh()?, 2)?.sqr());
}

#[test]
fn normalisation_by_statistics() {
    let x = var(&[3, 2, 3, 4], 1);
    let (gamma, beta) = (var(&[3, 2, 3, 4], 2), var(&[3, 2, 3, 4], 3));
    let (mean, spread) = (tensor(&[2], 4), tensor(&[2], 5).sqr().unwrap());
    type Of = fn(&Tensor, &Tensor, &Tensor) -> Result<Statistics>;
    let kinds: [(&str, Of); 4] = [
        ("batch", |x, _, _| Statistics::batch(x)),
        ("instances", |x, _, _| Statistics::instances(x)),
        ("fixed", |_, mean, spread| Statistics::fixed(mean, spread)),
        ("nothing", |_, _, _| Ok(Statistics::nothing())),
    ];
    for (kind, of) in kinds {
        check(&format!("standardize, {kind}"), &[&x], &[&x], || {
            let x = x.tanh()?;
            standardize(&x, &of(&x, &mean, &spread)?, 1e-3)
        });
        for slope in [1., 0.2] {
            check(&format!("spade_norm, {kind}, slope {slope}"), &[&x, &gamma, &beta], &[&x, &gamma], || {
                let x = x.tanh()?;
                spade_norm(&x, &gamma.tanh()?, &beta, &of(&x, &mean, &spread)?, 1e-3, slope)
            });
        }
    }
}

#[test]
fn normalised_values_and_running_statistics() {
    let x = tensor(&[3, 2, 5, 7], 1);
    let statistics = Statistics::batch(&x).unwrap();
    let mean = x.mean_keepdim((0, 2, 3)).unwrap();
    let centred = x.broadcast_sub(&mean).unwrap();
    let squares = centred.sqr().unwrap().sum_keepdim((0, 2, 3)).unwrap();
    let close = |a: &Tensor, b: &Tensor| assert!(error(a, &flat(b)) < 1e-13);
    close(&statistics.mean(DType::F64, &Device::Cpu).unwrap(), &mean);
    close(&statistics.unbiased_variance(DType::F64, &Device::Cpu).unwrap(), &(&squares / 104.).unwrap());
    let rstd = ((squares / 105.).unwrap() + 1e-5).unwrap().sqrt().unwrap().recip().unwrap();
    let hat = centred.broadcast_mul(&rstd).unwrap();
    close(&standardize(&x, &statistics, 1e-5).unwrap(), &hat);
    let (gamma, beta) = (tensor(&[3, 2, 5, 7], 2), tensor(&[3, 2, 5, 7], 3));
    let y = ((hat * (&gamma + 1.).unwrap()).unwrap() + &beta).unwrap();
    let leaky = (y.relu().unwrap() - (y.neg().unwrap().relu().unwrap() * 0.2).unwrap()).unwrap();
    close(&spade_norm(&x, &gamma, &beta, &statistics, 1e-5, 0.2).unwrap(), &leaky);
    // Statistics of another tensor are refused.
    assert!(standardize(&x.narrow(0, 0, 2).unwrap(), &statistics, 1e-5).is_err());
    assert!(spade_norm(&x, &gamma.narrow(0, 0, 2).unwrap(), &beta, &statistics, 1e-5, 1.).is_err());
    // f32 keeps its digits where the mean is large against the spread.
    let shifted = ((&x * 0.01).unwrap() + 100.).unwrap().to_dtype(DType::F32).unwrap();
    let wide = shifted.to_dtype(DType::F64).unwrap();
    let found = standardize(&shifted, &Statistics::batch(&shifted).unwrap(), 1e-5).unwrap();
    let expected = standardize(&wide, &Statistics::batch(&wide).unwrap(), 1e-5).unwrap();
    assert!(error(&found, &flat(&expected)) < 1e-3);
}
