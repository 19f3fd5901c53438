//! The folder of a run: whose it is, and that one process at a time works in it.

use crate::config::RecipeConfig;
use crate::{Error, Result, checkpoints};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The configuration of the run, with every value written out.
pub const CONFIG: &str = "config.toml";

/// Held by the process that works in the folder; it contains the number of that process.
const LOCK: &str = ".lock";

/// What training programs leave in their run folders, ours included.
const TRACES: [&str; 4] = ["log.txt", "stats.jsonl", "reals.png", "training_options.json"];

/// The folder of a run, in which no other process trains while this value lives.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Locked, where the file system has locks; with none another rank works here.
    _lock: Option<File>,
    /// Whether the folder was made for this.
    made: bool,
}

impl RunFolder {
    /// Takes the folder, which is made if it is missing. If it was made here and nothing has come into
    /// it when this value is dropped, it is removed again.
    ///
    /// # Errors
    /// When another process works in it, it holds what another program left, or it cannot be made or
    /// written to.
    pub fn open(path: &Path) -> Result<Self> {
        let refuse = |problem: String| Err(Error::Run { folder: path.into(), problem });
        if path.exists() && !path.is_dir() {
            return refuse("is a file; name a folder".into());
        }
        if checkpoints::list(path)?.is_empty() {
            let found = config(path);
            if let Some(Err(error)) = &found
                && !is_of_a_recipe(path)
            {
                return refuse(format!("holds a {CONFIG} that is not of a run ({error}); choose another folder"));
            }
            let trace = TRACES.iter().find(|name| path.join(name).exists());
            if let (Some(trace), None) = (trace, &found) {
                return refuse(format!(
                    "holds {trace}, but no {CONFIG} and no checkpoint of this program, as another program's run does; \
                     choose another folder"
                ));
            }
        }
        let made = !path.exists();
        let name = path.join(LOCK);
        loop {
            fs::create_dir_all(path).map_err(Error::io("create", path))?;
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&name);
            let lock = file.map_err(Error::io("write", &name))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let holder = fs::read_to_string(&name).unwrap_or_default();
                    let holder = if holder.is_empty() { holder } else { format!(" (process {holder})") };
                    return refuse(format!(
                        "is in use by another training{holder}; let that one end or stop it, or choose another folder"
                    ));
                }
                Err(TryLockError::Error(error)) => {
                    tracing::warn!("{} cannot be locked ({error}): start no second training in it", path.display());
                }
            }
            if is_still_there(&lock, &name) {
                return Ok(Self { path: path.into(), _lock: Some(lock), made });
            }
        }
    }

    /// The folder in which rank 0 works, for the other ranks of the run: they read and write nothing
    /// there, and it need not be on their machine.
    pub fn of_rank_0(path: &Path) -> Self {
        Self { path: path.into(), _lock: None, made: false }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let only_the_lock = || {
            let mut entries = fs::read_dir(&self.path).ok()?;
            Some(entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK)))
        };
        if self.made && only_the_lock() == Some(true) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(self.path.join(LOCK)).and_then(|()| fs::remove_dir(&self.path));
        }
    }
}

/// Whether the file that was locked is the one of that name: whoever held it may have removed it.
fn is_still_there(mut lock: &File, name: &Path) -> bool {
    let own = std::process::id().to_string();
    if lock.set_len(0).and_then(|()| lock.write_all(own.as_bytes())).is_err() {
        // A full disk is no reason to refuse.
        return name.exists();
    }
    match fs::read_to_string(name) {
        Ok(found) => found == own,
        // Windows lets nobody read what is locked.
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// Whether the folder's configuration says that it is of a recipe of its own (`recipe = "…"`), such as
/// the classifier.
fn is_of_a_recipe(folder: &Path) -> bool {
    let text = fs::read_to_string(folder.join(CONFIG)).unwrap_or_default();
    text.parse::<toml::Table>().is_ok_and(|table| table.get("recipe").is_some_and(toml::Value::is_str))
}

/// The configuration that a run folder holds; `None` if the file is missing or says nothing.
pub fn config(folder: &Path) -> Option<Result<RecipeConfig>> {
    let path = folder.join(CONFIG);
    let says_nothing =
        |text: String| text.trim_matches('\0').parse::<toml::Table>().is_ok_and(|table| table.is_empty());
    (path.exists() && !fs::read_to_string(&path).is_ok_and(says_nothing)).then(|| RecipeConfig::from_file(&path, &[]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(path: &Path, part: &str) {
        let error = RunFolder::open(path).unwrap_err();
        assert!(error.is_wrong_input() && error.to_string().contains(part), "{error}");
    }

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/a");
        let taken = RunFolder::open(&path).unwrap();
        refused(&path, "in use by another training");
        drop(taken);
        assert!(!path.exists(), "nothing came of it");
        let taken = RunFolder::open(&path).unwrap();
        fs::write(path.join(CONFIG), "").unwrap();
        drop(taken);
        assert!(path.join(CONFIG).exists());
        let _taken = RunFolder::open(&path).unwrap();
        refused(&path, "in use");
    }

    #[test]
    fn what_others_left_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("notes.md", "a folder may hold what it likes");
        RunFolder::open(folder.path()).unwrap();
        write("stats.jsonl", "{}");
        refused(folder.path(), "holds stats.jsonl");
        write(CONFIG, "[package]\nname = \"x\"");
        refused(folder.path(), "not of a run");
        write(CONFIG, "kimg = 3");
        RunFolder::open(folder.path()).unwrap();
        write(CONFIG, "# nothing yet\n \n");
        refused(folder.path(), "holds stats.jsonl");
        write(&checkpoints::name(1000), "");
        RunFolder::open(folder.path()).unwrap();
        refused(&folder.path().join("notes.md"), "is a file");
    }
}
