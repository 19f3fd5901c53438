//! How much of its label maps a painter's pictures show: mean intersection over union and pixel accuracy in the eyes of
//! a segmenter (Park et al. 2019, section 4).

use crate::extractor::{Extractor, Place};
use crate::feature_table::FeatureTable;
use crate::features::{FeatureNetworks, MapJudge, NetworkId};
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Counts, Direction, Metric, Needs, Number, SetMetric, Sets, SubjectKind};
use crate::overlap::{Overlap, estimates};
use crate::{Error, Result};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The true class of pixels that count for nothing.
const IGNORED: u8 = 255;

/// Mean intersection over union and pixel accuracy of rows that hold, for each class, the pixels of both, those of the
/// true map, and those found; over the classes that occur in either. Intervals leave out one of [`GROUPS`] groups of
/// pictures at a time.
///
/// ```
/// use stylegan_metrics::{feature_table::FeatureTable, seen_maps::agreement};
///
/// // Of two classes: 1 of 2 pixels of the first was found, all 2 of the second, which was found once too often.
/// let rows = FeatureTable::new([1f32, 2., 2., 2., 1., 3.].repeat(40), 6)?;
/// let [miou, accuracy] = agreement(&rows)?;
/// assert!((miou.value - (1. / 2. + 2. / 3.) / 2.).abs() < 1e-12 && accuracy.value == 0.75);
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
///
/// # Errors
/// Fewer than `2 * GROUPS` pictures, or nothing but pixels without a class.
pub fn agreement(rows: &FeatureTable) -> Result<[Estimate; 2]> {
    rows.check_count("seen_miou", "set of pictures", 2 * GROUPS)?;
    let classes = rows.dim() / 3;
    let mut groups = vec![Overlap::new(classes); GROUPS];
    for i in 0..rows.len() {
        let row = rows.row(i);
        for class in 0..classes {
            groups[i % GROUPS].add(class, [0, 1, 2].map(|part| row[part * classes + class] as u64));
        }
    }
    estimates(&groups, ["part of pixels with a class", "pixels with a class in all"])
}

/// Parameters of the agreement of pictures with their maps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenMiou {
    /// Pictures that are looked at.
    pub counts: Counts,
}

impl Metric for SeenMiou {
    fn name(&self) -> &'static str {
        "seen_miou"
    }

    fn numbers(&self) -> &'static [&'static str] {
        &["seen_miou", "seen_accuracy"]
    }

    fn needs(&self) -> Needs {
        Needs { subject: SubjectKind::Images, truths: true, ..Needs::images(2 * GROUPS) }
    }
}

impl SetMetric for SeenMiou {
    fn extractor<'a>(
        &'a self,
        networks: &'a FeatureNetworks,
        _published: &str,
        _seed: u64,
    ) -> std::result::Result<Box<dyn Extractor + 'a>, &'static str> {
        let missing = "a segmenter (--segmenter), and pictures of label maps";
        Ok(Box::new(Seen(networks.judge().ok_or(missing)?)))
    }

    fn compare(&self, _name: &str, sets: &Sets) -> Result<Vec<Number>> {
        let [miou, accuracy] = agreement(sets.generated)?;
        Ok(vec![
            Number::new("seen_miou", miou, "fraction", Direction::Larger),
            Number::new("seen_accuracy", accuracy, "fraction", Direction::Larger),
        ])
    }
}

/// For each class the pixels of both, those of the map, and those found; picture by picture.
struct Seen<'a>(&'a MapJudge);

impl Extractor for Seen<'_> {
    fn id(&self) -> NetworkId {
        let definition = format!("classes that a segmenter finds, against the label maps of {}", self.0.of());
        NetworkId::new(self.0.name(), self.0.hash(), &definition)
    }

    fn rows(&self, chunk: &Tensor, place: &Place, _waiting: &mut Option<Tensor>) -> Result<Vec<f32>> {
        let mut rows = Vec::new();
        for (i, found) in self.0.found(chunk)?.into_iter().take(place.n).enumerate() {
            let number = place.first + i;
            rows.extend(counts(&self.0.truth(number)?, &found, self.0.classes(), number)?);
        }
        Ok(rows)
    }
}

/// The row of one picture.
fn counts(truth: &[u8], found: &[u8], classes: usize, number: usize) -> Result<Vec<f32>> {
    if truth.len() != found.len() {
        let (left, right) = (format!("{} pixels", truth.len()), found.len().to_string());
        return Err(Error::Mismatch { what: "size of a label map and of its picture", left, right });
    }
    let mut row = vec![0f32; 3 * classes];
    for (&t, &f) in truth.iter().zip(found).filter(|(t, _)| **t != IGNORED) {
        let (t, f) = (usize::from(t), usize::from(f));
        if t >= classes {
            return Err(Error::Parameter {
                parameter: "class of a label map",
                found: format!("{t} (map {number}), of which the segmenter has never seen a pixel"),
                expected: "one of the segmenter's; train it on a set with all classes",
            });
        }
        if t == f {
            row[t] += 1.;
        }
        row[classes + t] += 1.;
        row[2 * classes + f] += 1.;
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::segmentation::Confusion;

    /// The sums are those of the confusion of all pictures.
    #[test]
    fn agrees_with_the_confusion() {
        let map = |i: usize, step: usize| (0..60).map(|p| ((p * step + i) % 7 % 4) as u8).collect::<Vec<_>>();
        let mut seen = Confusion::new(5, Some(IGNORED));
        let mut rows = vec![];
        for i in 0..40 {
            let (mut truth, found) = (map(i, 1), map(i, 1 + i % 3));
            truth[i] = IGNORED;
            seen.add(&truth, &found).unwrap();
            rows.extend(counts(&truth, &found, 5, i).unwrap());
        }
        let [miou, accuracy] = agreement(&FeatureTable::new(rows, 15).unwrap()).unwrap();
        assert!((miou.value - seen.mean_iou().unwrap()).abs() < 1e-12);
        assert!((accuracy.value - seen.pixel_accuracy().unwrap()).abs() < 1e-12);
        assert!(miou.interval.low < miou.value && miou.interval.high > miou.value);
    }

    #[test]
    fn unfit_maps() {
        assert!(counts(&[0], &[0, 1], 2, 3).unwrap_err().to_string().contains("size of a label map"));
        let error = counts(&[0, 2], &[0, 1], 2, 3).unwrap_err().to_string();
        assert!(error.contains("2 (map 3)"), "{error}");
        let none = FeatureTable::new(vec![0.; 6 * 40], 6).unwrap();
        assert!(agreement(&none).unwrap_err().to_string().contains("pixels with a class"));
        let few = FeatureTable::new(vec![1.; 6 * 39], 6).unwrap();
        assert!(agreement(&few).unwrap_err().to_string().contains("at least 40"));
    }
}
