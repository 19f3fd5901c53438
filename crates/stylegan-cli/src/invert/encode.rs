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

/// Writes the styles that the encoder finds of all pictures that are not done, one by one: what is found of a picture is the
/// same to the bit whichever others there are. Returns the ending if it was interrupted.
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
    for (picture, settings) in &open {
        if STOP.load(Ordering::SeqCst) {
            return Ok(Some(plan.interrupted(picture, 0)));
        }
        tally.seconds.push(encode(plan, encoder, picture, settings)?);
        progress.advance(1);
    }
    Ok(None)
}

/// Writes the styles of a picture, and says in how many seconds they were found.
fn encode(plan: &Plan, encoder: &Encoder, picture: &Picture, settings: &Settings) -> anyhow::Result<f64> {
    let started = Instant::now();
    let rows = encoder.rows(picture, &plan.network)?;
    let seconds = started.elapsed().as_secs_f64();
    found::write(plan, picture, settings, &rows, None)?;
    Ok(seconds)
}
