//! Agreement of label maps: mean intersection over union and pixel accuracy, as SPADE is measured (Park
//! et al. 2019, section 4) by a segmentation network on pictures made from known maps.

use crate::extractor::{Extractor, LABEL_MAPS, Place};
use crate::feature_table::FeatureTable;
use crate::features::{FeatureNetworks, NetworkId};
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Counts, Direction, Metric, Needs, Number, RealsRole, SetMetric, Sets, SubjectKind};
use crate::overlap::{Overlap, estimates};
use crate::{Error, Result};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Mean intersection over union and pixel accuracy of label maps, one in each row of `found` as in `truth`,
/// whose numbers are classes; pixels whose true class is `ignored` count for nothing. Intervals leave out
/// one of [`GROUPS`] groups of maps at a time.
///
/// # Errors
/// Sets of different sizes, fewer than `2 * GROUPS` maps, or nothing but ignored pixels.
pub fn compare(truth: &FeatureTable, found: &FeatureTable, ignored: Option<u8>) -> Result<[Estimate; 2]> {
    found.check_like(truth)?;
    if truth.len() != found.len() {
        let (left, right) = (found.len().to_string(), truth.len().to_string());
        return Err(Error::Mismatch { what: "number of label maps", left, right });
    }
    truth.check_count("miou", "set of label maps", 2 * GROUPS)?;
    let classes = |row: &[f32]| row.iter().map(|class| *class as u8).collect::<Vec<_>>();
    let most = |map: &FeatureTable| {
        let known = map.rows().iter().map(|class| *class as u8).filter(|class| Some(*class) != ignored);
        known.max().unwrap_or(0)
    };
    let blank = Confusion::new(usize::from(most(truth).max(most(found))) + 1, ignored);
    let mut groups = vec![blank.clone(); GROUPS];
    for i in 0..truth.len() {
        groups[i % GROUPS].add(&classes(truth.row(i)), &classes(found.row(i)))?;
    }
    let groups: Vec<Overlap> = groups.iter().map(Confusion::overlap).collect();
    estimates(&groups, ["part of labelled pixels", "labelled pixels in all"])
}

/// How often each true class was given each label.
///
/// ```
/// use stylegan_metrics::segmentation::Confusion;
///
/// let mut seen = Confusion::new(2, None);
/// seen.add(&[0, 0, 1, 1], &[0, 1, 1, 1])?; // true, found
/// assert_eq!(seen.pixel_accuracy(), Some(0.75));
/// assert_eq!(seen.mean_iou(), Some((1. / 2. + 2. / 3.) / 2.));
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    classes: usize,
    ignored: Option<u8>,
    /// `[classes, classes]`: true class, found class.
    counts: Vec<u64>,
}

impl Confusion {
    /// Nothing seen yet, of this many classes; pixels whose true class is `ignored` (unlabelled ones) count
    /// for nothing.
    pub fn new(classes: usize, ignored: Option<u8>) -> Self {
        Self { classes, ignored, counts: vec![0; classes * classes] }
    }

    /// Adds the pixels of one map.
    ///
    /// # Errors
    /// Maps of different size, or a class that there is not.
    pub fn add(&mut self, truth: &[u8], found: &[u8]) -> Result<()> {
        if truth.len() != found.len() {
            let (left, right) = (format!("{} pixels", truth.len()), format!("{}", found.len()));
            return Err(Error::Mismatch { what: "size of label maps", left, right });
        }
        let known = |class: &u8| usize::from(*class) < self.classes;
        let counted = || truth.iter().zip(found).filter(|(t, _)| Some(**t) != self.ignored);
        if let Some((t, f)) = counted().find(|(t, f)| !known(t) || !known(f)) {
            let found = if known(t) { f } else { t }.to_string();
            return Err(Error::Parameter {
                parameter: "class of a label map",
                found,
                expected: "a class below their number",
            });
        }
        let at: Vec<usize> = counted().map(|(t, f)| usize::from(*t) * self.classes + usize::from(*f)).collect();
        at.into_iter().for_each(|i| self.counts[i] += 1);
        Ok(())
    }

    /// Adds what `other`, of the same classes, has seen.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }

    /// Part of the pixels whose class was found; nothing if there were none.
    pub fn pixel_accuracy(&self) -> Option<f64> {
        self.overlap().pixel_accuracy()
    }

    /// Pixels of both over pixels of either, mean over the classes that occur in either.
    pub fn mean_iou(&self) -> Option<f64> {
        self.overlap().mean_iou()
    }

    fn overlap(&self) -> Overlap {
        let mut overlap = Overlap::new(self.classes);
        for c in 0..self.classes {
            let (truth, found) = (0..self.classes)
                .fold((0, 0), |(truth, found), other| (truth + self.count(c, other), found + self.count(other, c)));
            overlap.add(c, [self.count(c, c), truth, found]);
        }
        overlap
    }

    fn count(&self, truth: usize, found: usize) -> u64 {
        self.counts[truth * self.classes + found]
    }
}

/// Parameters of the agreement of label maps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Miou {
    /// Sizes of the two sets.
    pub counts: Counts,
    /// The true class of pixels that do not count.
    pub ignored: Option<u8>,
}

