//! What images are generated from.

use crate::Result;
use crate::inputs::random::RandomInputs;
use candle_core::{DType, Device, Tensor};
use stylegan_core::{Generator, broadcast_ws};

/// The latents and labels of some samples.
#[derive(Debug, Clone)]
pub struct Latents {
    /// `[n, z_dim]`, standard normal.
    pub z: Tensor,
    /// Labels `[n, c_dim]`, for conditional networks.
    pub labels: Option<Tensor>,
    /// Style mixing: second latents `[n, z_dim]`, and `[n, num_ws, 1]` with 1 in the rows that the
    /// first ones style and 0 in the others.
    pub mixing: Option<(Tensor, Tensor)>,
}

impl Latents {
    /// Latents without labels or mixing.
    pub fn new(z: Tensor) -> Self {
        Self { z, labels: None, mixing: None }
    }

    /// The latents of a shard's samples, with their `labels`, for images at a level of detail.
    pub(super) fn draw(
        random: &RandomInputs,
        generator: &dyn Generator,
        labels: Option<Tensor>,
        lod: f64,
        mixing_probability: f64,
    ) -> Result<Self> {
        let draw = |lane| random.normal(random.streams.latent, lane, &[generator.spec().z_dim]);
        // The layers above the resolution in training do not count, so every crossover is seen.
        let layers = generator.spec().num_ws.saturating_sub(2 * lod.floor() as usize);
        let mixing = if layers > 1 && mixing_probability > 0. {
            Some((draw(1)?, crossovers(random, layers, generator.spec().num_ws, mixing_probability)?))
        } else {
            None
        };
        Ok(Self { z: draw(0)?, labels, mixing })
    }

    /// The same on a device.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        let moved = |tensor: &Tensor| tensor.to_device(device);
        Ok(Self {
            z: moved(&self.z)?,
            labels: self.labels.as_ref().map(moved).transpose()?,
            mixing: match &self.mixing {
                Some((z, first)) => Some((moved(z)?, moved(first)?)),
                None => None,
            },
        })
    }

    /// Style rows `[n, num_ws, w_dim]`, and the sum over samples of the first latents' styles, which
    /// moves `w_avg`; it is empty for generators without.
    pub(super) fn styles(&self, generator: &dyn Generator) -> Result<(Tensor, Vec<f32>)> {
        let w = generator.mapping(&self.z, self.labels.as_ref().into())?;
        let sum = match generator.w_avg() {
            Some(_) => w.detach().sum(0)?.to_dtype(DType::F32)?.to_vec1()?,
            None => vec![],
        };
        let mut ws = broadcast_ws(&w, generator.spec().num_ws)?;
        if let Some((z, first)) = &self.mixing {
            let other = broadcast_ws(&generator.mapping(z, self.labels.as_ref().into())?, generator.spec().num_ws)?;
            let second = (1. - first)?;
            ws = (ws.broadcast_mul(first)? + other.broadcast_mul(&second)?)?;
        }
        Ok((ws.contiguous()?, sum))
    }
}

/// `[n, num_ws, 1]`: 1 in the rows that the first latent styles, 0 from the crossover on. Each sample
/// mixes with `probability`, at a layer uniform in `1..layers`.
fn crossovers(random: &RandomInputs, layers: usize, num_ws: usize, probability: f64) -> Result<Tensor> {
    let key = random.key(random.streams.mixing);
    let mut mask = Vec::with_capacity(random.indices.len() * num_ws);
    for &index in &random.indices {
        let mut stream = key.stream(index, 0);
        let mixes = stream.uniform() < probability;
        let crossover = if mixes { 1 + stream.below(layers as u64 - 1) as usize } else { num_ws };
        mask.extend((0..num_ws).map(|row| if row < crossover { 1f32 } else { 0. }));
    }
    Ok(Tensor::from_vec(mask, (random.indices.len(), num_ws, 1), &Device::Cpu)?)
}

/// Images of noise `[n, c, h, w]` at a level of detail, along which path lengths are measured.
pub(super) fn directions(random: &RandomInputs, generator: &dyn Generator, lod: f64) -> Result<Tensor> {
    let [h, w] = generator.spec().img_size.map(|side| side >> lod.floor() as usize);
    random.normal("PL direction", 0, &[generator.spec().img_channels, h, w])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::phases::{DMAIN, GMAIN, GREG};
    use super::*;
    use crate::data::Labels;
    use crate::phase::Phase;
    use stylegan_core::Params;
    use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2Generator};

    fn random(phase: Phase, indices: &[u64]) -> RandomInputs<'static> {
        let (streams, indices) = (phase.streams, indices.to_vec());
        RandomInputs { seed: 1, step: 4, streams, indices, labels: &Labels::None, pictures: 9 }
    }

    #[test]
    fn samples_do_not_depend_on_how_a_batch_is_cut_and_phases_are_unrelated() {
        let config = StyleGan2Config { img_size: [16, 16], z_dim: 5, w_dim: 4, channel_max: 4, ..Default::default() };
        let params = Params::new(0, DType::F32, &Device::Cpu);
        let g = StyleGan2Generator::new(&config, params.trainable()).unwrap();
        let rows = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let all = |phase: Phase, indices: &[u64]| {
            let random = random(phase, indices);
            let latents = Latents::draw(&random, &g, None, 0., 0.9).unwrap();
            let (z, mask) = latents.mixing.unwrap();
            [&latents.z, &z, &mask, &directions(&random, &g, 0.).unwrap()].map(rows)
        };
        let whole = all(GREG, &[6, 7]);
        let parts = [all(GREG, &[6]), all(GREG, &[7])];
        for (i, whole) in whole.iter().enumerate() {
            assert_eq!(whole, &[parts[0][i].clone(), parts[1][i].clone()].concat());
        }
        let others = [all(GMAIN, &[6, 7]), all(DMAIN, &[6, 7])];
        for i in 0..2 {
            assert!(whole[i] != others[0][i] && whole[i] != others[1][i] && others[0][i] != others[1][i]);
        }
    }

    #[test]
    fn crossovers_reach_every_layer_and_spare_a_tenth() {
        let indices: Vec<u64> = (0..2000).collect();
        let mask = crossovers(&random(GMAIN, &indices), 6, 6, 0.9).unwrap().squeeze(2).unwrap();
        let mut counts = [0; 7];
        for row in mask.to_vec2::<f32>().unwrap() {
            counts[row.iter().sum::<f32>() as usize] += 1;
        }
        // 360 at each of 1 to 5 (standard deviation 17), 200 unmixed (13): five deviations.
        assert!(counts[0] == 0 && counts[1..6].iter().all(|&n| (275..445).contains(&n)), "{counts:?}");
        assert!((133..267).contains(&counts[6]), "{counts:?}");
    }
}
