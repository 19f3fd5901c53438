//! The random inputs of a shard, as pure functions of seed, purpose, step and global sample.

use crate::Result;
use crate::data::Labels;
use candle_core::{DType, Device, Tensor};
use stylegan_core::NoiseKeys;
use stylegan_core::latent::StreamKey;

/// The purposes that address a phase's random streams. Phases with equal purposes see equal numbers
/// in the same iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    /// Latents.
    pub latent: &'static str,
    /// Labels of generated samples.
    pub label: &'static str,
    /// Which samples mix two styles, and where.
    pub mixing: &'static str,
    /// Noise of the layers.
    pub noise: &'static str,
}

impl Streams {
    /// For recipes in which no two phases need different numbers.
    pub const UNNAMED: Self = Self { latent: "latent", label: "label", mixing: "mixing", noise: "noise" };
}

/// Random inputs of some samples, addressed by the run's seed, the purpose, the iteration and each
/// sample's global index (the number of real images shown before it), never by shard, thread or rank.
#[derive(Debug, Clone)]
pub struct RandomInputs<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Iterations done.
    pub step: u64,
    /// The purposes of this phase.
    pub streams: Streams,
    /// Global index of each sample.
    pub indices: Vec<u64>,
    /// The set's labels, which generated samples draw theirs from.
    pub labels: &'a Labels,
    /// Pictures in the set.
    pub pictures: usize,
}

impl RandomInputs<'_> {
    /// The family of streams for a purpose.
    pub fn key(&self, purpose: &'static str) -> StreamKey {
        StreamKey::new(self.seed, purpose, self.step)
    }

    /// Standard normal numbers `[n, …shape]`, f32.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn normal(&self, purpose: &'static str, lane: u64, shape: &[usize]) -> Result<Tensor> {
        Ok(self.key(purpose).normal_rows(&self.indices, lane, shape, DType::F32, &Device::Cpu)?)
    }

    /// One uniform number per sample, `[n, 1, 1, 1]`, f32 in [0, 1).
    ///
    /// # Errors
    /// When the device has no room.
    pub fn uniform(&self, purpose: &'static str) -> Result<Tensor> {
        let key = self.key(purpose);
        let t: Vec<f32> = self.indices.iter().map(|&i| key.stream(i, 0).uniform() as f32).collect();
        Ok(Tensor::from_vec(t, (self.indices.len(), 1, 1, 1), &Device::Cpu)?)
    }

    /// Labels of pictures drawn from the set, `[n, c_dim]`, f32; `None` for a set without labels.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn labels(&self) -> Result<Option<Tensor>> {
        let key = self.key(self.streams.label);
        let drawn = |&index: &u64| key.stream(index, 0).below(self.pictures as u64) as usize;
        self.labels.rows(self.indices.iter().map(drawn))
    }

    /// The noise inputs of the samples' layers.
    pub fn noise(&self) -> NoiseKeys {
        NoiseKeys::new(self.key(self.streams.noise), self.indices.iter().copied())
    }
}
