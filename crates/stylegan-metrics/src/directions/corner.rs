//! The way of a latent to where two attributes meet.

use crate::feature_table::FeatureTable;
use crate::svm::LinearSvm;
use crate::{Error, Result};

/// Places across two hyperplanes that correlate beyond this leave no way to their corner.
const PARALLEL: f64 = 0.999;

/// Two hyperplanes among latents, one for each of two attributes, and the corner where a latent has both.
#[derive(Debug, Clone, PartialEq)]
pub struct Corner {
    /// Unit normals, towards those that have the attribute.
    normals: [Vec<f64>; 2],
    /// What the hyperplanes' distances from 0 are, against the normals.
    offsets: [f64; 2],
    /// How latents vary with their place across each hyperplane: the covariances of their numbers with it.
    ways: [Vec<f64>; 2],
    /// The covariances of these places.
    covariances: [[f64; 2]; 2],
}

impl Corner {
    /// The hyperplanes of linear separability's metric between the rows of `latents` whose score is above 0 and the
    /// others, for each of two attributes.
    ///
    /// # Errors
    /// Scores that do not fit the latents, an attribute that all or none have, or two attributes that are one.
    pub fn fit(latents: &FeatureTable, scores: [&[f32]; 2]) -> Result<Self> {
        let fit = |scores: &[f32]| -> Result<(Vec<f64>, f64, Vec<f64>)> {
            let has: Vec<bool> = scores.iter().map(|score| *score > 0.).collect();
            let plane = LinearSvm::fit(latents, &has, 1., None)?;
            let length = plane.normal().iter().map(|v| v * v).sum::<f64>().sqrt();
            let normal: Vec<f64> = plane.normal().iter().map(|v| v / length).collect();
            let way = covariance(latents, &normal);
            Ok((normal, plane.offset() / length, way))
        };
        let [(a, offset_a, way_a), (b, offset_b, way_b)] = [fit(scores[0])?, fit(scores[1])?];
        let (normals, ways) = ([a, b], [way_a, way_b]);
        let covariances = [0, 1].map(|i| [0, 1].map(|j| dot(&normals[i], &ways[j])));
        let correlation = covariances[0][1] / (covariances[0][0] * covariances[1][1]).sqrt();
        // Normals of length 0 are no numbers.
        if correlation.is_nan() || correlation.abs() > PARALLEL {
            let problem = "latents are told apart by both attributes alike, or by one of them not at all".into();
            return Err(Error::Fit { what: "pair of hyperplanes", problem });
        }
        Ok(Self { normals, offsets: [offset_a, offset_b], ways, covariances })
    }

    /// What is added to a latent so that it lies `deviations` beyond each hyperplane, in deviations of latents across it;
    /// where it lies farther it stays as far. Of all ways there it is the likeliest, the shortest in deviations of
    /// latents: it is the same in whatever units the space has, and nothing moves that does not vary with the
    /// attributes.
    pub fn way(&self, latent: &[f32], deviations: f64) -> Vec<f32> {
        let [[aa, ab], [ba, bb]] = self.covariances;
        let lacks = |k: usize, variance: f64| {
            let distance = along(&self.normals[k], latent) + self.offsets[k];
            (deviations * variance.sqrt() - distance).max(0.)
        };
        let (lacks_a, lacks_b, rest) = (lacks(0, aa), lacks(1, bb), aa * bb - ab * ba);
        let (part_a, part_b) = ((bb * lacks_a - ab * lacks_b) / rest, (aa * lacks_b - ba * lacks_a) / rest);
        let [a, b] = &self.ways;
        a.iter().zip(b).map(|(a, b)| (part_a * a + part_b * b) as f32).collect()
    }
}

/// The place of a latent along a normal.
fn along(normal: &[f64], latent: &[f32]) -> f64 {
    normal.iter().zip(latent).map(|(n, x)| n * f64::from(*x)).sum()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The covariances of the numbers of latents with their place along a normal.
fn covariance(latents: &FeatureTable, normal: &[f64]) -> Vec<f64> {
    let n = latents.len() as f64;
    let places: Vec<f64> = (0..latents.len()).map(|i| along(normal, latents.row(i))).collect();
    let mean = places.iter().sum::<f64>() / n;
    let mut found = vec![0.; normal.len()];
    for (i, place) in places.iter().enumerate() {
        let share = (place - mean) / (n - 1.).max(1.);
        found.iter_mut().zip(latents.row(i)).for_each(|(sum, x)| *sum += share * f64::from(*x));
    }
    found
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

    /// In a space that is stretched along one axis latents end at the same places of the other space: units do not matter.
    #[test]
    fn the_way_is_the_same_in_other_units() {
        let latents = normals(2, 4000, 3, |_, z| z);
        let stretched = FeatureTable::new(
            (0..4000).flat_map(|i| [latents.row(i)[0] * 10., latents.row(i)[1], latents.row(i)[2] / 10.]).collect(),
            3,
        );
        let stretched = stretched.unwrap();
        let scores = |k: usize| (0..4000).map(|i| latents.row(i)[k] + 0.3 * latents.row(i)[2]).collect::<Vec<f32>>();
        let scores = [&scores(0)[..], &scores(1)[..]];
        let (plain, other) = (Corner::fit(&latents, scores).unwrap(), Corner::fit(&stretched, scores).unwrap());
        for i in 0..50 {
            let (way, far) = (plain.way(latents.row(i), 2.), other.way(stretched.row(i), 2.));
            for (axis, unit) in [10., 1., 0.1].into_iter().enumerate() {
                // Hyperplanes of separable samples with a soft margin are not quite the same in other units.
                assert!((way[axis] - far[axis] / unit).abs() < 0.15, "{way:?} {far:?}");
            }
        }
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
