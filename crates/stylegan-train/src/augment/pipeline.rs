//! The augmentation of a batch of images.

use super::{AugmentConfig, Numbers, color, corruption, filter, geometry};
use crate::Result;
use candle_core::{DType, Device, Tensor};
use stylegan_core::latent::StreamKey;
use stylegan_kernels::augment::{
    AffineMap, ColorMatrix, Rectangle, affine_resample, color_transform, cutout, filter_images,
};

/// Lanes of an image's stream: its numbers, and its noise.
const NUMBERS: u64 = 0;
const NOISE: u64 = 1;

/// What happens to each image of a batch: geometry, colour, filter, noise, cutout, in this order.
#[derive(Debug, Clone)]
pub struct Augmentation {
    maps: Vec<AffineMap>,
    colors: Vec<ColorMatrix>,
    filters: Vec<Option<Vec<f64>>>,
    strengths: Vec<f64>,
    /// Standard normal `[n, c, h, w]`, where there is noise.
    noise: Option<Tensor>,
    holes: Vec<Rectangle>,
}

impl Augmentation {
    /// The augmentation, with probability `p`, of the samples with the global numbers `indices`:
    /// images of `shape` `[c, h, w]`. `key` says for what (of which network's step, real or
    /// generated); no sample's augmentation depends on the others or on how a batch is cut.
    ///
    /// # Errors
    /// When the noise has no room.
    pub fn draw(config: &AugmentConfig, p: f64, key: &StreamKey, indices: &[u64], shape: [usize; 3]) -> Result<Self> {
        let numbers: Vec<Numbers> =
            indices.iter().map(|&index| Numbers::draw(&mut key.stream(index, NUMBERS))).collect();
        let augmentation = Self::new(config, p, &numbers, shape);
        if augmentation.strengths.iter().all(|&strength| strength == 0.) {
            return Ok(augmentation);
        }
        let len = shape.iter().product();
        let mut noise = Vec::with_capacity(indices.len() * len);
        for (&index, &strength) in indices.iter().zip(&augmentation.strengths) {
            match strength {
                0. => noise.resize(noise.len() + len, 0.),
                _ => noise.extend(key.stream(index, NOISE).normals_f32(len)),
            }
        }
        let [c, h, w] = shape;
        let noise = Tensor::from_vec(noise, (indices.len(), c, h, w), &Device::Cpu)?;
        Ok(Self { noise: Some(noise), ..augmentation })
    }

    /// The augmentation that numbers mean, one [`Numbers`] per image of `shape` `[c, h, w]`; without
    /// noise.
    pub fn new(config: &AugmentConfig, p: f64, numbers: &[Numbers], [c, h, w]: [usize; 3]) -> Self {
        let config = &config.in_force();
        let size = [h, w];
        Self {
            maps: numbers.iter().map(|n| geometry::affine_map(n, config, p, size)).collect(),
            colors: numbers.iter().map(|n| color::color_matrix(n, config, p, c)).collect(),
            filters: numbers.iter().map(|n| filter::taps(n, config, p)).collect(),
            strengths: numbers.iter().map(|n| corruption::noise_strength(n, config, p)).collect(),
            noise: None,
            holes: numbers.iter().map(|n| corruption::hole(n, config, p, size)).collect(),
        }
    }

    /// The same with noise from standard normal numbers `[n, c, h, w]`.
    #[must_use]
    pub fn with_noise(self, noise: Tensor) -> Self {
        Self { noise: Some(noise), ..self }
    }

    /// The same with the margins that the official program would take, on each side the largest of the
    /// batch, for comparisons with it: then images depend on their batch mates.
    #[must_use]
    pub fn with_shared_margins(mut self) -> Self {
        let largest = std::array::from_fn(|side| self.maps.iter().map(|map| map.margins()[side]).max().unwrap_or(0));
        self.maps.iter_mut().for_each(|map| *map = map.with_margins(largest));
        self
    }

    /// The images `[n, c, h, w]` as the discriminator is to see them. Differentiable twice.
    ///
    /// # Errors
    /// When there are not as many images as were drawn for, or not of their shape.
    pub fn apply(&self, images: &Tensor) -> Result<Tensor> {
        let moved = affine_resample(images, &self.maps)?;
        let colored = color_transform(&moved, &self.colors)?;
        let filtered = filter_images(&colored, &self.filters)?;
        let noisy = match &self.noise {
            Some(noise) => {
                let strengths = Tensor::from_slice(&self.strengths, (self.strengths.len(), 1, 1, 1), noise.device())?;
                let noise = noise.to_dtype(DType::F64)?.broadcast_mul(&strengths)?;
                (filtered + noise.to_dtype(images.dtype())?)?
            }
            None => filtered,
        };
        Ok(cutout(&noisy, &self.holes)?)
    }
}
