//! Opening files that others gave.

use crate::{Error, Result};
use std::fs::{File, Metadata};
use std::path::Path;

/// Opens a file, never a pipe or a device: the one would be waited for, the other read without end. A
/// folder is none either.
pub(crate) fn open(path: &Path) -> Result<(File, Metadata)> {
    let io = |source| Error::Io { verb: "read", path: path.into(), source };
    let kind = std::fs::metadata(path).map_err(io)?;
    if !kind.is_file() {
        let what = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
        let problem = format!("is {what}, where a file is needed; give the path of a file");
        return Err(Error::Checkpoint { path: path.into(), problem });
    }
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    Ok((file, metadata))
}
