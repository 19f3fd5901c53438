//! The missing combination (after Figure 6): what becomes of pictures on their way to where two attributes meet.

use super::{Drawn, seed_headings};
use crate::directions::rgb;
use crate::exit::wrong;
use crate::network::Network;
use crate::status::Progress;
use candle_core::{DType, Tensor};
use image::RgbImage;
use std::path::PathBuf;
use stylegan_core::picture::{Band, to_pictures};
use stylegan_metrics::combination::{Corners, DEVIATIONS};
use stylegan_metrics::directions::Corner;
use stylegan_metrics::features::Classifier;
use stylegan_metrics::generator_source::GeneratorSource;

/// Rows of the figure at most.
const SHOWN: usize = 8;
/// Pictures that the hyperplanes are fitted to.
const SAMPLES: usize = 2500;

/// For each of up to eight seeds: its picture, and it after ever longer ways to where both attributes of the classifiers are, in Z
/// and in W; below each what the classifiers say.
pub(super) fn combination(network: &Network, seeds: &[u32], classifiers: &[PathBuf]) -> anyhow::Result<Drawn> {
    let (seeds, model) = (seeds[..seeds.len().min(SHOWN)].to_vec(), network.model());
    let open = |file| Ok(Classifier::open(file, model.params().device())?);
    let classifiers = classifiers.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
    let label = network.labels(1)?;
    let labels: Vec<Vec<f32>> = label.map(|label| label.to_vec2()).transpose()?.unwrap_or_default();
    let source = GeneratorSource { labels: &labels, ..GeneratorSource::new(network.generator()) };
    let progress = Progress::new("classifying pictures", SAMPLES);
    let mut done = 0;
    let corners = Corners::find(&source, &classifiers, SAMPLES, 0, &mut |now| {
        progress.advance(now - done);
        done = now;
    })?;
    drop(progress);
    let Some(corner_w) = &corners.w else { wrong!("{} maps no latents to styles", network.file().display()) };
    let (z, labels) = (network.latents(&seeds)?, network.labels(seeds.len())?);
    let ws = network.styles(&z, labels.as_ref())?;
    let last = ws.narrow(1, ws.dim(1)? - 1, 1)?.squeeze(1)?;
    let mut columns = vec![("as it is".to_owned(), ws.clone())];
    for deviations in DEVIATIONS {
        let moved = (&z + ways(&corners.z, &z, deviations)?)?;
        columns.push((format!("in Z, {deviations} sigma"), network.styles(&moved, labels.as_ref())?));
    }
    for deviations in DEVIATIONS {
        let way = ways(corner_w, &last, deviations)?.unsqueeze(1)?;
        columns.push((format!("in W, {deviations} sigma"), ws.broadcast_add(&way)?));
    }
    let indices: Vec<u64> = seeds.iter().map(|&seed| seed.into()).collect();
    let drawn = columns.iter().map(|(_, ws)| column(network, ws, &indices, &classifiers));
    let drawn = drawn.collect::<anyhow::Result<Vec<_>>>()?;
    let cells = || (0..seeds.len()).flat_map(|seed| drawn.iter().map(move |column| &column[seed]));
    let names: Vec<&str> = classifiers.iter().flat_map(|c| c.attributes()).map(String::as_str).collect();
    let band = Band {
        title: format!(
            "On the way to {} at once; below each how sure the classifiers are of both",
            names.join(" and ")
        ),
        across: columns.len(),
        columns: columns.into_iter().map(|(heading, _)| heading).collect(),
        rows: seed_headings(&seeds),
        pictures: cells().map(|(picture, _)| Some(picture.clone())).collect(),
        captions: cells().map(|(_, words)| words.clone()).collect(),
    };
    Ok(Drawn { bands: vec![band], seeds })
}

/// By how much each row of `latents` moves.
fn ways(corner: &Corner, latents: &Tensor, deviations: f64) -> anyhow::Result<Tensor> {
    let rows = latents.to_dtype(DType::F32)?.to_vec2::<f32>()?;
    let ways: Vec<f32> = rows.iter().flat_map(|row| corner.way(row, deviations)).collect();
    Ok(Tensor::from_vec(ways, latents.shape(), latents.device())?.to_dtype(latents.dtype())?)
}

/// The pictures of these styles, and how sure the classifiers are of each.
fn column(
    network: &Network,
    ws: &Tensor,
    indices: &[u64],
    classifiers: &[Classifier],
) -> anyhow::Result<Vec<(RgbImage, String)>> {
    let images = network.synthesize(ws, indices)?;
    let seen = rgb(&images)?.to_dtype(DType::F32)?;
    let logits = Classifier::logits_of_all(classifiers, &seen)?.to_vec2::<f32>()?;
    let words = |row: &Vec<f32>| {
        let percent = row.iter().map(|logit| format!("{:.0} %", 100. / (1. + f64::from(-logit).exp())));
        percent.collect::<Vec<_>>().join(", ")
    };
    Ok(to_pictures(&images)?.into_iter().zip(logits.iter().map(words)).collect())
}
