//! ST-LPIPS, AlexNet variant (Ghildyal and Liu, ECCV 2022, <https://arxiv.org/abs/2207.13686>): the
//! embedded feature network.
//!
//! ```text
//! x in [-1, 1] -> (x - shift) / scale
//!   -> conv 11x11 -> blur/2 -> relu = f1 [64]
//!   -> max 3x3 -> blur/2 -> conv 5x5 -> relu = f2 [192]
//!   -> max 3x3 -> blur/2 -> conv 3x3 -> relu = f3 [384]
//!   -> conv 3x3 -> relu = f4 [256] -> conv 3x3 -> relu = f5 [256]
//! ```
//! All strides are in the blurs. The distance of two pictures normalises each pixel's channels of
//! each tap to unit length, weights the squared differences by channel, averages over pixels and
//! sums over the five taps.

use super::perceptual::{between, distance, scaled, unit, unit_taps};
use super::pool::{blur_pool, box_downscale, box_factor};
use super::{FeatureNetwork, PerceptualDistance};
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};
use stylegan_kernels::bias_act::Activation;
use stylegan_kernels::{bias_act, conv2d};

/// The weights, f16; see `assets/README.md` for where they come from.
const WEIGHTS: &[u8] = include_bytes!("../../assets/stlpips_alex.safetensors");
/// Kernel side, padding, and output channels of the five convolutions.
const CONVS: [(usize, usize, usize); 5] = [(11, 2, 64), (5, 2, 192), (3, 1, 384), (3, 1, 256), (3, 1, 256)];
/// The tap whose mean is the feature vector. Of all taps, alone or together, raw or normalised, the
/// third one, normalised, told blurred, noisy, recoloured, repeated and half-swapped satellite
/// photographs from the originals best, in units of the distance between two halves of the originals.
const FEATURE_TAP: usize = 2;
/// Brings features to lengths about 30, as the polynomial kernel of KID expects.
const FEATURE_SCALE: f64 = 100.;
/// Pictures are brought to sides of at least this many pixels, by repeating pixels …
const LEAST_SIDE: usize = 32;
/// … and box-downscaled by a whole factor while their smaller side stays at least this.
const MOST_SIDE: usize = 256;

/// The embedded network.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use stylegan_metrics::features::{PerceptualDistance, StLpips};
///
/// let network = StLpips::embedded(&Device::Cpu)?;
/// let black = Tensor::full(-1f32, (1, 3, 32, 32), &Device::Cpu)?;
/// let white = Tensor::full(1f32, (1, 3, 32, 32), &Device::Cpu)?;
/// assert_eq!(network.distance(&black, &black)?.to_vec1::<f32>()?, [0.]);
/// assert!(network.distance(&black, &white)?.to_vec1::<f32>()?[0] > 0.05);
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StLpips {
    /// Weight `[k, c, r, r]` and bias `[k]` of each convolution.
    convs: Vec<(Tensor, Tensor)>,
    /// Channel weights `[1, k, 1, 1]` of each tap.
    heads: Vec<Tensor>,
    hash: String,
    device: Device,
}

impl StLpips {
    /// The network from the weights in this binary.
    ///
    /// # Errors
    /// When the device has no room for 10 MB.
    pub fn embedded(device: &Device) -> Result<Self> {
        let weights = |problem: String| Error::Weights { network: "stlpips".into(), problem };
        let file = SafeTensors::deserialize(WEIGHTS).map_err(|e| weights(e.to_string()))?;
        let load = |name: &str, shape: &[usize]| -> Result<Tensor> {
            let view = file.tensor(name).map_err(|e| weights(e.to_string()))?;
            if view.shape() != shape {
                return Err(weights(format!("{name} has shape {:?}, expected {shape:?}", view.shape())));
            }
            let dtype = if view.dtype() == safetensors::Dtype::F16 { DType::F16 } else { DType::F32 };
            Ok(Tensor::from_raw_buffer(view.data(), dtype, shape, &Device::Cpu)?
                .to_dtype(DType::F32)?
                .to_device(device)?)
        };
        let (mut convs, mut heads, mut c) = (Vec::new(), Vec::new(), 3);
        for (i, &(r, _, k)) in CONVS.iter().enumerate() {
            let bias = load(&format!("conv{}.bias", i + 1), &[k])?;
            convs.push((load(&format!("conv{}.weight", i + 1), &[k, c, r, r])?, bias));
            heads.push(load(&format!("lin{}.weight", i + 1), &[k])?.reshape((1, k, 1, 1))?);
            c = k;
        }
        let hash = format!("{:x}", Sha256::digest(WEIGHTS));
        Ok(Self { convs, heads, hash, device: device.clone() })
    }

