//! A set in a folder: every file below it, by its path.

use super::source::{Listing, MAX_FILE_BYTES, Source};
use super::{Finding, Problem};
use crate::{Error, Result};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How deep folders may be nested (a link that points to its own parent ends here).
const MAX_DEPTH: usize = 16;

struct Folder {
    root: PathBuf,
}

impl Source for Folder {
    fn read(&self, name: &str, limit: Option<u64>) -> Result<Vec<u8>, Problem> {
        let unreadable = |e: std::io::Error| Problem::Unreadable(e.to_string());
        let file = std::fs::File::open(self.root.join(name)).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        if bytes > MAX_FILE_BYTES {
            return Err(Problem::TooManyBytes { bytes, limit: MAX_FILE_BYTES });
        }
        let wanted = limit.map_or(bytes, |limit| limit.min(bytes));
        let mut buffer = Vec::with_capacity(wanted as usize);
        file.take(wanted).read_to_end(&mut buffer).map_err(unreadable)?;
        Ok(buffer)
    }
}

/// Lists all files below `root`.
pub(super) fn list(root: &Path) -> Result<Listing> {
    let mut listing =
        Listing { source: Box::new(Folder { root: root.to_path_buf() }), names: Vec::new(), findings: Vec::new() };
    walk(root, "", 0, &mut listing)?;
    Ok(listing)
}

fn walk(folder: &Path, prefix: &str, depth: usize, listing: &mut Listing) -> Result<()> {
    if depth > MAX_DEPTH {
        let problem = Problem::Unreadable(format!("folders nested deeper than {MAX_DEPTH}"));
        listing.findings.push(Finding { file: prefix.to_string(), problem });
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let Some(last) = path.file_name().and_then(|name| name.to_str()) else {
            let file = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
            listing.findings.push(Finding { file, problem: Problem::Name });
            continue;
        };
        let name = format!("{prefix}{last}");
        if path.is_dir() {
            if !last.starts_with('.') {
                walk(&path, &format!("{name}/"), depth + 1, listing)?;
            }
        } else {
            listing.names.push(name);
        }
    }
    Ok(())
}
