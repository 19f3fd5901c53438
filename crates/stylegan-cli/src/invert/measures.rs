//! How near reconstructions are to their pictures.

use super::files::MEASURES;
use super::plan::Plan;
use crate::numbers::count;
use crate::status::say;
use anyhow::Context;
use candle_core::{DType, Tensor};
use image::RgbImage;
use serde_json::{Map, Value, json};
use stylegan_core::picture::{to_image, to_pictures};
use stylegan_metrics::features::{ArcFace, Classifier, FeatureNetwork, PerceptualDistance};
use stylegan_metrics::interval::student;
use stylegan_train::inversion::seen;

/// What squares, distances and times can be.
const AMOUNT: [f64; 2] = [0., f64::INFINITY];

/// What cosines can be.
const COSINE: [f64; 2] = [-1., 1.];

/// What a reconstruction is measured by, beside the picture that it is to be.
enum Measure<'a> {
    /// The squared difference of values in [-1, 1].
    Square,
    /// How different the two look.
    Distance(&'a dyn PerceptualDistance),
    /// The same of the part where aligned photographs have the face.
    OfFace(Box<Self>),
    /// The cosine of features of a network that knows faces.
    Face(&'a dyn FeatureNetwork),
    /// The cosine of features of a classifier.
    Classifier(&'a Classifier),
}

impl Measure<'_> {
    /// The key in the file.
    fn name(&self) -> String {
        match self {
            Self::Square => "mse".into(),
            Self::Distance(network) => network.name().into(),
            Self::OfFace(measure) => format!("face_{}", measure.name()),
            Self::Face(network) => network.name().into(),
            Self::Classifier(_) => "classifier".into(),
        }
    }

    /// SHA-256 of the network that measures.
    fn hash(&self) -> Option<&str> {
        match self {
            Self::Square => None,
            Self::Distance(network) => Some(network.hash()),
            Self::OfFace(measure) => measure.hash(),
            Self::Face(network) => Some(network.hash()),
            Self::Classifier(network) => Some(network.hash()),
        }
    }

    /// The least and the most that it can be.
    fn range(&self) -> [f64; 2] {
        match self {
            Self::Square | Self::Distance(_) | Self::OfFace(_) => AMOUNT,
            Self::Face(_) | Self::Classifier(_) => COSINE,
        }
    }

    /// The number of two images `[1, 3, h, w]`.
    fn of(&self, source: &Tensor, found: &Tensor) -> anyhow::Result<f64> {
        match self {
            Self::Square => number(&(source - found)?.sqr()?.mean_all()?),
            Self::Distance(network) => number(&network.distance(&seen(source)?, &seen(found)?)?.mean_all()?),
            Self::OfFace(measure) => measure.of(&ArcFace::face(source)?, &ArcFace::face(found)?),
            Self::Face(network) => cosine(&network.features(&seen(source)?)?, &network.features(&seen(found)?)?),
            Self::Classifier(network) => cosine(&network.features(source)?, &network.features(found)?),
        }
    }
}

/// Writes `measures.json`: squared difference, the perceptual distance of each network at hand and, with networks that know
/// who or what is in a picture, the cosine of their features, of each picture (or its `--truth`) and its reconstruction and
/// in the mean. `seconds` are those that were taken to find the styles of each.
pub(super) fn write(plan: &Plan, seconds: &[f64]) -> anyhow::Result<()> {
    let shown = plan.encoder.as_ref().is_none_or(|encoder| encoder.shows_versions_of_pictures());
    if !shown && plan.pictures.iter().any(|picture| picture.truth.is_none()) {
        return Ok(());
    }
    let mut measures = vec![Measure::Square];
    measures.extend(plan.distances.distances().map(Measure::Distance));
    if plan.face {
        let whole = std::iter::once(Measure::Square).chain(plan.distances.distances().map(Measure::Distance));
        measures.extend(whole.map(|measure| Measure::OfFace(Box::new(measure))));
    }
    measures.extend(plan.distances.identity().map(Measure::Face));
    measures.extend(plan.classifier.as_ref().map(Measure::Classifier));
    let (mut each, mut columns) = (vec![], vec![vec![]; measures.len()]);
    for picture in &plan.pictures {
        // As its file has it, in bytes.
        let source = to_pictures(&plan.truth(picture)?.image)?.pop().context("there is no picture to measure")?;
        let source = image(&source)?;
        let found = image(&super::sheet::read(&picture.files.reconstruction)?)?;
        let mut one = Map::from_iter([("name".to_owned(), json!(picture.name))]);
        for (measure, column) in measures.iter().zip(&mut columns) {
            let value = measure.of(&source, &found)?;
            one.insert(measure.name(), json!(value));
            column.push(value);
        }
        each.push(Value::Object(one));
    }
    let means = measures.iter().zip(&columns).map(|(measure, values)| (measure.name(), mean(values, measure.range())));
    let (mut said, mut written) = (vec![], Map::new());
    for (name, (text, value)) in means {
        said.push(format!("{name} {text}"));
        written.insert(name, value);
    }
    if !seconds.is_empty() {
        written.insert("seconds_per_picture".into(), mean(seconds, AMOUNT).1);
    }
    let networks = measures.iter().filter_map(|measure| Some((measure.name(), json!(measure.hash()?))));
    written.insert("networks".into(), Value::Object(networks.collect()));
    written.insert("pictures".into(), json!(plan.pictures.len()));
    written.insert("each".into(), Value::Array(each));
    let path = plan.out.join(MEASURES);
    stylegan_core::write_file(&path, format!("{:#}\n", Value::Object(written)).as_bytes())?;
    say(&format!("{} of {}", said.join(", "), count(plan.pictures.len() as u64, "picture")));
    Ok(())
}

/// The cosine between features `[1, n]`.
fn cosine(a: &Tensor, b: &Tensor) -> anyhow::Result<f64> {
    let length = |x: &Tensor| x.sqr()?.sum_all()?.sqrt();
    number(&((a * b)?.sum_all()? / (length(a)? * length(b)?)?)?)
}

/// A mean with its interval, for the screen and for the file, within the range of the values; of one value there is no
/// interval.
fn mean(values: &[f64], [least, most]: [f64; 2]) -> (String, Value) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return (format!("{mean:.4}"), json!({ "mean": mean }));
    }
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.);
    let half = student(values.len()) * (variance / n).sqrt();
    let (low, high) = ((mean - half).max(least), (mean + half).min(most));
    (format!("{mean:.4} ({low:.4} to {high:.4})"), json!({ "mean": mean, "low": low, "high": high }))
}

