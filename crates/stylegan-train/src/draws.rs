//! The random inputs of a turn: latents, labels, mixing, noise.

use crate::Result;
use crate::data::Labels;
use crate::players::{Latents, Turn};
use candle_core::{DType, Device, Tensor};
use stylegan_core::latent::StreamKey;
use stylegan_core::{Generator, NoiseKeys};

/// Random inputs addressed by the run's seed, the turn and a sample's global index (the number of
/// real pictures shown before it), never by shard, thread or rank.
#[derive(Clone, Copy)]
pub(crate) struct Draws<'a> {
    pub(crate) seed: u64,
    pub(crate) turn: Turn,
    pub(crate) step: u64,
    /// The set's labels, which generated pictures draw theirs from; `None` without conditioning.
    pub(crate) labels: Option<&'a Labels>,
    /// Pictures in the set.
    pub(crate) pictures: usize,
    pub(crate) mixing_probability: f64,
}

impl Draws<'_> {
    /// Streams for a purpose, which has a name for each turn that generates: the generator's, path
    /// length's, the discriminator's.
    fn key(&self, [for_g, for_pl, for_d]: [&'static str; 3]) -> StreamKey {
        let purpose = match self.turn {
            Turn::Generator => for_g,
            Turn::PathLength => for_pl,
            Turn::Discriminator | Turn::R1 => for_d,
        };
        StreamKey::new(self.seed, purpose, self.step)
    }

    /// Latents and labels of the samples `indices`, for pictures at a level of detail.
    pub(crate) fn latents(&self, generator: &dyn Generator, indices: &[u64], lod: f64) -> Result<Latents> {
        let key = self.key(["G latent", "PL latent", "D latent"]);
        let draw = |lane| key.normal_rows(indices, lane, &[generator.spec().z_dim], DType::F32, &Device::Cpu);
        // The layers above the resolution in training do not count, so every crossover is seen.
        let layers = generator.spec().num_ws.saturating_sub(2 * lod.floor() as usize);
        let mixing = if layers > 1 && self.mixing_probability > 0. {
            Some((draw(1)?, self.crossovers(indices, layers, generator.spec().num_ws)?))
        } else {
            None
        };
        Ok(Latents { z: draw(0)?, labels: self.labels(indices)?, mixing })
    }

    /// Labels of pictures drawn from the set, `[n, c_dim]`.
    fn labels(&self, indices: &[u64]) -> Result<Option<Tensor>> {
        let Some(labels) = self.labels else { return Ok(None) };
        let key = self.key(["G label", "PL label", "D label"]);
        let mut rows = Vec::with_capacity(indices.len() * labels.dim());
        for &index in indices {
            labels.push_row(key.stream(index, 0).below(self.pictures as u64) as usize, &mut rows);
        }
        Ok(Some(Tensor::from_vec(rows, (indices.len(), labels.dim()), &Device::Cpu)?))
    }

    /// `[n, num_ws, 1]`: 1 in the rows that the first latent styles, 0 from the crossover on. Each
    /// sample mixes with `mixing_probability`, at a layer uniform in `1..layers`.
    fn crossovers(&self, indices: &[u64], layers: usize, num_ws: usize) -> Result<Tensor> {
        let key = self.key(["G mixing", "PL mixing", "D mixing"]);
        let mut mask = Vec::with_capacity(indices.len() * num_ws);
        for &index in indices {
            let mut stream = key.stream(index, 0);
            let crossover = match stream.uniform() < self.mixing_probability {
                true => 1 + stream.below(layers as u64 - 1) as usize,
                false => num_ws,
            };
            mask.extend((0..num_ws).map(|row| if row < crossover { 1f32 } else { 0. }));
        }
        Ok(Tensor::from_vec(mask, (indices.len(), num_ws, 1), &Device::Cpu)?)
    }

    /// The noise inputs of the samples' layers.
    pub(crate) fn noise(&self, indices: &[u64]) -> NoiseKeys {
        NoiseKeys::new(self.key(["G noise", "PL noise", "D noise"]), indices.iter().copied())
    }

    /// Pictures of noise `[n, c, h, w]` at a level of detail, along which path lengths are measured.
    pub(crate) fn directions(&self, generator: &dyn Generator, indices: &[u64], lod: f64) -> Result<Tensor> {
        let [h, w] = generator.spec().img_size.map(|side| side >> lod.floor() as usize);
        let c = generator.spec().img_channels;
        let key = StreamKey::new(self.seed, "PL direction", self.step);
        Ok(key.normal_rows(indices, 0, &[c, h, w], DType::F32, &Device::Cpu)?)
    }

    /// One uniform number per sample, `[n, 1, 1, 1]`: where between real and generated picture the
    /// gradient penalty looks.
    pub(crate) fn blend(&self, indices: &[u64]) -> Result<Tensor> {
        let key = StreamKey::new(self.seed, "D blend", self.step);
        let t: Vec<f32> = indices.iter().map(|&i| key.stream(i, 0).uniform() as f32).collect();
        Ok(Tensor::from_vec(t, (indices.len(), 1, 1, 1), &Device::Cpu)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use stylegan_core::Params;
    use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2Generator};

    fn draws(turn: Turn) -> Draws<'static> {
        Draws { seed: 1, turn, step: 4, labels: None, pictures: 9, mixing_probability: 0.9 }
    }

    #[test]
    fn samples_do_not_depend_on_how_a_batch_is_cut_and_turns_are_unrelated() {
        let config = StyleGan2Config { img_size: [16, 16], z_dim: 5, w_dim: 4, channel_max: 4, ..Default::default() };
        let params = Params::new(0, DType::F32, &Device::Cpu);
        let g = StyleGan2Generator::new(&config, params.trainable()).unwrap();
        let rows = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let all = |turn: Turn, indices: &[u64]| {
            let latents = draws(turn).latents(&g, indices, 0.).unwrap();
            let (z, mask) = latents.mixing.unwrap();
            let directions = draws(turn).directions(&g, indices, 0.).unwrap();
            [&latents.z, &z, &mask, &directions].map(rows)
        };
        let whole = all(Turn::PathLength, &[6, 7]);
        let parts = [all(Turn::PathLength, &[6]), all(Turn::PathLength, &[7])];
        for (i, whole) in whole.iter().enumerate() {
            assert_eq!(whole, &[parts[0][i].clone(), parts[1][i].clone()].concat());
        }
        let others = [all(Turn::Generator, &[6, 7]), all(Turn::Discriminator, &[6, 7])];
        for i in 0..2 {
            assert!(whole[i] != others[0][i] && whole[i] != others[1][i] && others[0][i] != others[1][i]);
        }
    }

    #[test]
    fn crossovers_reach_every_layer_and_spare_a_tenth() {
        let indices: Vec<u64> = (0..2000).collect();
        let mask = draws(Turn::Generator).crossovers(&indices, 6, 6).unwrap().squeeze(2).unwrap();
        let mut counts = [0; 7];
        for row in mask.to_vec2::<f32>().unwrap() {
            counts[row.iter().sum::<f32>() as usize] += 1;
        }
        // 360 at each of 1 to 5 (standard deviation 17), 200 unmixed (13): five deviations.
        assert!(counts[0] == 0 && counts[1..6].iter().all(|&n| (275..445).contains(&n)), "{counts:?}");
        assert!((133..267).contains(&counts[6]), "{counts:?}");
    }
}
