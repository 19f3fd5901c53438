//! What an iteration does: phases, each a sum over shards and a step, and the average.

use super::Run;
use crate::Result;
use crate::communicator::Reduction;
use crate::config::TrainConfig;
use crate::data::Dataset;
use crate::health;
use crate::inputs::prefetch::Prefetch;
use crate::inputs::random::RandomInputs;
use crate::recipe::gan::{Gan, Phase};
use crate::schedule::Stage;
use crate::shards::{self, ShardSums};
use std::ops::Range;
use std::time::Instant;
use stylegan_core::{NoiseMode, Synthesis};

impl Run<'_> {
    /// Steps a network along the gradient of the whole batch, summed over its shards on all ranks.
    pub(crate) fn take_phase(&mut self, phase: Phase, stage: &Stage) -> Result<()> {
        let started = Instant::now();
        let own = self.plan.own_shards(stage.batch, stage.shard);
        let (shard, first) = (stage.shard as u64, self.state.progress.images);
        let work = Work {
            config: self.config,
            dataset: self.dataset,
            gan: &self.state.gan,
            prefetch: &self.prefetch,
            step: self.state.progress.step,
            stage,
            phase,
        };
        let samples = stage.batch / work.shrink();
        let mut share = shards::sum(own, self.config.shards.at_once, |index| {
            let start = first + index as u64 * shard;
            work.share(start..start + shard)
        })?;
        self.communicator.all_reduce(&mut share.values, Reduction::Sum)?;
        let mut sums = share.stats.to_vec();
        self.communicator.all_reduce_f64(&mut sums, Reduction::Sum)?;
        share.stats.set_from(&sums);
        let mean = self.mean(share.values, samples)?;
        self.state.gan.step(phase, &mean, stage.lr)?;
        self.state.progress.stats.add(&share.stats);
        self.timings.extend(&format!("Timing/{}", phase.name()), [started.elapsed().as_secs_f64()]);
        Ok(())
    }

    /// Iteration the averaged generator, and on to the next batch of real pictures.
    pub(crate) fn average(&mut self, stage: &Stage) -> Result<()> {
        self.state.gan.average(self.config.ema.beta(self.state.progress.images, stage.batch))?;
        self.state.progress.images += stage.batch as u64;
        Ok(())
    }

    /// Turns a batch's sums over so many samples into means.
    fn mean(&self, mut values: Vec<f32>, samples: usize) -> Result<Vec<f32>> {
        if !values.iter().all(|value| value.is_finite()) {
            return self.stop_because(health::diverged("a gradient is not a finite number".into())).map(|()| values);
        }
        let samples = samples as f32;
        values.iter_mut().for_each(|value| *value /= samples);
        Ok(values)
    }
}

/// What all shards of a phase share.
struct Work<'a> {
    config: &'a TrainConfig,
    dataset: &'a Dataset,
    gan: &'a Gan,
    prefetch: &'a Prefetch,
    phase: Phase,
    stage: &'a Stage,
    step: u64,
}

impl Work<'_> {
    /// A shard's part; `indices` are its global samples.
    fn share(&self, indices: Range<u64>) -> Result<ShardSums> {
        let Self { config, dataset, gan, prefetch, phase, stage, step } = *self;
        let start = indices.start;
        if phase == Phase::R1 {
            let (real, labels) = prefetch.take(start, stage.lod)?;
            return gan.r1(&real, labels.as_ref(), stage.lod);
        }
        let draws = RandomInputs {
            seed: config.seed,
            phase,
            step,
            labels: (config.picture_shape().2 > 0).then(|| dataset.labels()),
            pictures: dataset.len(),
            mixing_probability: config.mixing_probability,
        };
        let indices: Vec<u64> = indices.take(stage.shard / self.shrink()).collect();
        let generator = gan.g_average();
        let latents = draws.latents(generator, &indices, stage.lod)?;
        let noise = draws.noise(&indices);
        let noise = NoiseMode::Random(&noise);
        let options = Synthesis { lod: stage.lod, native_size: true, ..Synthesis::with_noise(noise) };
        match phase {
            Phase::Generator => gan.generator(&latents, &options),
            Phase::PathLength => {
                gan.path_length(&latents, &options, &draws.directions(generator, &indices, stage.lod)?)
            }
            Phase::Discriminator | Phase::R1 => {
                let (real, labels) = prefetch.take(start, stage.lod)?;
                gan.discriminator(&latents, &options, (&real, labels.as_ref()), &draws.blend(&indices)?)
            }
        }
    }

    /// Which part of a shard's samples the phase looks at: one in so many.
    fn shrink(&self) -> usize {
        match (self.phase, &self.config.path_length) {
            (Phase::PathLength, Some(path_length)) => path_length.shrink.max(1),
            _ => 1,
        }
    }
}