/// A picture as an image `[1, 3, h, w]`.
fn image(picture: &RgbImage) -> anyhow::Result<Tensor> {
    Ok(to_image(picture.as_raw(), [picture.height() as usize, picture.width() as usize], 3)?)
}

fn number(x: &Tensor) -> anyhow::Result<f64> {
    Ok(x.to_dtype(DType::F64)?.to_scalar()?)
}

#[cfg(test)]
mod tests {
    use super::{AMOUNT, COSINE, mean};

    #[test]
    fn means_have_intervals() {
        let (said, value) = mean(&[11., 12., 13.], AMOUNT);
        assert_eq!(said, "12.0000 (9.5159 to 14.4841)");
        assert!(value["low"].as_f64() < value["mean"].as_f64() && value["mean"].as_f64() == Some(12.));
        assert!(mean(&[1.], AMOUNT).1.get("low").is_none());
    }

    /// Of few values that differ much, intervals reach further than values can.
    #[test]
    fn intervals_hold_what_can_be() {
        assert_eq!(mean(&[1., 9.], AMOUNT).1["low"].as_f64(), Some(0.));
        let cosines = mean(&[0.1, 0.9], COSINE).1;
        assert_eq!((cosines["low"].as_f64(), cosines["high"].as_f64()), (Some(-1.), Some(1.)));
    }
}