impl Metric for Miou {
    fn name(&self) -> &'static str {
        "miou"
    }

    fn numbers(&self) -> &'static [&'static str] {
        &["miou", "pixel_accuracy"]
    }

    fn needs(&self) -> Needs {
        Needs {
            subject: SubjectKind::Images,
            reals: RealsRole::Paired,
            equal_sets: true,
            label_maps: true,
            ..Needs::images(2 * GROUPS)
        }
    }
}

impl SetMetric for Miou {
    fn extractor<'a>(
        &'a self,
        _networks: &'a FeatureNetworks,
        _published: &str,
        _seed: u64,
    ) -> std::result::Result<Box<dyn Extractor + 'a>, &'static str> {
        Ok(Box::new(Classes))
    }

    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>> {
        let [miou, accuracy] = compare(sets.real(name)?, sets.generated, self.ignored)?;
        Ok(vec![
            Number::new("miou", miou, "fraction", Direction::Larger),
            Number::new("pixel_accuracy", accuracy, "fraction", Direction::Larger),
        ])
    }
}

/// The classes of each label map's pixels.
struct Classes;

impl Extractor for Classes {
    fn id(&self) -> NetworkId {
        NetworkId::new(LABEL_MAPS, "", "grey levels are class numbers")
    }

    fn rows(&self, chunk: &Tensor, place: &Place, _waiting: &mut Option<Tensor>) -> Result<Vec<f32>> {
        let maps = chunk.narrow(0, 0, place.n)?;
        let (_, _, h, w) = maps.dims4()?;
        let levels = ((maps + 1.)? * 127.5)?.round()?.flatten_all()?.to_vec1::<f32>()?;
        let mut rows = Vec::with_capacity(levels.len() / 3);
        for (i, map) in levels.chunks_exact(3 * h * w).enumerate() {
            let (red, others) = map.split_at(h * w);
            if others.chunks_exact(h * w).any(|channel| channel != red) {
                return Err(Error::Parameter {
                    parameter: "a label map",
                    found: format!("coloured (picture {})", place.first + i),
                    expected: "grey, with the number of a pixel's class as its level",
                });
            }
            rows.extend(red);
        }
        Ok(rows)
    }

    /// A map has a row as long as it has pixels; reading it again is as quick.
    fn worth_keeping(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn unlabelled_pixels_and_absent_classes() {
        let mut seen = Confusion::new(4, Some(255));
        seen.add(&[0, 1, 255, 255], &[0, 1, 3, 2]).unwrap();
        assert_eq!((seen.pixel_accuracy(), seen.mean_iou()), (Some(1.), Some(1.)));
        assert_eq!((Confusion::new(2, None).pixel_accuracy(), Confusion::new(2, None).mean_iou()), (None, None));
    }

    #[test]
    fn parts_merge() {
        let (truth, found): (Vec<u8>, Vec<u8>) = (0..90u32).map(|i| ((i % 3) as u8, (i * i % 3) as u8)).unzip();
        let (mut whole, mut parts, mut last) =
            (Confusion::new(3, None), Confusion::new(3, None), Confusion::new(3, None));
        whole.add(&truth, &found).unwrap();
        parts.add(&truth[..40], &found[..40]).unwrap();
        last.add(&truth[40..], &found[40..]).unwrap();
        parts.merge(&last);
        assert_eq!(parts, whole);
        // 0 -> 0, 1 -> 1, 2 -> 1: of the classes 1, 1/2 and 0.
        assert_eq!(whole.mean_iou(), Some(0.5));
    }

    /// Of maps that are right but for a part of the pixels of one class, and intervals about that.
    #[test]
    fn sets_of_maps() {
        let map = |i: usize, wrong: usize| {
            (0..100).map(move |p| if p % 2 == 0 && p / 2 >= wrong * (i % 3) { 1. } else { 0. })
        };
        let table = |wrong| FeatureTable::new((0..60).flat_map(|i| map(i, wrong)).collect(), 100).unwrap();
        let [miou, accuracy] = compare(&table(0), &table(5), Some(255)).unwrap();
        // Each third map has 0, 5 and 10 of its 50 pixels of class 1 taken for class 0.
        assert!((accuracy.value - 0.95).abs() < 1e-12);
        assert!((miou.value - (45. / 50. + 50. / 55.) / 2.).abs() < 1e-12);
        assert!(accuracy.interval.low < 0.95 && accuracy.interval.high > 0.95);
        let [miou, accuracy] = compare(&table(0), &table(0), Some(255)).unwrap();
        assert_eq!((miou.value, accuracy.value), (1., 1.));
        let few = FeatureTable::new(vec![0.; 39 * 4], 4).unwrap();
        assert!(compare(&few, &few, None).unwrap_err().to_string().contains("needs at least 40"));
        let none = FeatureTable::new(vec![255.; 40 * 4], 4).unwrap();
        assert!(compare(&none, &none, Some(255)).unwrap_err().to_string().contains("labelled pixels"));
    }

    #[test]
    fn unfit_maps() {
        let message = |t: &[u8], f: &[u8]| Confusion::new(2, None).add(t, f).unwrap_err().to_string();
        assert!(message(&[0], &[0, 1]).contains("size of label maps"));
        assert!(message(&[0, 1], &[0, 9]).contains("is 9, expected a class below"));
    }
}
