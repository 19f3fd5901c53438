//! Sampling: the one way from latents over style rows to images.

use crate::error::bad_argument;
use crate::latent::{StreamKey, truncate};
use crate::{Condition, Generator, NoiseKeys, NoiseLayers, NoiseMode, Result, SynthesisOptions, broadcast_ws};
use candle_core::{DType, Device, Tensor};

/// A generator with the settings under which it makes images. Programs, metrics and sample grids all go this way:
/// latents `[n, z_dim]` become [style rows](Self::styles) `[n, num_ws, w_dim]`, and these become
/// [images](Self::images). The random inputs of a sample depend on its index alone, not on its neighbours.
///
/// ```
/// use candle_core::Device;
/// use stylegan_core::latent::StreamKey;
/// use stylegan_core::{Condition, Model, Sampler};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("network.safetensors");
/// # stylegan_core::doc::save_tiny_network(&path)?;
/// let model = Model::load(&path, &Device::Cpu)?;
/// let sampler = Sampler { psi: 0.7, ..Sampler::new(model.generator()) };
/// let indices = [0, 1, 2];
/// let z = sampler.latents(&StreamKey::new(1, "faces", 0), &indices, 0)?;
/// let images = sampler.images(&sampler.styles(&z, Condition::None)?, Condition::None, &indices)?;
/// assert_eq!(images.dims(), [3, 3, 16, 16]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Sampler<'a> {
    /// The network.
    pub generator: &'a dyn Generator,
    /// Truncation psi (StyleGAN, appendix B): the factor by which styles keep their distance from the average; 1
    /// is no truncation.
    pub psi: f64,
    /// How many style rows are truncated, from the first on; all for `None`.
    pub cutoff: Option<usize>,
    /// Where the noise inputs come from.
    pub noise: NoiseSource,
    /// Which layers receive noise.
    pub noise_layers: NoiseLayers,
    /// Level of detail of a growing network; images keep their full size.
    pub lod: f64,
}

/// Where the noise inputs of a [`Sampler`]'s images come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NoiseSource {
    /// The maps stored in the network, the same for every image.
    #[default]
    Const,
    /// Fresh maps for each image, from the stream of its index.
    Random(StreamKey),
    /// No noise.
    None,
}

impl<'a> Sampler<'a> {
    /// Without truncation, with the noise maps stored in the network, at full size.
    pub fn new(generator: &'a dyn Generator) -> Self {
        let (noise, noise_layers) = (NoiseSource::default(), NoiseLayers::default());
        Self { generator, psi: 1., cutoff: None, noise, noise_layers, lod: 0. }
    }

    /// Standard normal latents `[n, z_dim]`, f32, in main memory: that of sample `i` from the stream `(indices[i], lane)` of `key`.
    ///
    /// # Errors
    /// When there is no memory for them.
    pub fn latents(&self, key: &StreamKey, indices: &[u64], lane: u64) -> Result<Tensor> {
        key.normal_rows(indices, lane, &[self.generator.spec().z_dim], DType::F32, &Device::Cpu)
    }

    /// Latents `[n, z_dim]` and their condition to style rows `[n, num_ws, w_dim]`, truncated.
    ///
    /// # Errors
    /// When shapes do not fit, or as [`truncate`](Self::truncate).
    pub fn styles(&self, z: &Tensor, condition: Condition) -> Result<Tensor> {
        self.truncate(&self.untruncated(z, condition)?)
    }

