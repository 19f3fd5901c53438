//! Real images, decoded and brought to the device ahead of the step.

use super::order::Order;
use super::plan::{Place, Plan};
use crate::Result;
use crate::data::{Batch, BatchMaps, Dataset, Loader, SampleRequest};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stylegan_core::latent::StreamKey;
use stylegan_kernels::{avg_pool2x, upsample_nearest2x};

type Requests = Box<dyn Iterator<Item = Vec<SampleRequest>> + Send>;
type Shards = Box<dyn Iterator<Item = Range<u64>> + Send>;

/// Batches by the global index of their first sample. Shards that are handled side by side may ask
/// in any order, each once per phase.
pub(crate) struct Prefetch {
    dataset: Arc<Dataset>,
    source: Source,
    inner: Mutex<Inner>,
}

struct Inner {
    loader: Loader<Requests>,
    shards: Shards,
    /// Batches that came before the one somebody asked for, with their shards.
    early: BTreeMap<u64, (Range<u64>, Result<Batch>)>,
}

/// Which pictures come, and what of them.
#[derive(Clone)]
pub(crate) struct Source {
    /// Their order.
    pub(crate) order: Order,
    /// The numbers in the set that the order's stand for; `None` for the whole set.
    pub(crate) pictures: Option<Arc<[usize]>>,
    /// Where samples are cut out of pictures of which they are parts.
    pub(crate) corners: StreamKey,
    /// Which of their maps are wanted.
    pub(crate) maps: BatchMaps,
}

impl Source {
    fn request(&self, dataset: &Dataset, shard: Range<u64>) -> Vec<SampleRequest> {
        let sample = |place| {
            let index = self.order.index(place);
            let index = self.pictures.as_ref().map_or(index, |pictures| pictures[index]);
            let corner = dataset.corner(index, &self.corners, place);
            SampleRequest { index, mirror: self.order.mirrored(place), corner }
        };
        shard.map(sample).collect()
    }

    /// The pictures of a shard at a level of detail, read while somebody waits; `first` is what came of reading them
    /// before.
    fn read(&self, dataset: &Dataset, shard: Range<u64>, lod: f64, first: Option<Result<Batch>>) -> Result<Batch> {
        let read = || dataset.load_quietly(&self.request(dataset, shard.clone()), self.maps);
        let mut batch = first.unwrap_or_else(read);
        for pause in PAUSES {
            if batch.is_err() {
                std::thread::sleep(pause);
                batch = read();
            }
        }
        let batch = batch?;
        Ok(Batch { images: at_lod(&batch.images, lod)?, ..batch })
    }

    /// The pictures of a shard at a level of detail, read while somebody waits.
    pub(crate) fn take(&self, dataset: &Dataset, shard: Range<u64>, lod: f64) -> Result<Batch> {
        self.read(dataset, shard, lod, None)
    }
}

/// Threads that decode beside the step.
const THREADS: usize = 1;

/// The pauses before a batch that failed is tried again, as network drives may fail for a moment.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(600)];

impl Prefetch {
    /// Pictures from a place on, keeping `ahead` shards decoded on `device`.
    pub(crate) fn new(
        dataset: &Arc<Dataset>,
        source: Source,
        plan: &Plan,
        from: Place,
        (ahead, device): (usize, Device),
    ) -> Self {
        let (order, maps, set) = (source.clone(), source.maps, dataset.clone());
        let requests: Requests = Box::new(plan.clone().shards(from).map(move |shard| order.request(&set, shard)));
        let shards: Shards = Box::new(plan.clone().shards(from));
        let loader = Loader::new(dataset.clone(), requests, (maps, device), THREADS, ahead);
        let inner = Mutex::new(Inner { loader, shards, early: BTreeMap::new() });
        Self { dataset: dataset.clone(), source, inner }
    }

    /// The images of the shard that starts at `start`, at a level of detail, with their labels and maps
    /// (these at full size).
    pub(crate) fn take(&self, start: u64, lod: f64) -> Result<Batch> {
        let (shard, batch) = {
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
        self.source.read(&self.dataset, shard, lod, Some(batch))
    }
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
