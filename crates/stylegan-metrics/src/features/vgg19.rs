//! VGG19 (Simonyan and Zisserman 2015, configuration E), as the perceptual loss of SPADE and pix2pixHD
//! compares pictures.

use super::PerceptualDistance;
use super::pool::max_pool;
use super::weights::{ConvRelu, Weights};
use crate::images::check_alike;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};

/// Output channels and number of convolutions of each block that is looked at; of the last one only the first
/// convolution is. Pools of 2x2 pixels stand between.
const BLOCKS: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 1)];
/// What the distance behind the first convolution of each block counts.
const COUNTS: [f64; 5] = [1. / 32., 1. / 16., 1. / 8., 1. / 4., 1.];

/// VGG19 up to `relu5_1`, with distances behind the first activation of each block: mean absolute differences
/// that count 1/32, 1/16, 1/8, 1/4 and 1 (Wang et al. 2018; Park et al. 2019, appendix A). Pictures enter in
/// [-1, 1], without ImageNet's mean and deviation, as in the official code. Names are torchvision's:
/// `features.{i}.{weight,bias}`.
#[derive(Debug, Clone)]
pub struct Vgg19 {
    blocks: Vec<Vec<ConvRelu>>,
    hash: String,
    device: Device,
}

impl Vgg19 {
    /// The network with these weights; others in the file (later layers) are not looked at.
    ///
    /// # Errors
    /// A tensor that is missing or has another shape.
    pub fn new(weights: &Weights, device: &Device) -> Result<Self> {
        let (mut blocks, mut place, mut c) = (Vec::new(), 0, 3);
        for (k, convs) in BLOCKS {
            let mut block = Vec::new();
            for _ in 0..convs {
                block.push(ConvRelu::new(weights, &format!("features.{place}"), [k, c, 3, 3], 1, 1)?);
                // A ReLU follows each convolution, a pool each block.
                place += 2;
                c = k;
            }
            place += 1;
            blocks.push(block);
        }
        Ok(Self { blocks, hash: weights.hash().into(), device: device.clone() })
    }
}

impl PerceptualDistance for Vgg19 {
    fn name(&self) -> &str {
        "vgg19"
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn definition(&self) -> &str {
        "VGG19: mean absolute differences of relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1, times 1/32, 1/16, 1/8, 1/4 \
         and 1, sum; pictures in [-1, 1] as they are"
    }

    fn distance(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        check_alike(a, b)?;
        self.between(&self.activations(a)?, &self.activations(b)?)
    }

    fn activations(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        let (mut x, mut taps) = (images.to_device(&self.device)?.to_dtype(DType::F32)?, Vec::new());
        for (b, block) in self.blocks.iter().enumerate() {
            if b > 0 {
                x = max_pool(&x, 2, 2, 0, false)?;
            }
            for (i, conv) in block.iter().enumerate() {
                x = conv.forward(&x)?;
                if i == 0 {
                    taps.push(x.clone());
                }
            }
        }
        Ok(taps)
    }

    fn between(&self, a: &[Tensor], b: &[Tensor]) -> Result<Tensor> {
        let of_other = || Error::Mismatch {
            what: "number of activations to compare",
            left: a.len().to_string(),
            right: b.len().to_string(),
        };
        if a.len() != COUNTS.len() || b.len() != COUNTS.len() {
            return Err(of_other());
        }
        let mut sum: Option<Tensor> = None;
        for ((a, b), count) in a.iter().zip(b).zip(COUNTS) {
            let part = ((a - b)?.abs()?.flatten_from(1)?.mean(1)? * count)?;
            sum = Some(match sum {
                Some(sum) => (sum + part)?,
                None => part,
            });
        }
        sum.ok_or_else(of_other)
    }
}
