//! Reconstructions under the names of their pictures, in a folder of their own.

use super::files::alone;
use super::plan::Plan;
use crate::destination;
use anyhow::Context;

/// Copies them, if they are asked for.
pub(super) fn write(plan: &Plan) -> anyhow::Result<()> {
    let Some(folder) = &plan.reconstructions else { return Ok(()) };
    for picture in &plan.pictures {
        let (from, to) = (&picture.files.reconstruction, alone(folder, picture.place.name_in_set()));
        to.parent().map(destination::make).transpose()?;
        let bytes = std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        stylegan_core::write_file(&to, &bytes)?;
    }
    Ok(())
}
