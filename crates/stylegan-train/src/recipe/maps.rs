//! Whether the label maps of a set are what networks know.

use crate::data::Dataset;
use crate::{Error, Result};
use rayon::prelude::*;
use std::cmp::Reverse;

/// Refuses a set in which the map of any picture holds a class from `classes` on: a run would come upon it somewhere in the
/// middle. `setting` is the number of classes in the configuration.
pub(super) fn check_classes(dataset: &Dataset, classes: usize, setting: &str) -> Result<()> {
    let largest = (0..dataset.len()).into_par_iter().map(|picture| {
        let largest = dataset.map(picture)?.into_iter().max().unwrap_or(0);
        Ok::<_, Error>((usize::from(largest), Reverse(picture)))
    });
    // Of equals the first picture, whoever came there first.
    let (largest, Reverse(picture)) = largest.try_reduce(|| (0, Reverse(usize::MAX)), |a, b| Ok(a.max(b)))?;
    if largest < classes {
        return Ok(());
    }
    let name = dataset.names().get(picture).map(String::as_str).unwrap_or_default();
    Err(Error::Config {
        place: format!("the label map of {name}"),
        problem: format!(
            "holds class {largest}, and the networks know 0 to {}; set {setting} = {}, or correct the map",
            classes.saturating_sub(1),
            largest + 1
        ),
    })
}
