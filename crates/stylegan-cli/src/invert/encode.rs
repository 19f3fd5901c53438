//! What an encoder finds of pictures, at once.

use super::encoder::Encoder;
use super::picture::Picture;
use super::plan::Plan;
use super::settings::Settings;
use super::{Tally, found};
use crate::exit::Ending;
use crate::signals::STOP;
use crate::status::Progress;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Writes the styles that the encoder finds of all pictures that are not done, batch by batch; the ending if it was
/// interrupted.
pub(super) fn all(plan: &Plan, encoder: &Encoder, tally: &mut Tally) -> anyhow::Result<Option<Ending>> {
    let mut open = Vec::new();
    for picture in &plan.pictures {
        let settings = plan.settings(picture, &plan.target(picture)?)?;
        match picture.files.are_done(&settings, plan.video) {
            true => tally.before += 1,
            false => open.push((picture, settings)),
        }
    }
    let progress = Progress::new("encoding", open.len());
    for batch in open.chunks(encoder.batch(&plan.network)) {
        if STOP.load(Ordering::SeqCst) {
            return Ok(Some(plan.interrupted(batch[0].0, 0)));
        }
        tally.seconds.extend(encode(plan, encoder, batch)?);
        progress.advance(batch.len());
    }
    Ok(None)
}

/// Writes the styles of pictures, and says in how many seconds each was found.
fn encode(plan: &Plan, encoder: &Encoder, batch: &[(&Picture, Settings)]) -> anyhow::Result<Vec<f64>> {
    let started = Instant::now();
    let pictures: Vec<&Picture> = batch.iter().map(|(picture, _)| *picture).collect();
    let rows = encoder.rows(&pictures, &plan.network)?;
    let each = started.elapsed().as_secs_f64() / batch.len() as f64;
    let images = plan.network.synthesize(&rows, &vec![0; batch.len()])?;
    for (i, (picture, settings)) in batch.iter().enumerate() {
        found::write(plan, picture, settings, &rows.narrow(0, i, 1)?, &images.narrow(0, i, 1)?, None)?;
    }
    Ok(vec![each; batch.len()])
}
