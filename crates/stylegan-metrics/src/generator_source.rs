//! Pictures of a generator as a stream of image batches.

use crate::draw::without_replacement;
use crate::images::Batch;
use crate::{Error, Result, SourceError};
use candle_core::{Device, Tensor};
use stylegan_core::latent::{StreamKey, mix};
use stylegan_core::{Condition, Generator, NoiseSource, Sampler};

/// Pictures synthesised at once: this many at 64x64, fewer of larger ones.
const CHUNK: usize = 16;

/// A generator and how its pictures are drawn.
#[derive(Clone, Copy)]
pub struct GeneratorSource<'a> {
    /// The network.
    pub generator: &'a dyn Generator,
    /// Content hash of the file it came from, which the caller has checked; without one nothing is cached.
    pub hash: Option<&'a str>,
    /// Its configuration as text: files of equal tensors may differ in it.
    pub config: &'a str,
    /// Labels `[c_dim]` to draw from, each as likely; empty for unconditional networks.
    pub labels: &'a [Vec<f32>],
    /// Truncation psi on all layers; 1 is no truncation, as all published metrics use.
    pub truncation_psi: f64,
    /// Latents mixed in each picture, at random different layers (Karras et al. 2019, Table 2); 1 is none.
    pub mixed: usize,
}

/// A batch of pictures and where they come from.
#[derive(Debug, Clone)]
pub struct GeneratedBatch {
    /// Latents `[n, z_dim]`.
    pub z: Tensor,
    /// Last style rows `[n, w_dim]`.
    pub w: Tensor,
    /// Pictures `[n, c, h, w]`.
    pub images: Tensor,
}

/// By how much pictures are moved away from their latents.
pub(crate) enum Way {
    /// In Z, `[n, z_dim]`.
    Z(Tensor),
    /// In W, `[n, w_dim]`, in all style rows.
    W(Tensor),
}

impl<'a> GeneratorSource<'a> {
    /// Without hash, labels and truncation.
    pub fn new(generator: &'a dyn Generator) -> Self {
        Self { generator, hash: None, config: "", labels: &[], truncation_psi: 1., mixed: 1 }
    }

    /// Everything that the pictures of a seed depend on, for caches; nothing where the file is not known.
    pub(crate) fn identity(&self, seed: u64) -> Option<String> {
        let (psi, labels, mixed) = (self.truncation_psi, &self.labels, self.mixed);
        let network = format!("{} as {}", self.hash?, self.network());
        Some(format!("pictures of {network}, seed {seed}, psi {psi}, labels {labels:?}, {mixed} latents"))
    }

    /// The network's configuration, and the precision that it computes in where that is not f32.
    pub(crate) fn network(&self) -> String {
        let reduced = self.generator.precision().reduced();
        reduced.map_or_else(|| self.config.to_owned(), |precision| format!("{} in {precision}", self.config))
    }

    /// Pictures 0, 1, … of `seed`, without end. Picture `i` (its latent, label and noise) depends on
    /// `seed` and `i` alone.
    pub fn images(self, seed: u64) -> impl Iterator<Item = Batch> + 'a {
        self.images_from(seed, 0)
    }

    /// The same from picture `first` on.
    pub fn images_from(self, seed: u64, first: u64) -> impl Iterator<Item = Batch> + 'a {
        self.batches_from(seed, first).map(|batch| batch.map(|batch| batch.images).map_err(SourceError::from))
    }

    /// The same pictures with their latents.
    pub fn batches_from(self, seed: u64, first: u64) -> impl Iterator<Item = Result<GeneratedBatch>> + 'a {
        let chunk = Sampler::new(self.generator).batch_size(CHUNK * 64 * 64, CHUNK) as u64;
        (first..).step_by(chunk as usize).map(move |first: u64| {
            let indices: Vec<u64> = (first..first + chunk).collect();
            self.batch(seed, &indices)
        })
    }

    fn batch(&self, seed: u64, indices: &[u64]) -> Result<GeneratedBatch> {
        self.drawn(seed, indices, None)
    }

    /// Pictures of these indices with their labels and noise, from other latents.
    pub(crate) fn moved(&self, seed: u64, indices: &[u64], way: &Way) -> Result<GeneratedBatch> {
        self.drawn(seed, indices, Some(way))
    }

    fn drawn(&self, seed: u64, indices: &[u64], way: Option<&Way>) -> Result<GeneratedBatch> {
        let key = StreamKey::new(seed, "metric pictures", 0);
        let noise = NoiseSource::Random(StreamKey::new(seed, "metric noise", 0));
        let sampler = Sampler { psi: self.truncation_psi, noise, ..Sampler::new(self.generator) };
        if self.truncation_psi != 1. && self.generator.w_avg().is_none() {
            let expected = "truncation psi 1".into();
            return Err(Error::Generator { found: "has no average style to truncate to".into(), expected });
        }
        let mut z = sampler.latents(&key, indices, 0)?;
        if let Some(Way::Z(way)) = way {
            z = (&z + way.to_dtype(z.dtype())?.to_device(z.device())?)?;
        }
        let c = label_rows(self.generator, self.labels, &key, indices, 1)?;
        let condition = Condition::from(c.as_ref());
        let mut ws = sampler.untruncated(&z, condition)?;
        if self.mixed > 1 {
            ws = self.mix(&ws, condition, &key, indices)?;
        }
        let mut ws = sampler.truncate(&ws)?;
        if let Some(Way::W(way)) = way {
            ws = ws.broadcast_add(&way.to_dtype(ws.dtype())?.to_device(ws.device())?.unsqueeze(1)?)?;
        }
        let images = sampler.images(&ws, condition, indices)?;
        let w = ws.narrow(1, ws.dim(1)? - 1, 1)?.squeeze(1)?;
        Ok(GeneratedBatch { z, w, images })
    }

    /// The style rows `ws` of one latent with those of others from random layers on.
    fn mix(&self, ws: &Tensor, condition: Condition, key: &StreamKey, indices: &[u64]) -> Result<Tensor> {
        let (sampler, rows) = (Sampler::new(self.generator), self.generator.spec().num_ws);
        if self.mixed > rows {
            let (found, expected) =
                (format!("has {rows} style rows"), format!("{} to mix as many latents", self.mixed));
            return Err(Error::Generator { found, expected });
        }
        let others = (1..self.mixed).map(|other| {
            let z = sampler.latents(key, indices, 1 + other as u64)?;
            sampler.untruncated(&z, condition)
        });
        let others = others.collect::<stylegan_core::Result<Vec<_>>>()?;
        let mut mixed = Vec::with_capacity(indices.len());
        for (i, index) in indices.iter().enumerate() {
            // The layers from which another latent takes over, different and in order.
            let mut cuts =
                without_replacement(&mut key.stream(*index, 1 + self.mixed as u64), rows - 1, self.mixed - 1);
            cuts.iter_mut().for_each(|cut| *cut += 1);
            cuts.sort_unstable();
            let own = others.iter().map(|other| other.narrow(0, i, 1)).collect::<candle_core::Result<Vec<_>>>()?;
            // Each takes the rows from its layer on, of which the next one takes the rest.
            let styles: Vec<_> = own.iter().zip(cuts).map(|(other, cut)| (other, cut..rows)).collect();
            mixed.push(mix(&ws.narrow(0, i, 1)?, &styles)?);
        }
        Ok(Tensor::cat(&mixed, 0)?)
    }
}

