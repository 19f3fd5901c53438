//! Reconstructions under the names of their pictures, in a folder of their own.

use super::plan::Plan;
use crate::destination;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// Where the reconstruction of the picture with this name in its set goes.
pub(super) fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension("png")
}

/// Copies them, if they are asked for.
pub(super) fn write(plan: &Plan) -> anyhow::Result<()> {
    let Some(folder) = &plan.reconstructions else { return Ok(()) };
    for picture in &plan.pictures {
        let (from, to) = (&picture.files.reconstruction, path(folder, picture.place.name_in_set()));
        to.parent().map(destination::make).transpose()?;
        let bytes = std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        stylegan_core::write_file(&to, &bytes)?;
    }
    Ok(())
}
