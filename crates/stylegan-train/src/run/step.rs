//! What an iteration does: phases, each a sum over shards and a step, and the advance to the next batch.

use super::Run;
use super::metered::Metered;
use crate::Result;
use crate::communicator::Communicator;
use crate::data::Dataset;
use crate::health;
use crate::inputs::ShardInput;
use crate::inputs::prefetch::{Prefetch, Source};
use crate::inputs::random::RandomInputs;
use crate::phase::Phase;
use crate::recipe::{self, Recipe};
use crate::schedule::Stage;
use crate::shards::{self, ShardSums};
use std::ops::Range;
use std::time::Instant;

impl Run<'_> {
    /// Steps an optimiser along the gradient of the whole batch, summed over its shards on all ranks.
    pub(crate) fn take_phase(&mut self, phase: &Phase, stage: &Stage) -> Result<()> {
        let started = Instant::now();
        let part = self.plan.part(stage, self.settings.at_once, self.settings.reduction);
        let (shard, first) = (stage.shard as u64, self.state.progress.images);
        let work = Work {
            recipe: self.state.recipe.as_ref(),
            dataset: self.session.dataset,
            prefetch: &self.prefetch,
            held_back: self.held_back.as_ref().filter(|_| phase.held_back),
            seed: self.settings.seed,
            step: self.state.progress.step,
            phase,
            stage,
        };
        let ranks = Metered::new(self.session.communicator);
        let sums = shards::sum(&part, &ranks, |index| {
            let start = first + index as u64 * shard;
            work.shard(start..start + shard)
        })?;
        self.note_exchange(ranks);
        if !sums.named.are_finite()? {
            self.stop_because(health::diverged("a gradient is not a finite number".into()))?;
        }
        let means = sums.named.over(stage.batch / phase.shrink.max(1))?;
        recipe::step(self.state.recipe.as_mut(), phase, &means, stage.lr)?;
        self.state.progress.stats.add(&sums.stats);
        self.timings.extend(&format!("Timing/{}", phase.name), [started.elapsed().as_secs_f64()]);
        Ok(())
    }

    /// What a phase cost between ranks, for the log.
    fn note_exchange(&mut self, ranks: Metered) {
        if ranks.world_size() > 1 {
            let (time, bytes) = ranks.used();
            self.timings.extend("Timing/exchange", [time.as_secs_f64()]);
            self.timings.extend("Resources/exchanged_mib", [bytes as f64 / f64::from(1 << 20)]);
        }
    }

    /// Lets averages follow, and goes on to the next batch of real images.
    pub(crate) fn advance(&mut self, stage: &Stage) -> Result<()> {
        self.state.recipe.advance(self.state.progress.images, stage.batch)?;
        self.state.progress.images += stage.batch as u64;
        Ok(())
    }

    /// Where growth takes a step, lets optimisers forget their moments, if the configuration says so.
    pub(crate) fn forget_if_grown_since(&mut self, earlier: &Stage) -> Result<()> {
        if !self.settings.reset_on_growth || !self.stage().grew_since(earlier) {
            return Ok(());
        }
        self.state.recipe.optimizers_mut().into_iter().try_for_each(|(_, optimizer)| optimizer.reset())
    }
}

/// What all shards of a phase share.
struct Work<'a> {
    recipe: &'a dyn Recipe,
    dataset: &'a Dataset,
    prefetch: &'a Prefetch,
    held_back: Option<&'a Source>,
    seed: u64,
    step: u64,
    phase: &'a Phase,
    stage: &'a Stage,
}

impl Work<'_> {
    /// A shard's part in the phase; `samples` are its global indices.
    fn shard(&self, samples: Range<u64>) -> Result<ShardSums> {
        let Self { dataset, phase, stage, .. } = *self;
        let count = stage.shard / phase.shrink.max(1);
        let reals = if phase.reals { Some(self.prefetch.take(samples.start, stage.lod)?.first(count)?) } else { None };
        let held_back = self.held_back.map(|source| source.take(dataset, samples.clone(), stage.lod)?.first(count));
        let held_back = held_back.transpose()?;
        let random = RandomInputs {
            seed: self.seed,
            step: self.step,
            streams: phase.streams,
            indices: samples.take(count).collect(),
            labels: dataset.labels(),
            pictures: dataset.len(),
        };
        self.recipe.shard(phase, &ShardInput { stage, random, reals, held_back })
    }
}
