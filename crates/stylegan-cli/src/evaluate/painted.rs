//! Pictures that a network paints of a set's label maps, and what they are held against.

use super::dataset_source::{self, order};
use crate::exit::wrong;
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use std::ops::Range;
use std::path::Path;
use stylegan_core::checkpoint::Metadata;
use stylegan_core::latent::StreamKey;
use stylegan_core::{Condition, MapSpec, Model, Precision, Sampler};
use stylegan_metrics::evaluate::ImageSet;
use stylegan_metrics::protocol::Protocol;
use stylegan_metrics::{Error, Result};
use stylegan_train::data::{Dataset, SampleRequest, semantic_map};

/// Pixels that are painted at a time.
const BATCH_PIXELS: usize = 1 << 16;

/// The metric that a segmenter gives, by any of the names of its numbers.
pub(super) const SEEN: &str = "seen_miou";

/// What the numbers of label maps are asked for by.
const NUMBERS: [&str; 3] = ["miou", "accuracy", "pixel_accuracy"];

/// The metric of a name that was typed; `of_maps` where pictures are of maps, which a segmenter looks for. Of label maps
/// themselves, too, one metric has two numbers.
pub(super) fn metric(name: &str, of_maps: bool) -> Result<Protocol> {
    let found = Protocol::find(match (NUMBERS.contains(&name), of_maps) {
        (true, true) => SEEN,
        (true, false) => NUMBERS[0],
        (false, _) => name,
    });
    found.map_err(|error| match error {
        // What is typed is the other number's name.
        Error::Unknown { what, name, known, nearest } => Error::Unknown {
            what,
            name,
            known: known.replace(SEEN, NUMBERS[1]),
            nearest: nearest.replace(SEEN, NUMBERS[0]),
        },
        other => other,
    })
}

/// Adds what is to be measured, once: both numbers of label maps are of one metric.
pub(super) fn push(protocols: &mut Vec<Protocol>, protocol: Protocol) {
    if protocols.iter().all(|known| known.id != protocol.id) {
        protocols.push(protocol);
    }
}

/// A network with the maps that it is to paint.
pub(super) struct Paintings<'a> {
    pub(super) model: &'a Model,
    /// Its file.
    pub(super) file: &'a Path,
    /// Hash of its content, where that is known.
    pub(super) hash: Option<&'a str>,
    pub(super) dataset: &'a Dataset,
    /// Seed of styles.
    pub(super) seed: u64,
}

impl<'a> Paintings<'a> {
    /// Pictures of all maps of the set, in the order in which real pictures come.
    pub(super) fn images(self, spec: MapSpec) -> anyhow::Result<ImageSet<'a>> {
        let Self { model, file, hash, dataset, seed } = self;
        if !dataset.has_maps() {
            wrong!(
                "{}: the network paints label maps, and the set has none (labels/); name another with --data",
                file.display()
            );
        }
        if spec.edges && !dataset.has_instances() {
            wrong!(
                "{}: the network reads edges between instances, and the set has no instance maps (instances/)",
                file.display()
            );
        }
        let no_class = model.metadata().and_then(Metadata::no_class);
        let sampler = model.sampler();
        let n = sampler.batch_size(BATCH_PIXELS, 32);
        let order = order(dataset);
        let key = StreamKey::new(seed, "metric pictures", 0);
        let paint = move |numbers: Range<usize>| -> anyhow::Result<Tensor> {
            let numbers = numbers.start..numbers.end.min(numbers.start + n);
            let sampler = Sampler::new(model.generator());
            let requests: Vec<_> =
                order[numbers.clone()].iter().map(|&picture| SampleRequest::whole(picture)).collect();
            let edges = spec.edges.then(|| dataset.load_edges(&requests)).transpose()?;
            let map = semantic_map(&dataset.load_maps(&requests)?, edges.as_ref(), spec.classes, no_class)?;
            let indices: Vec<u64> = numbers.map(|number| number as u64).collect();
            let condition = Condition::Map(&map);
            let z = sampler.latents(&key, &indices, 0)?.to_dtype(model.dtype())?;
            Ok(sampler.images(&sampler.styles(&z, condition)?, condition, &indices)?.to_dtype(DType::F32)?)
        };
        let (identity, precision) = (dataset.identity()?, model.generator().precision());
        let reduced = precision.reduced().map_or_else(String::new, |precision| format!(", in {precision}"));
        Ok(ImageSet {
            name: file.display().to_string(),
            images: Box::new(move |numbers| Some(paint(numbers).map_err(Into::into))),
            count: dataset.len(),
            hash: hash.map(|hash| format!("{hash} of the maps of {identity}, seed {seed}{reduced}")),
            precision,
        })
    }
}

