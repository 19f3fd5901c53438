//! What an iteration does: turns, each a sum over shards and a step, and the average.

use super::Run;
use crate::Result;
use crate::communicator::Reduction;
use crate::config::TrainConfig;
use crate::data::Dataset;
use crate::draws::Draws;
use crate::feed::Feed;
use crate::health;
use crate::players::{Players, Turn};
use crate::schedule::Phase;
use crate::shards::{self, Share};
use std::ops::Range;
use std::time::Instant;
use stylegan_core::{NoiseMode, SynthesisOptions};

impl Run<'_> {
    /// Steps a network along the gradient of the whole batch, summed over its shards on all ranks.
    pub(crate) fn take_turn(&mut self, turn: Turn, phase: &Phase) -> Result<()> {
        let started = Instant::now();
        let own = self.plan.own_shards(phase.batch, phase.shard);
        let (shard, first) = (phase.shard as u64, self.state.progress.images);
        let work = Work {
            config: self.config,
            dataset: self.dataset,
            players: &self.state.players,
            feed: &self.feed,
            step: self.state.progress.step,
            phase,
            turn,
        };
        let samples = phase.batch / work.shrink();
        let mut share = shards::sum(own, self.config.shards.at_once, |index| {
            let start = first + index as u64 * shard;
            work.share(start..start + shard)
        })?;
        self.communicator.all_reduce(&mut share.values, Reduction::Sum)?;
        let mut sums = share.stats.to_vec();
        self.communicator.all_reduce_f64(&mut sums, Reduction::Sum)?;
        share.stats.set_from(&sums);
        let mean = self.mean(share.values, samples)?;
        self.state.players.step(turn, &mean, phase.lr)?;
        self.state.progress.stats.add(&share.stats);
        self.timings.extend(&format!("Timing/{}", turn.name()), [started.elapsed().as_secs_f64()]);
        Ok(())
    }

    /// Moves the averaged generator, and on to the next batch of real pictures.
    pub(crate) fn average(&mut self, phase: &Phase) -> Result<()> {
        self.state.players.average(self.config.ema.beta(self.state.progress.images, phase.batch))?;
        self.state.progress.images += phase.batch as u64;
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

/// What all shards of a turn share.
struct Work<'a> {
    config: &'a TrainConfig,
    dataset: &'a Dataset,
    players: &'a Players,
    feed: &'a Feed,
    turn: Turn,
    phase: &'a Phase,
    step: u64,
}

impl Work<'_> {
    /// A shard's part; `indices` are its global samples.
    fn share(&self, indices: Range<u64>) -> Result<Share> {
        let Self { config, dataset, players, feed, turn, phase, step } = *self;
        let start = indices.start;
        if turn == Turn::R1 {
            let (real, labels) = feed.take(start, phase.lod)?;
            return players.r1(&real, labels.as_ref(), phase.lod);
        }
        let draws = Draws {
            seed: config.seed,
            turn,
            step,
            labels: (config.picture_shape().2 > 0).then(|| dataset.labels()),
            pictures: dataset.len(),
            mixing_probability: config.mixing_probability,
        };
        let indices: Vec<u64> = indices.take(phase.shard / self.shrink()).collect();
        let generator = players.g_average();
        let latents = draws.latents(generator, &indices, phase.lod)?;
        let noise = draws.noise(&indices);
        let noise = NoiseMode::Random(&noise);
        let options = SynthesisOptions { lod: phase.lod, native_size: true, ..SynthesisOptions::with_noise(noise) };
        match turn {
            Turn::Generator => players.generator(&latents, &options),
            Turn::PathLength => {
                players.path_length(&latents, &options, &draws.directions(generator, &indices, phase.lod)?)
            }
            Turn::Discriminator | Turn::R1 => {
                let (real, labels) = feed.take(start, phase.lod)?;
                players.discriminator(&latents, &options, (&real, labels.as_ref()), &draws.blend(&indices)?)
            }
        }
    }

    /// Which part of a shard's samples the turn looks at: one in so many.
    fn shrink(&self) -> usize {
        match (self.turn, &self.config.path_length) {
            (Turn::PathLength, Some(path_length)) => path_length.shrink.max(1),
            _ => 1,
        }
    }
}
