//! The feature network of the perceptual loss, with weights by formula.

use crate::cases::{CPU, by_formula};
use candle_core::{DType, Result, Tensor};
use std::collections::HashMap;
use stylegan_kernels::{Activation, conv2d_bias_act};

/// SPADE's perceptual loss: VGG19 with weights by formula, distances behind five of its layers.
pub(crate) fn perceptual(fake: &Tensor, real: &Tensor) -> Result<Tensor> {
    // (index in torchvision's list, inputs, outputs) and slice of each convolution.
    let plan = [
        (1, 0, 3, 64),
        (2, 2, 64, 64),
        (2, 5, 64, 128),
        (3, 7, 128, 128),
        (3, 10, 128, 256),
        (4, 12, 256, 256),
        (4, 14, 256, 256),
        (4, 16, 256, 256),
        (4, 19, 256, 512),
        (5, 21, 512, 512),
        (5, 23, 512, 512),
        (5, 25, 512, 512),
        (5, 28, 512, 512),
    ];
    let names: HashMap<usize, String> = plan.iter().map(|&(s, at, ..)| (at, format!("slice{s}.{at}"))).collect();
    let weights = by_formula("spade_vgg19/", DType::F32, |params| {
        let vb = params.trainable();
        for (_, at, inputs, outputs) in plan {
            let vb = vb.pp(&names[&at]);
            vb.get((outputs, inputs, 3, 3), "weight").unwrap();
            vb.get(outputs, "bias").unwrap();
        }
    });
    let run = |x: &Tensor| -> Result<Vec<Tensor>> {
        let (mut x, mut taps) = (x.clone(), vec![]);
        let vb = weights.frozen();
        for (_, at, inputs, outputs) in plan {
            if [5, 10, 19, 28].contains(&at) {
                let (n, c, h, w) = x.dims4()?;
                x = x.reshape((n, c, h / 2, 2, w / 2, 2))?.max(5)?.max(3)?;
            }
            let vb = vb.pp(&names[&at]);
            let (weight, bias) = (vb.get((outputs, inputs, 3, 3), "weight")?, vb.get(outputs, "bias")?);
            x = conv2d_bias_act(&x, &weight, &bias, 1, 1, 1., Activation::Relu.into())?;
            if [0, 5, 10, 19, 28].contains(&at) {
                taps.push(x.clone());
            }
        }
        Ok(taps)
    };
    let mut total = Tensor::zeros((), DType::F32, &CPU)?;
    let [of_fake, of_real] = [fake, real].map(|x| run(&x.to_dtype(DType::F32)?));
    for ((a, b), weight) in of_fake?.iter().zip(of_real?).zip([1. / 32., 1. / 16., 1. / 8., 1. / 4., 1.]) {
        total = (total + ((a - b)?.abs()?.mean_all()? * weight)?)?;
    }
    total.to_dtype(fake.dtype())
}
