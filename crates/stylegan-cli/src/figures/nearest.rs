//! Pictures beside those of a set that look most like them, which shows whether a network copies.

use super::{Drawn, seed_headings};
use crate::latents::Latents;
use crate::network::Network;
use crate::status::Progress;
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::Range;
use stylegan_core::picture::{Band, to_pictures};
use stylegan_metrics::cache::{Cache, in_parts};
use stylegan_metrics::extraction::extract;
use stylegan_metrics::feature_table::FeatureTable;
use stylegan_metrics::features::{FeatureNetwork, StLpips};
use stylegan_train::data::Dataset;

/// Pictures of the network that are shown at most.
const SHOWN: usize = 16;

/// Pictures of the set beside each.
const NEIGHBOURS: usize = 4;

/// Pictures of the set whose own neighbours are looked for, to have a measure.
const MEASURED: usize = 200;

/// Draws the pictures of up to 16 seeds, each with the four pictures of a set that are nearest in features of ST-LPIPS.
/// Distances are told in those of the set's pictures to their own neighbours. What was seen of the set is kept in a cache, if
/// there is one.
pub(super) fn nearest(network: &Network, seeds: &[u32], set: &Dataset, cache: Option<&Cache>) -> anyhow::Result<Drawn> {
    let seeds = seeds[..seeds.len().min(SHOWN)].to_vec();
    let indices: Vec<u64> = seeds.iter().map(|&seed| seed.into()).collect();
    let ws = Latents::Seeds(seeds.clone()).styles(network, 0, seeds.len())?;
    let made = network.synthesize(&ws, &indices)?;
    let eye = StLpips::embedded(network.model().params().device())?;
    let own = features(&eye, std::iter::once(Ok(made.clone())), "the network's pictures")?;
    let real = features_of(set, &eye, cache)?;
    let unit = own_distance(&real);
    let (mut pictures, mut captions) = (vec![], vec![]);
    for (i, picture) in to_pictures(&made)?.into_iter().enumerate() {
        let found = neighbours(&real, own.row(i), None);
        let found = &found[..found.len().min(NEIGHBOURS)];
        let numbers: Vec<usize> = found.iter().map(|(_, number)| *number).collect();
        pictures.push(Some(picture));
        captions.push(String::new());
        for batch in set.batches(&numbers) {
            pictures.extend(to_pictures(&batch?)?.into_iter().map(Some));
        }
        captions.extend(found.iter().map(|(distance, _)| format!("{:.2}", distance / unit)));
    }
    let band = Band {
        title: "Pictures, and those of the set that are nearest to them (1: as the set's are to one another)"
            .to_owned(),
        across: 1 + NEIGHBOURS.min(set.len()),
        rows: seed_headings(&seeds),
        pictures,
        captions,
        ..Band::default()
    };
    Ok(Drawn { bands: vec![band], seeds })
}

/// Features of a set, a row for each picture; what was seen of it is kept in a cache, if there is one.
fn features_of(set: &Dataset, eye: &StLpips, cache: Option<&Cache>) -> anyhow::Result<FeatureTable> {
    let progress = Progress::new("looking at pictures", set.len());
    let hash = cache.map(|_| set.hash()).transpose()?;
    let identity = hash.map(|hash| [hash, FeatureNetwork::hash(eye)]);
    let all: Vec<usize> = (0..set.len()).collect();
    let mut seen = 0;
    let make = &mut |part: Range<usize>| {
        let table = features(eye, set.batches(&all[part.clone()]).map(|batch| batch.map_err(Into::into)), "the set")?;
        // Parts that were kept lie before it, and after the last.
        progress.advance(part.end - seen);
        seen = part.end;
        Ok(table)
    };
    let table = in_parts(cache, identity.as_ref().map(|identity| &identity[..]), set.len(), make)?;
    progress.advance(set.len() - seen);
    Ok(table)
}

/// Features of ST-LPIPS, a row for each picture.
fn features(
    eye: &StLpips,
    images: impl Iterator<Item = Result<Tensor, stylegan_metrics::SourceError>>,
    name: &str,
) -> stylegan_metrics::Result<FeatureTable> {
    // One network has one table.
    Ok(extract(&[eye], images, None, name, &mut |_, _| ())?.swap_remove(0))
}

/// Distances of the table's rows to a row, with their numbers, the nearest first; without the row `but`.
fn neighbours(table: &FeatureTable, row: &[f32], but: Option<usize>) -> Vec<(f64, usize)> {
    let distance = |i: usize| {
        let squares = table.row(i).iter().zip(row).map(|(a, b)| f64::from(a - b).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let mut found: Vec<_> =
        (0..table.len()).into_par_iter().filter(|i| Some(*i) != but).map(|i| (distance(i), i)).collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    found
}

/// The median distance of pictures of a set to the nearest other of it that is no copy.
fn own_distance(table: &FeatureTable) -> f64 {
    let step = (table.len() / MEASURED).max(1);
    let other = |(distance, _): (f64, usize)| (distance > 0.).then_some(distance);
    let nearest = |i: usize| neighbours(table, table.row(i), Some(i)).into_iter().find_map(other);
    let mut found: Vec<f64> = (0..table.len()).step_by(step).filter_map(nearest).collect();
    found.sort_by(f64::total_cmp);
    found.get(found.len() / 2).copied().unwrap_or(1.).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nearest_first_and_measured_by_their_own_distance() {
        let table = FeatureTable::new(vec![0., 1., 3., 7.], 1).unwrap();
        assert_eq!(neighbours(&table, &[2.5], None)[..2], [(0.5, 2), (1.5, 1)]);
        assert_eq!(neighbours(&table, table.row(1), Some(1))[0], (1., 0));
        // 1, 1, 2 and 4.
        assert_eq!(own_distance(&table), 2.);
        // Each twice.
        let table = FeatureTable::new(vec![0., 1., 3., 7., 0., 1., 3., 7.], 1).unwrap();
        assert_eq!(own_distance(&table), 2.);
    }
}
