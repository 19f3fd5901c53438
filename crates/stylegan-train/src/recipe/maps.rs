//! Whether the label maps of a set are what networks know.

use crate::config::MapClasses;
use crate::data::{Dataset, NO_CLASS};
use crate::{Error, Result};
use rayon::prelude::*;
use std::cmp::Reverse;

/// Refuses a set without label maps; `why` goes on from "has no label maps".
pub(super) fn expect(dataset: &Dataset, why: &str) -> Result<()> {
    if dataset.has_maps() {
        return Ok(());
    }
    Err(Error::Config {
        place: "the data set".into(),
        problem: format!(
            "has no label maps{why}; put one for each picture into its folder labels/ (grey value = class number), or build a \
             set that has them (`stylegan data build earth`)"
        ),
    })
}

/// Refuses a set in which the map of any picture holds another class than networks know: a run would come upon it
/// somewhere in the middle.
pub(super) fn check(known: &MapClasses, dataset: &Dataset) -> Result<()> {
    let largest = (0..dataset.len()).into_par_iter().map(|picture| {
        let other = dataset.stored_map(picture)?.into_iter().filter(|class| !known.knows(*class));
        Ok::<_, Error>((other.max(), Reverse(picture)))
    });
    // Of equals the first picture, whoever came there first.
    let (largest, Reverse(picture)) = largest.try_reduce(|| (None, Reverse(usize::MAX)), |a, b| Ok(a.max(b)))?;
    let Some(largest) = largest else { return Ok(()) };
    let name = dataset.names().get(picture).map(String::as_str).unwrap_or_default();
    Err(Error::Config { place: format!("the label map of {name}"), problem: problem(known, largest) })
}

fn problem(known: &MapClasses, class: u8) -> String {
    let (last, setting) = (known.count.saturating_sub(1), known.setting);
    match (class == NO_CLASS, known.none) {
        (true, Some(_)) => format!(
            "has pixels without a class (255), and the networks know 0 to {last} alone; give them a class for those \
             ({setting} = {}, dont_care = true), or paint over them",
            known.count + 1
        ),
        (true, None) => {
            format!("has pixels without a class (255), and the network knows 0 to {last} alone; paint over them")
        }
        (false, _) => format!(
            "holds class {class}, and the networks know 0 to {last}; set {setting} = {}, or correct the map",
            usize::from(class) + 1
        ),
    }
}
