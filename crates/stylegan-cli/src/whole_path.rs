//! Paths that mean the same from any folder.

use crate::exit::WrongInput;
use std::path::{Path, PathBuf};

/// A path with the folders that the command was given in before it.
///
/// # Errors
/// If that folder is gone.
pub(crate) fn whole_path(path: &Path) -> anyhow::Result<PathBuf> {
    let gone = |error| {
        let sentence = format!(
            "{}: the folder in which the command is given cannot be told ({error}); change into one that is there",
            path.display()
        );
        WrongInput(sentence).into()
    };
    std::path::absolute(path).map_err(gone)
}
