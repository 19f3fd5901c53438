//! Directions as normals of hyperplanes between styles with and without an attribute.

use anyhow::Context;
use stylegan_core::directions::Direction;
use stylegan_metrics::directions::{Attribute, Separation};
use stylegan_metrics::feature_table::FeatureTable;

/// Styles with scores of attributes: larger where a style has it more surely, above 0 where it has it.
pub(super) struct Scored {
    /// A style per row.
    pub(super) styles: FeatureTable,
    /// Name and scores of each attribute.
    pub(super) attributes: Vec<(String, Vec<f32>)>,
    /// What gave the scores, in words.
    pub(super) by: String,
}

impl Scored {
    /// A direction for each attribute, in these style rows.
    pub(super) fn directions(&self, separation: Separation, rows: &[usize]) -> anyhow::Result<Vec<Direction>> {
        let direction = |(name, scores): &(String, Vec<f32>)| {
            let plane = separation.fit(&self.styles, &Attribute { name, scores }).with_context(|| name.clone())?;
            let rest = if plane.rest.is_nan() {
                String::new()
            } else {
                format!(", {:.1} % of those that are less sure", 100. * plane.rest)
            };
            anyhow::Ok(Direction {
                name: name.replace([' ', '='], "-"),
                rows: rows.to_vec(),
                sigma: self.deviation(&plane.normal),
                vector: plane.normal.iter().map(|v| *v as f32).collect(),
                how: format!(
                    "hyperplane by {} of {} samples; right for {:.1} % of {} held back{rest}",
                    self.by,
                    plane.samples[0],
                    100. * plane.held_back,
                    plane.samples[1],
                ),
            })
        };
        self.attributes.iter().map(direction).collect()
    }

    /// The deviation of the styles along a vector of unit length.
    fn deviation(&self, vector: &[f64]) -> f64 {
        let n = self.styles.len();
        let along = |i: usize| self.styles.row(i).iter().zip(vector).map(|(a, b)| f64::from(*a) * b).sum::<f64>();
        let places: Vec<f64> = (0..n).map(along).collect();
        let mean = places.iter().sum::<f64>() / n as f64;
        (places.iter().map(|place| (place - mean).powi(2)).sum::<f64>() / (n as f64 - 1.).max(1.)).sqrt()
    }
}
