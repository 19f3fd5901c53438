//! A segmenter: which class each pixel of a picture is of. SPADE is measured by such a network, trained on real pictures
//! (Park et al. 2019, section 4).

mod config;

pub use config::SegmenterConfig;

use crate::Result;
use crate::error::bad_argument;
use crate::layers::EqualizedConv;
use candle_core::Tensor;
use candle_nn::VarBuilder;
use config::LEVELS;
use stylegan_kernels::{Activation, conv2d, upsample_nearest2x};

/// The gain of leaky ReLU.
const GAIN: f64 = std::f64::consts::SQRT_2;

/// A small encoder and decoder (Ronneberger et al. 2015, U-Net): convolutions of stride 2 down, nearest neighbours up,
/// where what was seen at each size on the way down comes in beside. No normalisation, so that a picture's scores are
/// its own.
#[derive(Debug, Clone)]
pub struct Segmenter {
    config: SegmenterConfig,
    first: EqualizedConv,
    down: Vec<[EqualizedConv; 2]>,
    /// From the smallest size on.
    up: Vec<EqualizedConv>,
    scores: EqualizedConv,
}

impl Segmenter {
    /// `first`, `down.{i}.0` and `down.{i}.1`, `up.{i}` and `scores` of `vb`.
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &SegmenterConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let conv =
            |inputs, outputs, kernel, gain, name: &str| EqualizedConv::new(inputs, outputs, kernel, gain, vb.pp(name));
        let width = |level| config.width(level);
        let down = (0..LEVELS).map(|level| {
            Ok([
                conv(width(level), width(level + 1), 3, GAIN, &format!("down.{level}.0"))?,
                conv(width(level + 1), width(level + 1), 3, GAIN, &format!("down.{level}.1"))?,
            ])
        });
        let up = (0..LEVELS).map(|i| {
            let level = LEVELS - 1 - i;
            conv(width(level + 1) + width(level), width(level), 3, GAIN, &format!("up.{i}"))
        });
        Ok(Self {
            first: conv(config.img_channels, width(0), 3, GAIN, "first")?,
            down: down.collect::<Result<_>>()?,
            up: up.collect::<Result<_>>()?,
            scores: conv(width(0), config.classes, 1, 1., "scores")?,
            config: config.clone(),
        })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &SegmenterConfig {
        &self.config
    }

    /// Pictures `[n, img_channels, h, w]` in [-1, 1] to a score for each class `[n, classes, h, w]`, of which the largest
    /// is that of the pixel.
    ///
    /// # Errors
    /// When pictures have another shape.
    pub fn scores(&self, img: &Tensor) -> Result<Tensor> {
        let (_, c, h, w) = img.dims4()?;
        let SegmenterConfig { img_size: [eh, ew], img_channels, .. } = self.config;
        if (c, h, w) != (img_channels, eh, ew) {
            bad_argument!(
                "the segmenter reads pictures of {ew}x{eh} pixels with {img_channels} channels, found {w}x{h} with {c}"
            )
        }
        let mut x = self.first.forward_lrelu(img)?;
        let mut seen = Vec::with_capacity(LEVELS);
        for [halving, conv] in &self.down {
            let half = conv2d(&x, &halving.weight, 2, 1, halving.gain)?;
            seen.push(x);
            x = conv.forward_lrelu(&halving.activate(&half, Activation::Lrelu)?)?;
        }
        for (conv, beside) in self.up.iter().zip(seen.iter().rev()) {
            x = conv.forward_lrelu(&Tensor::cat(&[&upsample_nearest2x(&x)?, beside], 1)?)?;
        }
        self.scores.forward(&x)
    }

    /// Pictures `[n, img_channels, h, w]` in [-1, 1] to the class of each pixel, `[n, h, w]` u32.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn classes(&self, img: &Tensor) -> Result<Tensor> {
        Ok(self.scores(img)?.argmax(1)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Params;
    use crate::latent::StreamKey;
    use candle_core::{DType, Device};

    #[test]
    fn a_class_for_each_pixel_whoever_is_beside() {
        let config = SegmenterConfig { img_size: [16, 32], classes: 5, channels: 2, ..SegmenterConfig::default() };
        let params = Params::new(0, DType::F32, &Device::Cpu);
        let network = Segmenter::new(&config, params.trainable()).unwrap();
        let key = StreamKey::new(0, "test", 0);
        let img = key.normal_rows(&[0, 1, 2], 0, &[3, 16, 32], DType::F32, &Device::Cpu).unwrap();
        let all = network.scores(&img).unwrap();
        assert_eq!(all.dims(), [3, 5, 16, 32]);
        let one = network.scores(&img.narrow(0, 1, 1).unwrap()).unwrap();
        let apart = (all.narrow(0, 1, 1).unwrap() - one).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        // Sums of f32 numbers of about 1, which a batch of another size may add in another order.
        assert!(apart.iter().all(|x| x.abs() < 1e-5));
        assert_eq!(network.classes(&img).unwrap().dims(), [3, 16, 32]);
        let error = network.scores(&img.narrow(3, 0, 16).unwrap()).unwrap_err().to_string();
        assert!(error.contains("32x16 pixels with 3 channels, found 16x16"), "{error}");
        let odd = SegmenterConfig { img_size: [24, 32], ..config };
        assert!(odd.validate().unwrap_err().to_string().contains("multiples of 16"));
    }
}
