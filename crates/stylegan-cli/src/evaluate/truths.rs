//! What pictures are to be: the pictures of a set, and its label maps, in the order in which pictures are measured.

use super::dataset_source::{check_maps, order};
use crate::exit::wrong;
use candle_core::Tensor;
use std::path::Path;
use std::sync::Arc;
use stylegan_metrics::SourceError;
use stylegan_metrics::features::{FeatureNetworks, MapJudge, Truths};
use stylegan_train::data::Dataset;

/// Feature networks that know what pictures made of this set are to be, and a segmenter that looks for its maps in them.
pub(super) fn known(
    networks: FeatureNetworks,
    judge: Option<MapJudge>,
    dataset: &Arc<Dataset>,
) -> anyhow::Result<FeatureNetworks> {
    let (identity, own, order) = (dataset.identity()?, Arc::clone(dataset), Arc::new(order(dataset)));
    let picture = move |number: usize| order.get(number).copied().unwrap_or(usize::MAX);
    let of_truth = picture.clone();
    let truth = move |number: usize| -> Result<Tensor, SourceError> {
        let read =
            own.batches(&[of_truth(number)]).next().ok_or_else(|| SourceError::from("there is no such picture"))?;
        read.map_err(SourceError::from)
    };
    let networks = networks.with_truths(Truths::new(&identity, Box::new(truth)));
    let Some(judge) = judge else { return Ok(networks) };
    let own = Arc::clone(dataset);
    let map = move |number: usize| -> Result<Vec<u8>, SourceError> {
        let picture = picture(number);
        // Maps as pictures are grey, and their levels are classes.
        Ok(if own.has_maps() { own.map(picture)? } else { own.pixels(picture)?.to_vec() })
    };
    Ok(networks.with_judge(judge.of_maps(&identity, Box::new(map))))
}

/// Refuses a set whose pictures neither have label maps nor are any.
pub(super) fn check_maps_of(set: &Path, dataset: &Dataset) -> anyhow::Result<()> {
    if dataset.has_maps() {
        return Ok(());
    }
    if dataset.channels() > 1 {
        wrong!(
            "--segmenter: the pictures of {} have no label maps (labels/), and are none, which are grey; name a set with maps, \
             or a folder of maps, as the second of --images",
            set.display()
        );
    }
    check_maps(set)
}