/// What painted pictures are held against by the same segmenter: the real pictures, which no painter is likely to
/// exceed, and maps whose classes have one colour each, the mean of their pixels.
pub(super) fn baselines(dataset: &Dataset) -> anyhow::Result<[ImageSet<'_>; 2]> {
    let real = dataset_source::images(dataset, "real pictures")?;
    let colours = mean_colours(dataset)?;
    let ([h, w], c) = (dataset.image_size(), dataset.channels());
    let order = order(dataset);
    let flat = move |numbers: Range<usize>| -> anyhow::Result<Tensor> {
        let picture = order[numbers.start];
        let map = dataset.map(picture)?;
        let values: Vec<f32> =
            (0..c).flat_map(|c| map.iter().map(|&class| colours[usize::from(class)][c]).collect::<Vec<_>>()).collect();
        Ok(Tensor::from_vec(values, (1, c, h, w), &Device::Cpu)?)
    };
    let flat = ImageSet {
        name: "mean colour of each class".into(),
        images: Box::new(move |numbers| Some(flat(numbers).map_err(Into::into))),
        count: dataset.len(),
        hash: Some(format!("mean colours of the classes of {}", dataset.identity()?)),
        precision: Precision::F32,
    };
    Ok([real, flat])
}

/// The mean of the pixels of each class, in [-1, 1]; that of no class for pixels without one.
fn mean_colours(dataset: &Dataset) -> anyhow::Result<Vec<[f32; 4]>> {
    const CLASSES: usize = 256;
    let zero = || vec![[0u64; 5]; CLASSES];
    let plane: usize = dataset.image_size().iter().product();
    let sums = (0..dataset.len()).into_par_iter().try_fold(zero, |mut sums, picture| {
        let (pixels, map) = (dataset.pixels(picture)?, dataset.map(picture)?);
        for (c, channel) in pixels.chunks_exact(plane.max(1)).enumerate() {
            map.iter().zip(channel).for_each(|(&class, &level)| sums[usize::from(class)][c] += u64::from(level));
        }
        map.iter().for_each(|&class| sums[usize::from(class)][4] += 1);
        Ok::<_, stylegan_train::Error>(sums)
    });
    let add = |mut a: Vec<[u64; 5]>, b: Vec<[u64; 5]>| {
        a.iter_mut().flatten().zip(b.iter().flatten()).for_each(|(a, b)| *a += b);
        Ok(a)
    };
    let mean = |[r, g, b, a, n]: [u64; 5]| [r, g, b, a].map(|sum| (sum as f64 / n.max(1) as f64 / 127.5 - 1.) as f32);
    Ok(sums.try_reduce(zero, add)?.into_iter().map(mean).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_twice_is_measured_once() -> anyhow::Result<()> {
        let mut protocols = vec![];
        for name in ["miou", "fid", "accuracy", "fid"] {
            push(&mut protocols, metric(name, true)?);
        }
        let ids: Vec<&str> = protocols.iter().map(|protocol| &*protocol.id).collect();
        assert!(ids.len() == 2 && ids[0].ends_with(SEEN) && ids[1].ends_with("fid"), "{ids:?}");
        Ok(())
    }
}
