//! Which shards a rank handles, in order: a function of schedule and iteration alone.

use crate::phase::{Action, due};
use crate::schedule::{Schedule, Stage};
use crate::shards::{Part, Reduction};
use std::ops::Range;

/// A place in a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) step: u64,
    /// Real images shown before the step.
    pub(crate) images: u64,
    /// Actions of the step that are done.
    pub(crate) actions: usize,
}

/// The shards that a rank will handle, in order, as ranges of global sample indices.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) schedule: Schedule,
    /// All actions of an iteration.
    pub(crate) iteration: Vec<Action>,
    /// Rank and number of ranks.
    pub(crate) rank: (usize, usize),
}

impl Plan {
    /// This rank's part of a batch's shards.
    pub(crate) fn part(&self, stage: &Stage, at_once: usize, reduction: Reduction) -> Part {
        Part { own: self.own(stage), count: stage.batch / stage.shard.max(1), at_once, reduction }
    }

    fn own(&self, stage: &Stage) -> Range<usize> {
        let (count, (rank, ranks)) = (stage.batch / stage.shard.max(1), self.rank);
        count * rank / ranks..count * (rank + 1) / ranks
    }

    /// All shards of phases with real images from a place on, without end: a batch that is looked at in
    /// two phases comes twice.
    pub(crate) fn shards(self, from: Place) -> impl Iterator<Item = Range<u64>> {
        let mut images = from.images;
        (from.step..).flat_map(move |step| {
            let stage = self.schedule.at(images);
            let mut shards = vec![];
            for (i, next) in due(&self.iteration, step).into_iter().enumerate() {
                match next {
                    Action::Phase(phase) if phase.reals && (step > from.step || i >= from.actions) => {
                        shards.extend(self.own(&stage).map(|index| {
                            let start = images + (index * stage.shard) as u64;
                            start..start + stage.shard as u64
                        }));
                    }
                    Action::Phase(_) => {}
                    Action::Advance => images += stage.batch as u64,
                }
            }
            shards
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LossConfig, TrainConfig};
    use crate::recipe::gan::iteration;

    #[test]
    fn plan_follows_the_schedule_and_ranks_share_it() {
        let mut config = TrainConfig::default();
        config.schedule.stable_kimg = 0.;
        config.schedule.fade_kimg = 0.512;
        let starts = |rank, n_critic| -> Vec<u64> {
            let loss = LossConfig::WganGp { lambda: 10., drift: 0., target: 1., n_critic };
            let config = TrainConfig { loss, ..config.clone() };
            let schedule = Schedule::new(&config, 1024, 8.);
            let plan = Plan { schedule, iteration: iteration(&config), rank };
            plan.shards(Place { step: 0, images: 0, actions: 0 })
                .map(|shard| shard.start)
                .take_while(|&start| start < 1024)
                .collect()
        };
        // Shards of 4, without a gap, while the batch falls from 256 to 128.
        let all = starts((0, 1), 1);
        assert!(all.iter().enumerate().all(|(i, &start)| start == 4 * i as u64));
        assert_eq!(starts((0, 1), 2), all);
        let mut both = [starts((0, 2), 1), starts((1, 2), 1)].concat();
        both.sort();
        assert_eq!(both, all);
    }

    #[test]
    fn regularising_phases_see_the_batch_again() {
        let config = TrainConfig::stylegan2();
        let schedule = Schedule::new(&config, 1024, 0.);
        let plan = Plan { schedule, iteration: iteration(&config), rank: (0, 1) };
        // R1 comes in every 16th step, counted from the start of the run.
        let starts = |step, actions| -> Vec<u64> {
            let from = Place { step, images: step * 32, actions };
            plan.clone().shards(from).map(|shard| shard.start / 32).take(32).collect()
        };
        assert_eq!(starts(15, 0), [[15; 8], [16; 8], [16; 8], [17; 8]].concat());
        // Broken off after the discriminator's phase, and after its R1: Gmain, Greg, Dmain, Dreg.
        assert_eq!(starts(16, 3), [[16; 8], [17; 8], [18; 8], [19; 8]].concat());
        assert_eq!(starts(16, 4), [[17; 8], [18; 8], [19; 8], [20; 8]].concat());
    }
}