/// Labels `[n, c_dim]` drawn uniformly from `labels`, nothing for an unconditional generator.
pub(crate) fn label_rows(
    generator: &dyn Generator,
    labels: &[Vec<f32>],
    key: &StreamKey,
    indices: &[u64],
    lane: u64,
) -> Result<Option<Tensor>> {
    let c_dim = generator.spec().condition.label_dim();
    if c_dim == 0 {
        return Ok(None);
    }
    if labels.is_empty() || labels.iter().any(|l| l.len() != c_dim) {
        let found = match labels.iter().find(|l| l.len() != c_dim) {
            Some(label) => format!("is conditional, a label of length {} was given", label.len()),
            None => "is conditional, no labels were given".into(),
        };
        return Err(Error::Generator { found, expected: format!("labels of length {c_dim}") });
    }
    let rows: Vec<f32> = indices
        .iter()
        .flat_map(|&i| labels[key.stream(i, lane).below(labels.len() as u64) as usize].iter().copied())
        .collect();
    Ok(Some(Tensor::from_vec(rows, (indices.len(), c_dim), &Device::Cpu)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::DType;
    use stylegan_core::Params;
    use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1Generator};

    /// Every latent takes over somewhere, the first row stays the first latent's, and pictures do not
    /// depend on their neighbours.
    #[test]
    fn mixed_latents() {
        let config = StyleGan1Config {
            img_size: [16, 16],
            z_dim: 8,
            w_dim: 8,
            mapping_width: 8,
            mapping_layers: 2,
            channel_base: 64,
            channel_max: 8,
            ..StyleGan1Config::default()
        };
        let params = Params::new(0, DType::F32, &Device::Cpu);
        let generator = StyleGan1Generator::new(&config, params.trainable()).unwrap();
        let source = GeneratorSource { mixed: 3, ..GeneratorSource::new(&generator) };
        let key = StreamKey::new(5, "metric pictures", 0);
        let rows = |indices: &[u64]| {
            let sampler = Sampler::new(&generator);
            let ws = sampler.untruncated(&sampler.latents(&key, indices, 0).unwrap(), Condition::None).unwrap();
            let first = ws.narrow(1, 0, 1).unwrap();
            (first, source.mix(&ws, Condition::None, &key, indices).unwrap())
        };
        let (w, mixed) = rows(&[0, 1, 2, 3]);
        let (_, alone) = rows(&[2]);
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(&mixed.narrow(0, 2, 1).unwrap()), values(&alone));
        for i in 0..4 {
            let rows: Vec<Vec<f32>> = mixed.get(i).unwrap().to_vec2().unwrap();
            assert_eq!(rows[0], values(&w.get(i).unwrap()));
            let changes = rows.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert_eq!(changes, 2);
        }
        let many = GeneratorSource { mixed: 99, ..GeneratorSource::new(&generator) };
        let error = many.images(0).next().unwrap().unwrap_err().to_string();
        assert!(error.contains("to mix as many latents"), "{error}");
    }
}
