//! Which file of a network is the newest, so that what is cached of it can be told to be stale.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The newest file of a network at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Where it is.
    pub(super) file: PathBuf,
    written: Option<SystemTime>,
    bytes: u64,
}

impl Stamp {
    /// That of a file, or of the checkpoint in a folder that was written last; `None` where there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        if path.is_file() {
            return Self::of_file(path.to_path_buf());
        }
        checkpoints(path)
            .filter_map(|entry| Self::of_file(entry.path()))
            .max_by_key(|stamp| (stamp.written, stamp.file.clone()))
    }

    /// Whether there is one: sooner told than which.
    pub(super) fn exists(path: &Path) -> bool {
        path.is_file() || checkpoints(path).next().is_some()
    }

    fn of_file(file: PathBuf) -> Option<Self> {
        let found = std::fs::metadata(&file).ok().filter(std::fs::Metadata::is_file)?;
        Some(Self { file, written: found.modified().ok(), bytes: found.len() })
    }
}

/// What is named like a checkpoint in a folder.
fn checkpoints(folder: &Path) -> impl Iterator<Item = DirEntry> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_str().is_some_and(is_checkpoint))
}

/// Whether a file is named like a checkpoint of a run.
fn is_checkpoint(name: &str) -> bool {
    name.starts_with("network-") && name.ends_with(".safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_goes_on_has_another_stamp() -> anyhow::Result<()> {
        let run = tempfile::tempdir()?;
        let write = |name: &str, text: &str| std::fs::write(run.path().join(name), text);
        assert_eq!((Stamp::of(run.path()), Stamp::exists(run.path())), (None, false));
        write("network-000001.safetensors", "a")?;
        let first = Stamp::of(run.path());
        assert!(Stamp::exists(run.path()));
        write("fakes-000001.png", "a")?;
        write("network-000002.safetensors.tmp", "a")?;
        assert_eq!(Stamp::of(run.path()), first);
        write("network-000001.safetensors", "ab")?;
        let again = Stamp::of(run.path());
        assert_ne!(again, first);
        write("network-000002.safetensors", "ab")?;
        assert_ne!(Stamp::of(run.path()), again);
        let file = run.path().join("network-000001.safetensors");
        assert_eq!(Stamp::of(&file).map(|stamp| stamp.file), Some(file));
        Ok(())
    }
}
