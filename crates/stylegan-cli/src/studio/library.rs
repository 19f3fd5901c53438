//! The networks and runs that pages may name: what was given on the command line, the runs below `runs/`, and the networks
//! that come with the program.
//!
//! Pages name them by the names that this list gives out; no path is ever made of what a page says.

use super::kinds::{Kind, Kinds};
use super::stamp::Stamp;
use crate::exit::wrong;
use crate::models;
use std::path::{Path, PathBuf};
use stylegan_train::data::{CLASS_FILE, ClassTable};
use stylegan_train::folder;

/// Where training puts its runs.
const RUNS: &str = "runs";

/// The most entries of `runs/` that are looked at.
const MAX_ENTRIES: usize = 1000;

/// Where networks and runs are looked for.
pub(super) struct Library {
    /// What was named on the command line.
    given: Option<PathBuf>,
    /// What comes with the program, by name.
    built_in: Vec<(&'static str, PathBuf)>,
    kinds: Kinds,
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
}

impl Library {
    /// What is given, and the runs below `runs/` of the working folder.
    pub(super) fn new(given: Option<PathBuf>) -> Self {
        Self { given, built_in: models::all().collect(), kinds: Kinds::default() }
    }

    /// All there is at this moment with its name: what was given, then runs, then what comes with the program, the best of
    /// that first.
    pub(super) fn entries(&self) -> Vec<(String, Entry)> {
        let found = std::fs::read_dir(RUNS).into_iter().flatten().flatten().take(MAX_ENTRIES);
        let runs = found.map(|entry| entry.path()).filter(|path| path.is_dir()).map(|path| Entry::of(path, false));
        let mut entries: Vec<(String, Entry)> =
            runs.filter(|entry| entry.is_run || entry.has_network).map(|entry| (name_of(&entry.path), entry)).collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (name, path) in &self.built_in {
            let taken = entries.iter().any(|(known, _)| known == name);
            let name = if taken { format!("{name} (comes along)") } else { (*name).to_owned() };
            let entry = Entry { path: path.clone(), is_run: false, has_network: true, given: false };
            entries.push((name, entry));
        }
        if let Some(given) = &self.given {
            let whole = given.canonicalize().ok();
            entries.retain(|(_, entry)| entry.path.canonicalize().ok() != whole);
            let plain = name_of(given);
            let names = std::iter::once(plain.clone()).chain((2..).map(|i| format!("{plain} ({i})")));
            let is_free = |name: &String| entries.iter().all(|(known, _)| known != name);
            if let Some(name) = names.into_iter().find(is_free) {
                entries.insert(0, (name, Entry::of(given.clone(), true)));
            }
        }
        entries
    }

    /// What has this name.
    pub(super) fn find(&self, name: &str) -> Option<Entry> {
        self.entries().into_iter().find_map(|(known, entry)| (known == name).then_some(entry))
    }

    /// What the network of an entry makes pictures of, where its file says so.
    pub(super) fn kind(&self, entry: &Entry) -> Option<Kind> {
        self.kinds.of(&entry.path)
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
        if !file.is_file() {
            return Ok(None);
        }
        match ClassTable::open(&file) {
            Ok(table) => Ok(Some(table)),
            Err(problem) => wrong!("the network's {CLASS_FILE}: {problem}; {}", problem.remedy()),
        }
    }

    fn of(path: PathBuf, given: bool) -> Self {
        let is_run = path.is_dir() && folder::config(&path).is_some();
        let has_network = Stamp::exists(&path);
        Self { path, is_run, has_network, given }
    }
}

/// The name of a file without its ending, or of a folder, also where the path does not show it (`.`).
pub(super) fn name_of(path: &Path) -> String {
    crate::pictures::name_of(path, "network")
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
        assert_eq!(entry, Some(Entry { path: file.clone(), is_run: false, has_network: true, given: true }));
        for name in ["", ".", "..", "../tiny.v2", "/etc/passwd", "tiny.v2.safetensors"] {
            assert_eq!(Library::new(Some(file.clone())).find(name), None, "{name}");
        }
        Ok(())
    }

    /// A newcomer sees the best first, and each room knows what it can use.
    #[test]
    fn what_comes_along_stands_in_its_order_and_has_a_kind() {
        let library = Library::new(None);
        let entries = library.entries();
        let found: Vec<_> = entries.iter().map(|(name, entry)| (name.as_str(), library.kind(entry))).collect();
        let expected = [("avatars-64", Kind::Styles), ("earth-64-spade", Kind::Maps), ("avatars-32", Kind::Styles)];
        assert_eq!(found, expected.map(|(name, kind)| (name, Some(kind))));
    }
}
