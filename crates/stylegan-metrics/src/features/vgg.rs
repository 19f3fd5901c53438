//! VGG16 (Simonyan and Zisserman 2015, configuration D) as a feature network.

use super::pool::max_pool;
use super::weights::{ConvRelu, Weights};
use super::{FeatureNetwork, Resize};
use crate::Result;
use candle_core::{Device, Tensor};

/// Side of the pictures that the network sees.
const SIDE: usize = 224;
/// Output channels and number of convolutions of each block; pools of 2x2 pixels stand between.
pub(super) const BLOCKS: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];
/// Length of the fully connected activations.
const FEATURES: usize = 4096;
/// Mean and deviation of ImageNet's levels in [0, 1].
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// The place of each convolution among torchvision's `features`.
pub(super) fn conv_places() -> Vec<usize> {
    let (mut places, mut next) = (Vec::new(), 0);
    for (_, convs) in BLOCKS {
        // Each convolution is followed by a ReLU, each block by a pool.
        places.extend((0..convs).map(|i| next + 2 * i));
        next += 2 * convs + 1;
    }
    places
}

/// VGG16 with its first two fully connected layers, as torch-fidelity (torchvision's weights) and NVIDIA's programs
/// (`vgg16.pt`) look at pictures for precision and recall. Names are torchvision's: `features.{i}.{weight,bias}`,
/// `classifier.{0,3}.{weight,bias}`; the network is called what its weights are.
#[derive(Debug, Clone)]
pub struct Vgg16 {
    blocks: Vec<Vec<ConvRelu>>,
    /// Weight `[out, in]` and bias `[out]`.
    layers: [(Tensor, Tensor); 2],
    name: String,
    hash: String,
    device: Device,
}

impl Vgg16 {
    /// The network with these weights.
    ///
    /// # Errors
    /// A tensor that is missing or has another shape.
    pub fn new(weights: &Weights, device: &Device) -> Result<Self> {
        let (mut blocks, mut places, mut c) = (Vec::new(), conv_places().into_iter(), 3);
        for (k, convs) in BLOCKS {
            let mut block = Vec::new();
            for place in places.by_ref().take(convs) {
                block.push(ConvRelu::new(weights, &format!("features.{place}"), [k, c, 3, 3], 1, 1)?);
                c = k;
            }
            blocks.push(block);
        }
        let layer = |index: usize, inputs: usize| -> Result<(Tensor, Tensor)> {
            let weight = weights.get(&format!("classifier.{index}.weight"), &[FEATURES, inputs])?;
            Ok((weight, weights.get(&format!("classifier.{index}.bias"), &[FEATURES])?))
        };
        let layers = [layer(0, c * (SIDE / 32) * (SIDE / 32))?, layer(3, FEATURES)?];
        let (name, hash) = (weights.network().into(), weights.hash().into());
        Ok(Self { blocks, layers, name, hash, device: device.clone() })
    }
}

impl FeatureNetwork for Vgg16 {
    fn name(&self) -> &str {
        &self.name
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn definition(&self) -> &str {
        "second fully connected activation (4096 numbers) of VGG16; pictures resized to 224x224 as TensorFlow 1 does"
    }

    fn dim(&self) -> usize {
        FEATURES
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        let row = |v: [f32; 3]| Tensor::new(&v, &self.device)?.reshape((1, 3, 1, 1));
        let x = Resize::TensorFlow1.apply(images, SIDE, SIDE)?.to_device(&self.device)?;
        let x = ((x + 1.)? * 0.5)?;
        let mut x = x.broadcast_sub(&row(MEAN)?)?.broadcast_div(&row(DEVIATION)?)?;
        for block in &self.blocks {
            for conv in block {
                x = conv.forward(&x)?;
            }
            x = max_pool(&x, 2, 2, 0, false)?;
        }
        let mut x = x.flatten_from(1)?;
        for (weight, bias) in &self.layers {
            x = x.matmul(&weight.t()?)?.broadcast_add(bias)?.relu()?;
        }
        Ok(x)
    }

    fn any_size(&self) -> bool {
        true
    }
}
