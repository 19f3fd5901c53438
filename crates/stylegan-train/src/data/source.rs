//! Where the files of a set come from: a folder or a ZIP, behind one trait.

use super::{Finding, Problem, folder, zip};
use crate::{Error, Result};
use std::path::Path;

/// The largest file that is read out of a set, in bytes unpacked (256 MiB).
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The files of a set, by name: relative paths with `/` between the parts.
pub(super) trait Source: Send + Sync {
    /// All bytes of a file, or the first `limit`.
    fn read(&self, name: &str, limit: Option<u64>) -> Result<Vec<u8>, Problem>;
}

/// A set that was opened and listed, its pictures not yet looked at.
pub(super) struct Listing {
    /// Reads the files.
    pub(super) source: Box<dyn Source>,
    /// Names of all files, sorted.
    pub(super) names: Vec<String>,
    /// What the listing alone shows to be wrong.
    pub(super) findings: Vec<Finding>,
}

/// Lists the folder or ZIP at `path`.
pub(super) fn open(path: &Path) -> Result<Listing> {
    let place = path.display().to_string();
    let kind = std::fs::metadata(path).map_err(Error::io("read", path))?;
    let mut listing = if kind.is_dir() { folder::list(path)? } else { zip::list(path, &place)? };
    listing.names.retain(|name| !is_hidden(name));
    listing.names.sort_unstable();
    Ok(listing)
}

/// Files that systems leave behind: `.DS_Store`, `__MACOSX/…`, our own temporary files.
fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.') || part == "__MACOSX")
}

/// Whether `name` is a relative path of plain parts, so that it cannot lead out of a folder.
pub(super) fn is_plain(name: &str) -> bool {
    !name.contains(['\\', '\0', ':']) && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
