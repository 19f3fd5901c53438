//! The networks and runs that pages may name: what was given on the command line, the runs below `runs/`, and the networks
//! that come with the program.
//!
//! Pages name them by the names that this list gives out; no path is ever made of what a page says.

use crate::exit::wrong;
use crate::models;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use stylegan_train::data::{CLASS_FILE, ClassTable};
use stylegan_train::folder;

/// Where training puts its runs.
const RUNS: &str = "runs";

/// The most entries of `runs/` that are looked at.
const MAX_ENTRIES: usize = 1000;

/// The largest file of classes that is read, in bytes.
const MAX_CLASS_FILE: u64 = 1 << 20;

/// Where networks and runs are looked for.
pub(super) struct Library {
    /// What was named on the command line.
    given: Option<PathBuf>,
    /// What comes with the program, by name.
    built_in: Vec<(&'static str, PathBuf)>,
}

/// A network, a run, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The file or the run's folder.
    pub(super) path: PathBuf,
    /// Whether it is the folder of a run.
    pub(super) is_run: bool,
    /// Whether there is a network to make pictures with.
    pub(super) has_network: bool,
    /// Whether it was named on the command line.
    pub(super) given: bool,
    /// Whether it is part of the program.
    pub(super) built_in: bool,
}

impl Library {
    /// What is given, and the runs below `runs/` of the working folder.
    pub(super) fn new(given: Option<PathBuf>) -> Self {
        Self { given, built_in: models::all().collect() }
    }

    /// All there is at this moment, by name.
    pub(super) fn entries(&self) -> BTreeMap<String, Entry> {
        let mut entries = BTreeMap::new();
        let found = std::fs::read_dir(RUNS).into_iter().flatten().flatten().take(MAX_ENTRIES);
        for path in found.map(|entry| entry.path()).filter(|path| path.is_dir()) {
            let entry = Entry::of(path, false);
            if entry.is_run || entry.has_network {
                entries.insert(name_of(&entry.path), entry);
            }
        }
        for (name, path) in &self.built_in {
            let name = if entries.contains_key(*name) { format!("{name} (comes along)") } else { (*name).to_owned() };
            entries.insert(
                name,
                Entry { path: path.clone(), is_run: false, has_network: true, given: false, built_in: true },
            );
        }
        if let Some(given) = &self.given {
            let same = |entry: &Entry| entry.path.canonicalize().ok() == given.canonicalize().ok();
            entries.retain(|_, entry| !same(entry));
            let plain = name_of(given);
            let names = std::iter::once(plain.clone()).chain((2..).map(|i| format!("{plain} ({i})")));
            if let Some(name) = names.into_iter().find(|name| !entries.contains_key(name)) {
                entries.insert(name, Entry::of(given.clone(), true));
            }
        }
        entries
    }

    /// What has this name.
    pub(super) fn find(&self, name: &str) -> Option<Entry> {
        self.entries().remove(name)
    }
}

impl Entry {
    /// Names and colours of the classes of maps, if a file in the run's folder or beside the network gives them.
    ///
    /// # Errors
    /// When that file is damaged.
    pub(super) fn classes(&self) -> anyhow::Result<Option<ClassTable>> {
        let folder = if self.path.is_dir() { Some(self.path.as_path()) } else { self.path.parent() };
        let Some(file) = folder.map(|folder| folder.join(CLASS_FILE)) else { return Ok(None) };
        let small = std::fs::metadata(&file).is_ok_and(|found| found.is_file() && found.len() <= MAX_CLASS_FILE);
        if !small {
            return Ok(None);
        }
        match ClassTable::parse(&std::fs::read(&file)?) {
            Ok(table) => Ok(Some(table)),
            Err(problem) => wrong!("the network's {CLASS_FILE}: {problem}; {}", problem.remedy()),
        }
    }

    fn of(path: PathBuf, given: bool) -> Self {
        let is_run = path.is_dir() && folder::config(&path).is_some();
        let has_network = path.is_file() || has_checkpoint(&path);
        Self { path, is_run, has_network, given, built_in: false }
    }
}

/// Whether a folder has a file that is named like a checkpoint.
fn has_checkpoint(folder: &Path) -> bool {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names
        .filter_map(|name| name.into_string().ok())
        .any(|name| name.starts_with("network-") && name.ends_with(".safetensors"))
}

/// The name of a file without its ending, or of a folder, also where the path does not show it (`.`).
pub(super) fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let named = if path.file_name().is_some() { path } else { &whole };
    let name = if whole.is_dir() { named.file_name() } else { named.file_stem() };
    name.map_or_else(|| "network".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_known_by_its_name() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("tiny.v2.safetensors");
        std::fs::write(&file, "")?;
        let entry = Library::new(Some(file.clone())).find("tiny.v2");
        assert_eq!(
            entry,
            Some(Entry { path: file.clone(), is_run: false, has_network: true, given: true, built_in: false })
        );
        for name in ["", ".", "..", "../tiny.v2", "/etc/passwd", "tiny.v2.safetensors"] {
            assert_eq!(Library::new(Some(file.clone())).find(name), None, "{name}");
        }
        Ok(())
    }
}
