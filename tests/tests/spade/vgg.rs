//! The feature network of the perceptual loss, with weights by formula.

use super::cases::by_formula;
use candle_core::{DType, Device, Result, Tensor};
use stylegan_metrics::features::{PerceptualDistance, Vgg19, Weights};
use stylegan_tests::golden::Place;

/// VGG19 with weights by the formula of the original's names, on a device.
pub(crate) fn vgg19(device: &Device) -> Vgg19 {
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
    let weights = by_formula("spade_vgg19/", &Place::cpu(DType::F32), |params| {
        let vb = params.trainable();
        for (slice, at, inputs, outputs) in plan {
            let vb = vb.pp(format!("slice{slice}.{at}"));
            vb.get((outputs, inputs, 3, 3), "weight").unwrap();
            vb.get(outputs, "bias").unwrap();
        }
    });
    let of_torchvision = |name: String| format!("features.{}", name.split_once('.').unwrap().1);
    let tensors = weights.vars().into_iter().map(|(name, var)| (of_torchvision(name), var.as_detached_tensor()));
    Vgg19::new(&Weights::new("vgg19", tensors, device).unwrap(), device).unwrap()
}

/// SPADE's perceptual loss, the mean of the pictures.
pub(crate) fn perceptual(fake: &Tensor, real: &Tensor) -> Result<Tensor> {
    let network = vgg19(fake.device());
    let [a, b] = [fake, real].map(|images| network.activations(&images.to_dtype(DType::F32).unwrap()).unwrap());
    network.between(&a, &b).unwrap().mean_all()?.to_dtype(fake.dtype())
}
