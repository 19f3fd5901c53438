//! Similarity of identities: whether two pictures show the same person, in the eyes of a face recognition
//! network (Richardson et al. 2021, pixel2style2pixel, section 4).

use crate::extractor::{Extractor, Features};
use crate::feature_table::FeatureTable;
use crate::features::FeatureNetworks;
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Counts, Direction, Metric, Needs, Number, RealsRole, SetMetric, Sets, SubjectKind};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The mean cosine between rows of equal number, and its interval by leaving out one of [`GROUPS`] groups of
/// pairs at a time.
///
/// ```
/// use stylegan_metrics::{identity, feature_table::FeatureTable};
///
/// let one = FeatureTable::new([3f32, 4.].repeat(40), 2)?;
/// let two = FeatureTable::new([8f32, 6.].repeat(40), 2)?;
/// assert!((identity::similarity(&one, &two)?.value - 0.96).abs() < 1e-6);
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
///
/// # Errors
/// Sets of different sizes, fewer than `2 * GROUPS` pairs, or a row of nothing but zeros.
pub fn similarity(a: &FeatureTable, b: &FeatureTable) -> Result<Estimate> {
    a.check_like(b)?;
    if a.len() != b.len() {
        let (left, right) = (a.len().to_string(), b.len().to_string());
        return Err(Error::Mismatch { what: "number of pictures to compare by pairs", left, right });
    }
    a.check_count("id", "set of pairs", 2 * GROUPS)?;
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosine = |i: usize| {
        let (a, b) = (a.row(i), b.row(i));
        let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
        if cosine.is_finite() {
            return Ok(cosine as f32);
        }
        Err(Error::NotFinite { what: "directions of features", unit: "pair", index: i, set: "set of pairs".into() })
    };
    let cosines = (0..a.len()).map(cosine).collect::<Result<Vec<_>>>()?;
    Ok(Estimate::of_mean(&cosines, [-1., 1.]))
}

/// Parameters of the similarity of identities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Sizes of the two sets.
    pub counts: Counts,
}

impl Metric for Identity {
    fn name(&self) -> &'static str {
        "id"
    }

    fn needs(&self) -> Needs {
        Needs { subject: SubjectKind::Images, reals: RealsRole::Paired, equal_sets: true, ..Needs::images(2 * GROUPS) }
    }
}

impl SetMetric for Identity {
    fn extractor<'a>(
        &'a self,
        networks: &'a FeatureNetworks,
        _published: &str,
        _seed: u64,
    ) -> std::result::Result<Box<dyn Extractor + 'a>, &'static str> {
        let missing = "a network that knows faces (ArcFace: --features FILE, docs/metrics.md)";
        Ok(Box::new(Features(networks.identity().ok_or(missing)?)))
    }

    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>> {
        let estimate = similarity(sets.generated, sets.real(name)?)?;
        Ok(vec![Number::new(name, estimate, "cosine", Direction::Larger)])
    }
}
