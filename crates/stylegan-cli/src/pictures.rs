//! The pictures that a verb works with: a folder, a ZIP file, or a built-in set.

use crate::data::build::built_in;
use std::path::Path;
use stylegan_train::data::Dataset;

/// The sets that are made on first use.
const BUILT_IN: [&str; 2] = ["avatars", "earth"];

/// Whether `set` names a built-in set.
pub(crate) fn is_built_in(set: &str) -> bool {
    BUILT_IN.contains(&set)
}

/// Opens a set for pictures of `[h, w]` pixels; a built-in one is made in `folder` if it is not there.
pub(crate) fn open(set: &str, [h, w]: [usize; 2], count: usize, folder: &Path) -> anyhow::Result<Dataset> {
    let dataset = if is_built_in(set) {
        // Built-in sets are square; the size that does not fit is named when it is compared.
        Dataset::open(built_in(set, h.max(w), count, folder)?)?
    } else {
        Dataset::open(set)?
    };
    Ok(dataset)
}
