//! How near reconstructions are to their pictures.

use super::plan::Plan;
use crate::numbers::count;
use crate::status::say;
use anyhow::Context;
use candle_core::{DType, Tensor};
use image::RgbImage;
use serde_json::{Map, Value, json};
use stylegan_core::picture::{to_image, to_pictures};
use stylegan_train::inversion::seen;

/// Deviations of a mean to either side of its 95 % interval.
const DEVIATIONS: f64 = 1.96;

/// Writes `measures.json`: squared difference (of values in [-1, 1]), perceptual distance and, with a network that knows
/// faces, the cosine of identities, of each picture and its reconstruction and in the mean. `seconds` are those that an
/// encoder took for each.
pub(super) fn write(plan: &Plan, seconds: &[f64]) -> anyhow::Result<()> {
    if plan.encoder.as_ref().is_some_and(|encoder| !encoder.shows_versions_of_pictures()) {
        return Ok(());
    }
    let distance = plan.distance()?;
    let mut names = vec!["mse", distance.name()];
    let identity = plan.identity();
    names.extend(identity.map(|network| network.name()));
    let (mut each, mut columns) = (vec![], vec![vec![]; names.len()]);
    for picture in &plan.pictures {
        // As its file has it, in bytes.
        let source = to_pictures(&plan.target(picture)?.image)?.pop().context("there is no picture to measure")?;
        let source = image(&source)?;
        let found = image(&super::sheet::read(&picture.files.reconstruction)?)?;
        let mut row = vec![number(&(&source - &found)?.sqr()?.mean_all()?)?];
        let (source, found) = (seen(&source)?, seen(&found)?);
        row.push(number(&distance.distance(&source, &found)?.mean_all()?)?);
        if let Some(network) = identity {
            let (a, b) = (network.features(&source)?, network.features(&found)?);
            let length = |x: &Tensor| x.sqr()?.sum_all()?.sqrt();
            row.push(number(&((&a * &b)?.sum_all()? / (length(&a)? * length(&b)?)?)?)?);
        }
        let mut one = Map::from_iter([("name".to_owned(), json!(picture.name))]);
        for ((name, value), column) in names.iter().zip(&row).zip(&mut columns) {
            one.insert((*name).to_owned(), json!(value));
            column.push(*value);
        }
        each.push(Value::Object(one));
    }
    let mut means: Map<String, Value> =
        names.iter().zip(&columns).map(|(name, values)| ((*name).to_owned(), mean(values).1)).collect();
    let said: Vec<String> =
        names.iter().zip(&columns).map(|(name, values)| format!("{name} {}", mean(values).0)).collect();
    if !seconds.is_empty() {
        means.insert("seconds_per_picture".into(), mean(seconds).1);
    }
    means.insert("pictures".into(), json!(plan.pictures.len()));
    means.insert("each".into(), Value::Array(each));
    let path = plan.out.join("measures.json");
    stylegan_core::write_file(&path, format!("{:#}\n", Value::Object(means)).as_bytes())?;
    say(&format!("{} of {}", said.join(", "), count(plan.pictures.len() as u64, "picture")));
    Ok(())
}

/// A mean with its interval, for the screen and for the file; of one value there is no interval.
fn mean(values: &[f64]) -> (String, Value) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return (format!("{mean:.4}"), json!({ "mean": mean }));
    }
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.);
    let half = DEVIATIONS * (variance / n).sqrt();
    (format!("{mean:.4} ± {half:.4}"), json!({ "mean": mean, "low": mean - half, "high": mean + half }))
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
    use super::mean;

    #[test]
    fn means_have_intervals() {
        let (said, value) = mean(&[1., 2., 3.]);
        assert_eq!(said, "2.0000 ± 1.1316");
        assert!(value["low"].as_f64() < value["mean"].as_f64() && value["mean"].as_f64() == Some(2.));
        assert!(mean(&[1.]).1.get("low").is_none());
    }
}
