//! Directions as normals of hyperplanes between styles with and without an attribute.

use super::common::typable;
use crate::exit::wrong;
use crate::status::say;
use stylegan_core::directions::Direction;
use stylegan_core::printable;
use stylegan_metrics::directions::{Attribute, Hyperplane, Separation};
use stylegan_metrics::feature_table::FeatureTable;

/// Styles deviate by less than this along a direction where they are alike but for rounding.
const ALIKE: f64 = 1e-6;

/// Styles with scores of attributes: larger where a style has it more surely.
pub(super) struct Scored {
    /// A style per row.
    pub(super) styles: FeatureTable,
    /// Name and scores of each attribute.
    pub(super) attributes: Vec<(String, Vec<f32>)>,
    /// What gave the scores, in words.
    pub(super) by: String,
}

impl Scored {
    /// A direction for each attribute, in these style rows. Attributes that styles cannot be told apart by are named
    /// and left out, if others remain.
    pub(super) fn directions(&self, separation: Separation, rows: &[usize]) -> anyhow::Result<Vec<Direction>> {
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for (name, scores) in &self.attributes {
            match separation.fit(&self.styles, &Attribute { name, scores }) {
                Ok(plane) => {
                    let direction = self.direction(name, &plane, rows);
                    // No step along it would have a size.
                    if direction.sigma < ALIKE {
                        wrong!(
                            "{}: the styles are all alike, so that none has more of {} than another; bring styles that differ",
                            self.by,
                            printable(name)
                        );
                    }
                    found.push(direction);
                }
                Err(error) => failed.push(error),
            }
        }
        if found.is_empty() {
            failed.into_iter().next().map_or(Ok(()), Err)?;
        } else {
            failed.iter().for_each(|error| say(&format!("note: left out: {error}")));
        }
        Ok(found)
    }

    fn direction(&self, name: &str, plane: &Hyperplane, rows: &[usize]) -> Direction {
        let rest = match plane.rest.is_nan() {
            true => String::new(),
            false => format!(", for {:.1} % of those between", 100. * plane.rest),
        };
        let [fitted, tried] = plane.samples;
        let right = 100. * plane.held_back;
        Direction {
            name: typable(name),
            rows: rows.to_vec(),
            channel: None,
            sigma: self.deviation(&plane.normal),
            vector: plane.normal.iter().map(|v| *v as f32).collect(),
            how: format!(
                "hyperplane by {} of {fitted} samples; right for {right:.1} % of {tried} held back{rest}",
                self.by
            ),
        }
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
