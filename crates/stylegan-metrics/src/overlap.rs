//! How far two label maps agree, class by class.

use crate::interval::{Estimate, GROUPS};
use crate::{Error, Result};

/// Of each class the pixels that are in both maps, in the true one, and in the one found.
#[derive(Debug, Clone)]
pub(crate) struct Overlap {
    both: Vec<u64>,
    truth: Vec<u64>,
    found: Vec<u64>,
}

impl Overlap {
    /// Nothing seen yet, of this many classes.
    pub(crate) fn new(classes: usize) -> Self {
        let none = || vec![0; classes];
        Self { both: none(), truth: none(), found: none() }
    }

    /// Adds pixels: of `class` those in both, in the true map, and in the one found.
    pub(crate) fn add(&mut self, class: usize, [both, truth, found]: [u64; 3]) {
        self.both[class] += both;
        self.truth[class] += truth;
        self.found[class] += found;
    }

    fn merge(&mut self, other: &Self) {
        for class in 0..self.both.len() {
            self.add(class, [other.both[class], other.truth[class], other.found[class]]);
        }
    }

    /// The share of pixels that have their true class; `None` without pixels.
    pub(crate) fn pixel_accuracy(&self) -> Option<f64> {
        let (right, all) = (self.both.iter().sum::<u64>(), self.truth.iter().sum::<u64>());
        (all > 0).then(|| right as f64 / all as f64)
    }

    /// Pixels of both over pixels of either, mean over the classes that occur in either; `None` without pixels.
    pub(crate) fn mean_iou(&self) -> Option<f64> {
        let each: Vec<f64> = (0..self.both.len())
            .filter_map(|c| {
                let either = self.truth[c] + self.found[c] - self.both[c];
                (either > 0).then(|| self.both[c] as f64 / either as f64)
            })
            .collect();
        (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
    }
}

/// Mean intersection over union and pixel accuracy of [`GROUPS`] groups of maps, with intervals that leave out one of
/// them at a time. Where a group has no pixels that count, the error speaks of `[part, expected]`.
pub(crate) fn estimates(groups: &[Overlap], [parameter, expected]: [&'static str; 2]) -> Result<[Estimate; 2]> {
    let seen = |without: Option<usize>| {
        let mut all = Overlap::new(groups[0].both.len());
        groups.iter().enumerate().filter(|(g, _)| Some(*g) != without).for_each(|(_, group)| all.merge(group));
        all
    };
    let estimate = |measure: &dyn Fn(&Overlap) -> Option<f64>| -> Result<Estimate> {
        let without: Option<Vec<f64>> = (0..GROUPS).map(|g| measure(&seen(Some(g)))).collect();
        let none =
            || Error::Parameter { parameter, found: "0 in one of twenty groups of maps or more".into(), expected };
        let (value, without) = measure(&seen(None)).zip(without).ok_or_else(none)?;
        Ok(Estimate::jackknife(value, vec![], without, [0., 1.]))
    };
    Ok([estimate(&Overlap::mean_iou)?, estimate(&Overlap::pixel_accuracy)?])
}
