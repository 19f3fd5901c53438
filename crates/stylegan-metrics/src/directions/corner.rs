//! The way of a latent to where two attributes meet.

use crate::feature_table::FeatureTable;
use crate::svm::LinearSvm;
use crate::{Error, Result};

/// Normals of two hyperplanes whose cosine is beyond this leave no way to their corner.
const PARALLEL: f64 = 0.999;

/// Two hyperplanes among latents, one for each of two attributes, and the corner where a latent has both.
#[derive(Debug, Clone, PartialEq)]
pub struct Corner {
    /// Unit normals, towards those that have the attribute.
    normals: [Vec<f64>; 2],
    /// What the hyperplanes' distances from 0 are, against the normals.
    offsets: [f64; 2],
    /// The deviations of latents along the normals.
    deviations: [f64; 2],
}

impl Corner {
    /// The hyperplanes of linear separability's metric between the rows of `latents` whose score is above 0 and the
    /// others, for each of two attributes.
    ///
    /// # Errors
    /// Scores that do not fit the latents, an attribute that all or none have, or two attributes that are one.
    pub fn fit(latents: &FeatureTable, scores: [&[f32]; 2]) -> Result<Self> {
        let fit = |scores: &[f32]| -> Result<(Vec<f64>, f64, f64)> {
            let has: Vec<bool> = scores.iter().map(|score| *score > 0.).collect();
            let plane = LinearSvm::fit(latents, &has, 1., None)?;
            let length = plane.normal().iter().map(|v| v * v).sum::<f64>().sqrt();
            let normal: Vec<f64> = plane.normal().iter().map(|v| v / length).collect();
            let places: Vec<f64> = (0..latents.len()).map(|i| along(&normal, latents.row(i))).collect();
            let mean = places.iter().sum::<f64>() / places.len() as f64;
            let squares = places.iter().map(|place| (place - mean).powi(2)).sum::<f64>();
            Ok((normal, plane.offset() / length, (squares / (places.len() as f64 - 1.).max(1.)).sqrt()))
        };
        let [(a, offset_a, deviation_a), (b, offset_b, deviation_b)] = [fit(scores[0])?, fit(scores[1])?];
        let cosine: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
        // A normal of length 0 is no number.
        if cosine.is_nan() || cosine.abs() > PARALLEL {
            let problem = "latents are told apart by both attributes alike, or by one of them not at all".into();
            return Err(Error::Fit { what: "pair of hyperplanes", problem });
        }
        Ok(Self { normals: [a, b], offsets: [offset_a, offset_b], deviations: [deviation_a, deviation_b] })
    }

    /// What is added to a latent so that it lies `deviations` beyond each hyperplane, in deviations of latents across it;
    /// where it lies farther it stays as far. Nothing moves that the hyperplanes do not see.
    pub fn way(&self, latent: &[f32], deviations: f64) -> Vec<f32> {
        let lacks = |k: usize| {
            let distance = along(&self.normals[k], latent) + self.offsets[k];
            (deviations * self.deviations[k] - distance).max(0.)
        };
        let [a, b] = &self.normals;
        let cosine: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        let (lacks, rest) = ([lacks(0), lacks(1)], 1. - cosine * cosine);
        let parts = [(lacks[0] - cosine * lacks[1]) / rest, (lacks[1] - cosine * lacks[0]) / rest];
        a.iter().zip(b).map(|(a, b)| (parts[0] * a + parts[1] * b) as f32).collect()
    }
}

/// The place of a latent along a normal.
fn along(normal: &[f64], latent: &[f32]) -> f64 {
    normal.iter().zip(latent).map(|(n, x)| n * f64::from(*x)).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_data::normals;

    /// Attributes that are half-spaces askew of one another: moved latents lie in both, as far as they should, and nothing
    /// else of them has moved.
    #[test]
    fn latents_go_to_the_corner_and_no_farther() {
        let latents = normals(0, 2000, 4, |_, z| z);
        let scores = |f: &dyn Fn(&[f32]) -> f32| (0..latents.len()).map(|i| f(latents.row(i))).collect::<Vec<_>>();
        let (first, second) = (|x: &[f32]| x[0] - 0.5, |x: &[f32]| x[1] - 0.6 * x[0] - 0.5);
        let corner = Corner::fit(&latents, [&scores(&first), &scores(&second)]).unwrap();
        let mut still = 0;
        for i in 0..latents.len() {
            let latent = latents.row(i);
            let way = corner.way(latent, 1.);
            let after: Vec<f32> = latent.iter().zip(&way).map(|(x, d)| x + d).collect();
            // The hyperplanes are fitted to samples: a deviation beyond, less a fifth for that.
            assert!(first(&after) > 0.8 && second(&after) > 0.8 * 1.36f32.sqrt(), "{latent:?} {after:?}");
            assert!(way[2].hypot(way[3]) < 0.1 * (0.1 + way[0].hypot(way[1])), "{way:?}");
            // Twice as far lies farther, and 0 deviations is on the hyperplanes, where those beyond both stay.
            let (far, near) = (corner.way(latent, 2.), corner.way(latent, 0.));
            let beyond = first(latent) > 0.3 && second(latent) > 0.3;
            assert!(!beyond || near.iter().all(|d| *d == 0.), "{latent:?} {near:?}");
            still += usize::from(beyond);
            let end = |way: &[f32]| first(&latent.iter().zip(way).map(|(x, d)| x + d).collect::<Vec<_>>());
            assert!(end(&far) > end(&way) && end(&way) > end(&near) - 1e-3);
        }
        // A fifth of a twentieth of them, or so.
        assert!((5..100).contains(&still), "{still}");
    }

    #[test]
    fn attributes_that_make_no_corner_are_refused() {
        let latents = normals(1, 200, 3, |_, z| z);
        let scores: Vec<f32> = (0..200).map(|i| latents.row(i)[0]).collect();
        let error = Corner::fit(&latents, [&scores, &scores]).unwrap_err().to_string();
        assert!(error.contains("by both attributes alike"), "{error}");
        let error = Corner::fit(&latents, [&scores, &[1.; 200]]).unwrap_err().to_string();
        assert!(error.contains("all 200 samples have the same label"), "{error}");
    }
}