    /// The style rows of [`styles`](Self::styles) before truncation, for mixing.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn untruncated(&self, z: &Tensor, condition: Condition) -> Result<Tensor> {
        broadcast_ws(&self.generator.mapping(z, condition)?, self.generator.spec().num_ws)
    }

    /// Moves style rows `[n, num_ws, w_dim]` below the cutoff towards the average style by psi. Networks without an
    /// average leave them as they are when psi is 1.
    ///
    /// # Errors
    /// When the network has no average style and psi is not 1.
    pub fn truncate(&self, ws: &Tensor) -> Result<Tensor> {
        match self.generator.w_avg() {
            Some(w_avg) => truncate(ws, &w_avg.to_device(ws.device())?, self.psi, self.cutoff),
            None if self.psi == 1. => Ok(ws.clone()),
            None => {
                bad_argument!("this network keeps no average style to truncate to; use psi 1 instead of {}", self.psi)
            }
        }
    }

    /// Style rows `[n, num_ws, w_dim]` and their condition to images `[n, img_channels, h, w]`, about in [-1, 1].
    /// `indices` choose the fresh noise of each; they are not looked at for noise of another kind.
    ///
    /// # Errors
    /// When shapes do not fit, or `lod` is out of range.
    pub fn images(&self, ws: &Tensor, condition: Condition, indices: &[u64]) -> Result<Tensor> {
        self.images_with(ws, indices, SynthesisOptions { condition, ..SynthesisOptions::default() })
    }

    /// As [`images`](Self::images), with other options; noise and `lod` of these are the sampler's own in any case.
    ///
    /// # Errors
    /// As [`Generator::synthesis`].
    pub fn images_with(&self, ws: &Tensor, indices: &[u64], options: SynthesisOptions) -> Result<Tensor> {
        let keys;
        let noise = match self.noise {
            NoiseSource::Const => NoiseMode::Const,
            NoiseSource::None => NoiseMode::None,
            NoiseSource::Random(key) => {
                keys = NoiseKeys::new(key, indices.iter().copied());
                NoiseMode::Random(&keys)
            }
        };
        let options = SynthesisOptions { noise, noise_layers: self.noise_layers.clone(), lod: self.lod, ..options };
        self.generator.synthesis(&ws.contiguous()?, &options)
    }

    /// Images to make at a time: as many as have `pixels` in sum, from 1 to `most`.
    pub fn batch_size(&self, pixels: usize, most: usize) -> usize {
        let [h, w] = self.generator.spec().img_size;
        (pixels / (h * w).max(1)).clamp(1, most)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Params;
    use crate::stylegan2::{StyleGan2Config, StyleGan2Generator};

    /// Samples keep their noise and their styles in any batch; only truncated rows move.
    #[test]
    fn samples_do_not_depend_on_their_batch() {
        let config = StyleGan2Config { img_size: [16, 16], z_dim: 5, w_dim: 4, channel_max: 4, ..Default::default() };
        let params = Params::new(0, DType::F32, &Device::Cpu);
        let generator = StyleGan2Generator::new(&config, params.trainable()).unwrap();
        let strength = params.get("synthesis.b8.conv1.noise_strength").unwrap();
        strength.set(&Tensor::new(1f32, &Device::Cpu).unwrap()).unwrap();
        let key = StreamKey::new(1, "test", 0);
        let sampler =
            Sampler { psi: 0.5, cutoff: Some(2), noise: NoiseSource::Random(key), ..Sampler::new(&generator) };
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let make = |indices: &[u64]| {
            let z = sampler.latents(&key, indices, 0).unwrap();
            let ws = sampler.styles(&z, Condition::None).unwrap();
            values(&sampler.images(&ws, Condition::None, indices).unwrap())
        };
        let both = make(&[7, 9]);
        assert_eq!(both, [make(&[7]), make(&[9])].concat());
        let z = sampler.latents(&key, &[7], 0).unwrap();
        let (whole, cut) = (sampler.untruncated(&z, Condition::None), sampler.styles(&z, Condition::None));
        let (whole, cut) = (values(&whole.unwrap()), values(&cut.unwrap()));
        // The average style starts at 0.
        for (row, (whole, cut)) in whole.chunks(4).zip(cut.chunks(4)).enumerate() {
            let factor = if row < 2 { 0.5 } else { 1. };
            assert!(whole.iter().zip(cut).all(|(a, b)| a * factor == *b), "row {row}");
        }
        let still = Sampler { noise: NoiseSource::Const, ..sampler.clone() };
        let ws = still.styles(&z, Condition::None).unwrap();
        assert_ne!(values(&still.images(&ws, Condition::None, &[7]).unwrap()), both[..both.len() / 2]);
        assert_eq!((still.batch_size(1024, 8), still.batch_size(1 << 20, 8), still.batch_size(1, 8)), (4, 8, 1));
    }
}
