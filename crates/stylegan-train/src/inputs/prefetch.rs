//! Real pictures for the discriminator, decoded ahead of the step.

use crate::Result;
use crate::data::{Batch, Dataset, Loader, SampleRequest};
use crate::inputs::order::Order;
use crate::phase::{Action, Iteration};
use crate::recipe::gan::Phase;
use crate::schedule::Schedule;
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stylegan_kernels::{avg_pool2x, upsample_nearest2x};

/// A place in a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) step: u64,
    /// Real pictures shown before the step.
    pub(crate) images: u64,
    /// Iteration of the step that are done.
    pub(crate) actions: usize,
}

/// The shards that a rank will handle, in order, as ranges of global sample indices: a function of
/// the schedule alone.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) schedule: Schedule,
    pub(crate) iteration: Iteration,
    /// Rank and number of ranks.
    pub(crate) rank: (usize, usize),
}

impl Plan {
    /// This rank's shards of a batch that starts at `images`.
    pub(crate) fn own_shards(&self, batch: usize, shard: usize) -> Range<usize> {
        let (count, (rank, ranks)) = (batch / shard.max(1), self.rank);
        count * rank / ranks..count * (rank + 1) / ranks
    }

    /// All shards of the discriminator's phases from a place on, without end: a batch that is looked
    /// at in two phases comes twice.
    fn shards(self, from: Place) -> impl Iterator<Item = Range<u64>> {
        let mut images = from.images;
        (from.step..).flat_map(move |step| {
            let stage = self.schedule.at(images);
            let mut shards = vec![];
            for (i, next) in self.iteration.at(step).into_iter().enumerate() {
                match next {
                    Action::Phase(Phase::Discriminator | Phase::R1) if step > from.step || i >= from.actions => {
                        let own = self.own_shards(stage.batch, stage.shard);
                        shards.extend(own.map(|index| {
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

type Requests = Box<dyn Iterator<Item = Vec<SampleRequest>> + Send>;
type Shards = Box<dyn Iterator<Item = Range<u64>> + Send>;

/// Batches by the global index of their first sample. Shards that are handled side by side may ask
/// in any order, each once per phase.
pub(crate) struct Prefetch {
    dataset: Arc<Dataset>,
    order: Order,
    inner: Mutex<Inner>,
}

struct Inner {
    loader: Loader<Requests>,
    shards: Shards,
    /// Batches that came before the one somebody asked for, with their shards.
    early: BTreeMap<u64, (Range<u64>, Result<Batch>)>,
}

/// Threads that decode beside the step.
const THREADS: usize = 1;

/// The pauses before a batch that failed is tried again, as network drives may fail for a moment.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(600)];

impl Prefetch {
    /// Pictures from a place on, keeping `ahead` shards decoded.
    pub(crate) fn new(dataset: &Arc<Dataset>, order: Order, plan: &Plan, from: Place, ahead: usize) -> Self {
        let order = order;
        let requests: Requests = Box::new(plan.clone().shards(from).map(move |shard| request(&order, shard)));
        let shards: Shards = Box::new(plan.clone().shards(from));
        let loader = Loader::new(dataset.clone(), requests, THREADS, ahead);
        let inner = Mutex::new(Inner { loader, shards, early: BTreeMap::new() });
        Self { dataset: dataset.clone(), order, inner }
    }

    /// The pictures of the shard that starts at `start`, at a level of detail, and their labels.
    pub(crate) fn take(&self, start: u64, lod: f64) -> Result<(Tensor, Option<Tensor>)> {
        let (shard, mut batch) = {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                if let Some(batch) = inner.early.remove(&start) {
                    break batch;
                }
                let (Some(next), Some(batch)) = (inner.shards.next(), inner.loader.next()) else {
                    return Err(candle_core::Error::Msg("the threads that decode pictures have ended".into()).into());
                };
                inner.early.insert(next.start, (next, batch));
            }
        };
        for pause in PAUSES {
            if batch.is_err() {
                std::thread::sleep(pause);
                batch = self.dataset.load(&request(&self.order, shard.clone()));
            }
        }
        let batch = batch?;
        Ok((at_lod(&batch.images, lod)?, batch.labels))
    }
}

fn request(order: &Order, shard: Range<u64>) -> Vec<SampleRequest> {
    shard.map(|place| SampleRequest { index: order.index(place), mirror: order.mirrored(place) }).collect()
}

/// Full-size pictures `[n, c, h, w]` at a level of detail, at the size `full / 2^floor(lod)`:
/// averaged down, and while a resolution fades in, blended with the next coarser ones as the
/// generator's are (PGGAN, section 2).
pub(crate) fn at_lod(pictures: &Tensor, lod: f64) -> Result<Tensor> {
    let mut x = pictures.clone();
    for _ in 0..lod.floor() as usize {
        x = avg_pool2x(&x)?;
    }
    let fade = lod.fract();
    if fade > 0. {
        let coarse = upsample_nearest2x(&avg_pool2x(&x)?)?;
        x = (&x + ((coarse - &x)? * fade)?)?;
    }
    Ok(x)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::{LossConfig, TrainConfig};
    use candle_core::Device;

    #[test]
    fn plan_follows_the_schedule_and_ranks_share_it() {
        let mut config = TrainConfig::default();
        config.schedule.stable_kimg = 0.;
        config.schedule.fade_kimg = 0.512;
        let starts = |rank, n_critic| -> Vec<u64> {
            let loss = LossConfig::WganGp { lambda: 10., drift: 0., target: 1., n_critic };
            let config = TrainConfig { loss, ..config.clone() };
            let schedule = Schedule::new(&config, 1024, 8.);
            let plan = Plan { schedule, iteration: Iteration::new(&config), rank };
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
    fn regularising_turns_see_the_batch_again() {
        let config = TrainConfig::stylegan2();
        let schedule = Schedule::new(&config, 1024, 0.);
        let plan = Plan { schedule, iteration: Iteration::new(&config), rank: (0, 1) };
        // R1 comes in every 16th step, counted from the start of the run.
        let starts = |step, actions| -> Vec<u64> {
            let from = Place { step, images: step * 32, actions };
            plan.clone().shards(from).map(|shard| shard.start / 32).take(32).collect()
        };
        assert_eq!(starts(15, 0), [[15; 8], [16; 8], [16; 8], [17; 8]].concat());
        // Broken off after the discriminator's phase, and after its R1: generator, path length, discriminator, R1.
        assert_eq!(starts(16, 3), [[16; 8], [17; 8], [18; 8], [19; 8]].concat());
        assert_eq!(starts(16, 4), [[17; 8], [18; 8], [19; 8], [20; 8]].concat());
    }

    #[test]
    fn smaller_and_blended() {
        let x = Tensor::new(&[[[[-1f32, 1.], [-1., -1.]]]], &Device::Cpu).unwrap();
        let values = |lod| at_lod(&x, lod).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(0.), [-1., 1., -1., -1.]);
        assert_eq!(values(1.), [-0.5]);
        // A quarter of the mean -0.5 and three quarters of each pixel.
        assert_eq!(values(0.25), [-0.875, 0.625, -0.875, -0.875]);
    }
}
