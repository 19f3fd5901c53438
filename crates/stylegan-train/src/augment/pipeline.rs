//! The augmentation of a batch of images.

use super::{AugmentConfig, Numbers, color, corruption, filter, geometry};
use candle_core::{DType, Device, Result, Tensor};
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
    /// `[n, c, h, w]` of the images it is for.
    shape: [usize; 4],
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
            shape: [numbers.len(), c, h, w],
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

    /// The images `[n, c, h, w]` as the discriminator is to see them. Differentiable twice.
    ///
    /// # Errors
    /// When there are not as many images as were drawn for, or not of their shape.
    pub fn apply(&self, images: &Tensor) -> Result<Tensor> {
        if images.dims() != self.shape {
            candle_core::bail!(
                "augmentation: images of shape {:?}, expected {:?} as it was drawn for",
                images.dims(),
                self.shape
            )
        }
        let moved = affine_resample(images, &self.maps)?;
        let colored = color_transform(&moved, &self.colors)?;
        let filtered = filter_images(&colored, &self.filters)?;
        let noisy = match &self.noise {
            Some(noise) => {
                let strengths = Tensor::from_slice(&self.strengths, (self.strengths.len(), 1, 1, 1), noise.device())?;
                let noise = noise.to_dtype(DType::F64)?.broadcast_mul(&strengths)?;
                (filtered + noise.to_dtype(images.dtype())?.to_device(images.device())?)?
            }
            None => filtered,
        };
        cutout(&noisy, &self.holes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::augment::Pipe;

    fn augmented(images: &Tensor, indices: &[u64], purpose: &'static str) -> Vec<f32> {
        let config = AugmentConfig { pipe: Pipe::Bgcfnc, ..Default::default() };
        let shape: [usize; 3] = images.dims()[1..].try_into().unwrap();
        let key = StreamKey::new(1, purpose, 7);
        let augmentation = Augmentation::draw(&config, 0.8, &key, indices, shape).unwrap();
        augmentation.apply(images).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn an_image_depends_on_its_index_and_purpose_alone() {
        let images = Tensor::rand(-1f32, 1f32, (6, 4, 12, 20), &Device::Cpu).unwrap();
        let whole = augmented(&images, &[5, 6, 7, 8, 9, 10], "D real augment");
        let parts = [(0, 1), (1, 2), (3, 3)].map(|(start, len)| {
            let indices: Vec<u64> = (5..11).collect();
            augmented(&images.narrow(0, start, len).unwrap(), &indices[start..start + len], "D real augment")
        });
        assert_eq!(whole, parts.concat());
        let other = augmented(&images, &[5, 6, 7, 8, 9, 10], "D fake augment");
        let size = 4 * 12 * 20;
        assert!(whole.chunks(size).zip(other.chunks(size)).all(|(a, b)| a != b));
    }

    #[test]
    fn without_probability_nothing_happens() {
        let images = Tensor::rand(-1f32, 1f32, (3, 3, 8, 8), &Device::Cpu).unwrap();
        let config = AugmentConfig { pipe: Pipe::Bgcfnc, ..Default::default() };
        let key = StreamKey::new(1, "test augment", 0);
        let same = Augmentation::draw(&config, 0., &key, &[0, 1, 2], [3, 8, 8]).unwrap().apply(&images).unwrap();
        assert_eq!(same.id(), images.id());
        // Other counts than were drawn for are an error.
        let two = Augmentation::draw(&config, 0.5, &key, &[0, 1], [3, 8, 8]).unwrap();
        assert!(two.apply(&images).unwrap_err().to_string().contains("expected [2, 3, 8, 8]"));
    }
}
