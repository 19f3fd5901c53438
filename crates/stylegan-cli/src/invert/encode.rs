//! What an encoder finds of a picture, at once.

use super::encoder::Encoder;
use super::found;
use super::plan::{Picture, Plan};
use super::settings::Settings;
use std::time::Instant;

/// Writes the styles that the encoder finds of a picture, and says in how many seconds it did.
pub(super) fn encode(plan: &Plan, picture: &Picture, settings: &Settings, encoder: &Encoder) -> anyhow::Result<f64> {
    let started = Instant::now();
    let rows = encoder.rows(&picture.place, &plan.network)?;
    let seconds = started.elapsed().as_secs_f64();
    found::write(plan, picture, settings, &rows, None)?;
    Ok(seconds)
}
