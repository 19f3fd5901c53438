//! Pictures of a generator as a stream of image batches.

use crate::path_length::label_rows;
use crate::samples::Batch;
use crate::{Error, Result, SourceError};
use candle_core::{DType, Device, Tensor};
use stylegan_core::latent::{StreamKey, truncate};
use stylegan_core::{Generator, NoiseKeys, NoiseMode, Synthesis, broadcast_ws};

/// Pictures synthesised at once: this many at 64x64, fewer of larger ones.
const CHUNK: usize = 16;

/// A generator and how its pictures are drawn.
#[derive(Clone, Copy)]
pub struct GeneratorSource<'a> {
    /// The network.
    pub generator: &'a dyn Generator,
    /// Content hash of the file it came from; without one nothing is cached.
    pub hash: Option<&'a str>,
    /// Labels `[c_dim]` to draw from, each as likely; empty for unconditional networks.
    pub labels: &'a [Vec<f32>],
    /// Truncation psi on all layers; 1 is no truncation, as all published metrics use.
    pub truncation_psi: f64,
}

impl<'a> GeneratorSource<'a> {
    /// Without hash, labels and truncation.
    pub fn new(generator: &'a dyn Generator) -> Self {
        Self { generator, hash: None, labels: &[], truncation_psi: 1. }
    }

    /// Pictures 0, 1, … of `seed`, without end. Picture `i` (its latent, label and noise) depends on
    /// `seed` and `i` alone.
    pub fn pictures(self, seed: u64) -> impl Iterator<Item = Batch> + 'a {
        let [h, w] = self.generator.img_size();
        let chunk = (CHUNK * 64 * 64 / (h * w).max(1)).clamp(1, CHUNK) as u64;
        (0..).step_by(chunk as usize).map(move |first: u64| {
            let indices: Vec<u64> = (first..first + chunk).collect();
            self.batch(seed, &indices).map_err(SourceError::from)
        })
    }

    fn batch(&self, seed: u64, indices: &[u64]) -> Result<Tensor> {
        let (generator, key) = (self.generator, StreamKey::new(seed, "metric pictures", 0));
        let z = key.normal_rows(indices, 0, &[generator.z_dim()], DType::F32, &Device::Cpu)?;
        let c = label_rows(generator, self.labels, &key, indices, 1)?;
        let w = generator.mapping(&z, c.as_ref())?;
        let mut ws = broadcast_ws(&w, generator.num_ws())?;
        if self.truncation_psi != 1. {
            let Some(w_avg) = generator.w_avg() else {
                let expected = "truncation psi 1".into();
                return Err(Error::Generator { found: "has no average style to truncate to".into(), expected });
            };
            ws = truncate(&ws, w_avg, self.truncation_psi, None)?;
        }
        let noise = NoiseKeys::new(StreamKey::new(seed, "metric noise", 0), indices.iter().copied());
        Ok(generator.synthesis(&ws, &Synthesis::with_noise(NoiseMode::Random(&noise)))?)
    }
}
