//! Whether the label maps of a set are what networks know.

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

/// The classes that networks know: those below `count`.
pub(super) struct Known<'a> {
    pub(super) count: usize,
    /// The setting that says so.
    pub(super) setting: &'a str,
    /// Whether they also know pixels without a class; `None` for networks that cannot.
    pub(super) none: Option<bool>,
}

impl Known<'_> {
    /// Refuses a set in which the map of any picture holds another class: a run would come upon it somewhere in the
    /// middle.
    pub(super) fn check(&self, dataset: &Dataset) -> Result<()> {
        let largest = (0..dataset.len()).into_par_iter().map(|picture| {
            let passed = |class: &u8| *class == NO_CLASS && self.none == Some(true);
            let seen = dataset.stored_map(picture)?.into_iter().filter(|class| !passed(class));
            Ok::<_, Error>((usize::from(seen.max().unwrap_or(0)), Reverse(picture)))
        });
        // Of equals the first picture, whoever came there first.
        let (largest, Reverse(picture)) = largest.try_reduce(|| (0, Reverse(usize::MAX)), |a, b| Ok(a.max(b)))?;
        if largest < self.count {
            return Ok(());
        }
        let name = dataset.names().get(picture).map(String::as_str).unwrap_or_default();
        Err(Error::Config { place: format!("the label map of {name}"), problem: self.problem(largest) })
    }

    fn problem(&self, class: usize) -> String {
        let (last, setting) = (self.count.saturating_sub(1), self.setting);
        match (class == usize::from(NO_CLASS), self.none) {
            (true, Some(_)) => format!(
                "has pixels without a class (255), and the networks know 0 to {last} alone; give them a class for those \
                 ({setting} = {}, dont_care = true), or paint over them",
                self.count + 1
            ),
            (true, None) => {
                format!("has pixels without a class (255), and the network knows 0 to {last} alone; paint over them")
            }
            (false, _) => format!(
                "holds class {class}, and the networks know 0 to {last}; set {setting} = {}, or correct the map",
                class + 1
            ),
        }
    }
}
