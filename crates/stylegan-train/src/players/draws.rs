//! The random inputs of a turn: latents, labels, mixing, noise.

use crate::Result;
use crate::data::Labels;
use candle_core::{DType, Device, Tensor};
use stylegan_core::latent::StreamKey;
use stylegan_core::{Generator, NoiseKeys, NoiseMode, Synthesis};

/// Whose turn it is: the two draw from unrelated streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Player {
    Generator,
    Discriminator,
}

/// Random inputs addressed by the run's seed, the turn and a sample's global index (the number of
/// real pictures shown before it), never by shard, thread or rank.
#[derive(Clone, Copy)]
pub(crate) struct Draws<'a> {
    pub(crate) seed: u64,
    pub(crate) player: Player,
    pub(crate) step: u64,
    /// The set's labels, which generated pictures draw theirs from; `None` without conditioning.
    pub(crate) labels: Option<&'a Labels>,
    /// Pictures in the set.
    pub(crate) pictures: usize,
    pub(crate) mixing_probability: f64,
}

/// Pictures that a generator made, and what is needed of the way there.
pub(crate) struct Generated {
    /// `[n, c, h, w]` at the resolution in training.
    pub(crate) pictures: Tensor,
    /// Labels `[n, c_dim]`, for conditional networks.
    pub(crate) labels: Option<Tensor>,
    /// The sum of styles over samples, for `w_avg`; empty for generators without it.
    pub(crate) style_sum: Vec<f32>,
}

impl Draws<'_> {
    fn key(&self, for_g: &'static str, for_d: &'static str) -> StreamKey {
        let purpose = match self.player {
            Player::Generator => for_g,
            Player::Discriminator => for_d,
        };
        StreamKey::new(self.seed, purpose, self.step)
    }

    /// Generates a picture for each sample in `indices`.
    pub(crate) fn generate(&self, generator: &dyn Generator, indices: &[u64], lod: f64) -> Result<Generated> {
        let device = Device::Cpu;
        let labels = match self.labels {
            None => None,
            Some(labels) => {
                let key = self.key("G label", "D label");
                let mut rows = Vec::with_capacity(indices.len() * labels.dim());
                for &index in indices {
                    labels.push_row(key.stream(index, 0).below(self.pictures as u64) as usize, &mut rows);
                }
                Some(Tensor::from_vec(rows, (indices.len(), labels.dim()), &device)?)
            }
        };
        let latents = self.key("G latent", "D latent");
        let map = |lane: u64| -> Result<Tensor> {
            let z = latents.normal_rows(indices, lane, &[generator.z_dim()], DType::F32, &device)?;
            Ok(generator.mapping(&z, labels.as_ref())?)
        };
        let w = map(0)?;
        let style_sum = match generator.w_avg() {
            Some(_) => w.detach().sum(0)?.to_vec1::<f32>()?,
            None => vec![],
        };
        let mut ws = stylegan_core::broadcast_ws(&w, generator.num_ws())?;
        // The layers above the resolution in training do not count, so every crossover is seen.
        let layers = generator.num_ws().saturating_sub(2 * lod.floor() as usize);
        if layers > 1 && self.mixing_probability > 0. {
            let other = stylegan_core::broadcast_ws(&map(1)?, generator.num_ws())?;
            let first = self.crossovers(indices, layers, generator.num_ws(), &device)?;
            let second = (1. - &first)?;
            ws = (ws.broadcast_mul(&first)? + other.broadcast_mul(&second)?)?;
        }
        let noise = NoiseKeys::new(self.key("G noise", "D noise"), indices.iter().copied());
        let options = Synthesis { lod, native_size: true, ..Synthesis::with_noise(NoiseMode::Random(&noise)) };
        let pictures = generator.synthesis(&ws.contiguous()?, &options)?;
        Ok(Generated { pictures, labels, style_sum })
    }

    /// `[n, num_ws, 1]`: 1 in the rows that the first latent styles, 0 from the crossover on. Each
    /// sample mixes with `mixing_probability`, at a layer uniform in `1..layers`.
    fn crossovers(&self, indices: &[u64], layers: usize, num_ws: usize, device: &Device) -> Result<Tensor> {
        let key = self.key("G mixing", "D mixing");
        let mut mask = Vec::with_capacity(indices.len() * num_ws);
        for &index in indices {
            let mut stream = key.stream(index, 0);
            let crossover = match stream.uniform() < self.mixing_probability {
                true => 1 + stream.below(layers as u64 - 1) as usize,
                false => num_ws,
            };
            mask.extend((0..num_ws).map(|row| if row < crossover { 1f32 } else { 0. }));
        }
        Ok(Tensor::from_vec(mask, (indices.len(), num_ws, 1), device)?)
    }

    /// One uniform number per sample, `[n, 1, 1, 1]`: where between real and generated picture the
    /// gradient penalty looks.
    pub(crate) fn blend(&self, indices: &[u64]) -> Result<Tensor> {
        let key = self.key("G blend", "D blend");
        let t: Vec<f32> = indices.iter().map(|&i| key.stream(i, 0).uniform() as f32).collect();
        Ok(Tensor::from_vec(t, (indices.len(), 1, 1, 1), &Device::Cpu)?)
    }
}