    /// The five taps f1 to f5, each `[n, k, h', w']`, of `images` `[n, 3, h, w]`.
    ///
    /// # Errors
    /// Images of another shape.
    pub fn taps(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        self.first_taps(images, CONVS.len())
    }

    fn first_taps(&self, images: &Tensor, count: usize) -> Result<Vec<Tensor>> {
        let mut x = scaled(&fit(images)?, &self.device)?;
        let mut taps = Vec::with_capacity(CONVS.len());
        for (i, ((weight, bias), &(_, padding, _))) in self.convs.iter().zip(&CONVS).take(count).enumerate() {
            if i == 1 || i == 2 {
                x = blur_pool(&x, 3)?;
            }
            x = conv2d(&x, weight, 1, padding, 1.)?;
            // A blur keeps constants, so the bias can wait until there are fewer pixels.
            if i == 0 {
                x = blur_pool(&x, 1)?;
            }
            x = bias_act(&x, Some(bias), Activation::Relu.into())?;
            taps.push(x.clone());
        }
        Ok(taps)
    }
}

impl FeatureNetwork for StLpips {
    fn name(&self) -> &str {
        "stlpips"
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn definition(&self) -> &str {
        "100 times the spatial mean of the third activation, each pixel's 384 channels normalised to unit length and \
         weighted by the square roots of the metric's own channel weights; pictures whose smaller side is 512 pixels \
         or more are box-downscaled by a whole factor to 256 or more, those under 32 are enlarged by repeating pixels"
    }

    fn dim(&self) -> usize {
        CONVS[FEATURE_TAP].2
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        let taps = self.first_taps(images, FEATURE_TAP + 1)?;
        let weight = (self.heads[FEATURE_TAP].relu()?.sqrt()? * FEATURE_SCALE)?;
        Ok(unit(&taps[FEATURE_TAP])?.broadcast_mul(&weight)?.flatten_from(2)?.mean(2)?)
    }
}

impl PerceptualDistance for StLpips {
    fn name(&self) -> &str {
        "stlpips"
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn definition(&self) -> &str {
        "ST-LPIPS, AlexNet variant vST0.0: unit-normalised channels of five activations, weighted squared differences, \
         spatial means, sum"
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

/// Brings pictures `[n, 3, h, w]` to a size the network is meant for, by whole factors.
fn fit(images: &Tensor) -> candle_core::Result<Tensor> {
    let (_, c, h, w) = images.dims4()?;
    if c != 3 || h == 0 || w == 0 {
        candle_core::bail!("stlpips: expected pictures [n, 3, h, w], found {:?}", images.dims())
    }
    let side = h.min(w);
    if side >= 2 * MOST_SIDE {
        box_downscale(images, box_factor(h, w, MOST_SIDE))
    } else if side < LEAST_SIDE {
        let times = LEAST_SIDE.div_ceil(side);
        let repeat = |n: usize| (0..n * times).map(|i| (i / times) as u32).collect::<Vec<_>>();
        let images = images.contiguous()?.index_select(&Tensor::new(repeat(h), images.device())?, 2)?;
        images.index_select(&Tensor::new(repeat(w), images.device())?, 3)
    } else {
        Ok(images.clone())
    }
}
