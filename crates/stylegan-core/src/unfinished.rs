//! Files that get their name when they are whole, and what is left of those that never did.
//!
//! A file or folder is written under a temporary name beside its final place, `.NAME.<pid>-<n>.tmp`,
//! synced, and renamed. Its writer holds a lock on it, which the system lets go when the process
//! ends in whatever way: so [`sweep`] knows the leftovers of the dead from the work of the living,
//! on other machines and in other containers too.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where locks are not to be had, a temporary file that was not written for so long is a leftover.
const DEAD_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes of the final name that the temporary one repeats; file systems allow 255 in all.
const NAME_PART: usize = 200;

/// The temporaries of this process. Held while one of them is made, named or removed.
static TEMPORARIES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn temporaries() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes everything that this process has not finished, and lets it neither begin nor finish
/// anything more: threads that try to will wait for ever. For a program that is about to exit in the
/// midst of its work.
pub fn abandon_unfinished() {
    let temporaries = temporaries();
    for path in temporaries.iter() {
        // There is no one left to tell.
        let _ = remove(path);
    }
    std::mem::forget(temporaries);
}

/// A file or folder that is being written. Dropping it removes it; [`finish`](Self::finish) puts it in
/// its place.
#[derive(Debug)]
pub struct Unfinished {
    temporary: PathBuf,
    target: PathBuf,
    /// Of a folder: its lock, where the system has such.
    file: Option<File>,
}

impl Unfinished {
    /// An empty file that will be at `target`, whose folder must exist.
    ///
    /// # Errors
    /// When the folder cannot be written to, or `target` does not end in a name.
    pub fn file(target: &Path) -> io::Result<Self> {
        Self::create(target, |path| OpenOptions::new().read(true).write(true).create_new(true).open(path).map(Some))
    }

    /// An empty folder that will be at `target`, whose own folder must exist.
    ///
    /// # Errors
    /// When the folder cannot be written to, or `target` does not end in a name.
    pub fn folder(target: &Path) -> io::Result<Self> {
        Self::create(target, |path| fs::create_dir(path).map(|()| File::open(path).ok()))
    }

    fn create(target: &Path, make: impl Fn(&Path) -> io::Result<Option<File>>) -> io::Result<Self> {
        static WRITERS: AtomicU64 = AtomicU64::new(0);
        let name =
            target.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "it is not a file name"))?;
        let mut name = name.to_string_lossy().into_owned();
        name.truncate(name.floor_char_boundary(NAME_PART));
        loop {
            let number = WRITERS.fetch_add(1, Ordering::Relaxed);
            let mut temporaries = temporaries();
            let temporary = target.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()));
            let file = match make(&temporary) {
                Ok(file) => file,
                // Of a process that had the same number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            };
            // Who sweeps may have been quicker than the lock.
            let swept = matches!(file.as_ref().map(File::try_lock), Some(Err(TryLockError::WouldBlock)));
            if !swept && temporary.exists() {
                temporaries.insert(temporary.clone());
                return Ok(Self { temporary, target: target.to_owned(), file });
            }
        }
    }

    /// Where it is for now.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// A handle to write the file by.
    ///
    /// # Errors
    /// When the system has no more handles, or this is a folder.
    pub fn writer(&self) -> io::Result<File> {
        self.file.as_ref().ok_or(ErrorKind::IsADirectory)?.try_clone()
    }

    /// Syncs the contents and gives them their name; a file of that name is replaced. After a power
    /// cut there is the old or the new, never a part.
    ///
    /// # Errors
    /// When the disk is full or the place is taken; the temporary is removed then.
    pub fn finish(mut self) -> io::Result<()> {
        sync(&self.temporary)?;
        let mut temporaries = temporaries();
        fs::rename(&self.temporary, &self.target)?;
        temporaries.remove(&std::mem::take(&mut self.temporary));
        drop(temporaries);
        tracing::info!("wrote {}", self.target.display());
        sync_folder(folder_of(&self.target))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            let mut temporaries = temporaries();
            // What led here is the error to report.
            let _ = remove(&self.temporary);
            temporaries.remove(&self.temporary);
        }
    }
}

/// Writes a file by `write`; it appears at `path` whole or not at all.
///
/// # Errors
/// Those of `write`, and when the folder cannot be written to. No temporary file is left then.
pub fn write_atomic(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let unfinished = Unfinished::file(path)?;
    write(&mut unfinished.writer()?)?;
    unfinished.finish()
}

/// Writes a file of these bytes; it appears at `path` whole or not at all.
///
/// # Errors
/// When the folder cannot be written to. No temporary file is left then.
pub fn write_file(path: impl AsRef<Path>, bytes: &[u8]) -> crate::Result<()> {
    let path = path.as_ref();
    let written = write_atomic(path, |file| file.write_all(bytes));
    written.map_err(|source| crate::Error::Io { verb: "write", path: path.into(), source })
}

/// Removes what processes that are gone have left unfinished in `folder`; returns the paths. What
/// cannot be read or removed is left alone.
pub fn sweep(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let left = entries.filter(|entry| is_temporary(&entry.file_name().to_string_lossy())).map(|entry| entry.path());
    left.filter(|path| remove_if_dead(path)).collect()
}

/// Whether a name is `.NAME.<pid>-<n>.tmp`.
fn is_temporary(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let middle =
        name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp")).and_then(|rest| rest.rsplit_once('.'));
    let numbers = middle.filter(|(name, _)| !name.is_empty()).and_then(|(_, numbers)| numbers.split_once('-'));
    numbers.is_some_and(|(process, number)| digits(process) && digits(number))
}

fn remove_if_dead(path: &Path) -> bool {
    let Ok(about) = fs::symlink_metadata(path) else { return false };
    if !about.is_file() && !about.is_dir() {
        return false;
    }
    let file = File::open(path).ok();
    let dead = match file.as_ref().map(File::try_lock) {
        Some(Ok(())) => true,
        Some(Err(TryLockError::WouldBlock)) => false,
        // A folder on Windows, a file system without locks.
        _ => about.modified().is_ok_and(|time| time.elapsed().is_ok_and(|age| age > DEAD_AFTER)),
    };
    dead && remove(path).is_ok()
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Brings a file, or a folder with all it holds, to the disk.
fn sync(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        // Windows syncs only what was opened for writing.
        return OpenOptions::new().write(true).open(path)?.sync_all();
    }
    for entry in fs::read_dir(path)? {
        sync(&entry?.path())?;
    }
    sync_folder(path)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a rename survive a power cut. Only Unix can sync folders, and not on every file system.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if !matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_appear_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        write_atomic(&path, |file| {
            assert_eq!(names(folder.path()).len(), 1);
            assert!(!path.exists());
            file.write_all(b"one")
        })
        .unwrap();
        assert!(write_atomic(&path, |file| file.write_all(b"tw").and(Err(ErrorKind::StorageFull.into()))).is_err());
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"one".to_vec(), vec!["a.bin".to_owned()]));
        // Nor does a failing rename leave anything.
        fs::create_dir_all(folder.path().join("full/x")).unwrap();
        assert!(write_atomic(&folder.path().join("full"), |file| file.write_all(b"x")).is_err());
        assert!(write_atomic(&folder.path().join("absent/a"), |_| Ok(())).is_err());
        assert!(write_atomic(Path::new("/"), |_| Ok(())).is_err());
        assert_eq!(names(folder.path()), ["a.bin", "full"]);
        let long = folder.path().join("ü".repeat(127));
        write_atomic(&long, |file| file.write_all(b"long")).unwrap();
        assert_eq!(fs::read(long).unwrap(), b"long");
    }

    #[test]
    fn folders_too() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("set");
        let set = Unfinished::folder(&target).unwrap();
        fs::create_dir(set.path().join("sub")).unwrap();
        fs::write(set.path().join("sub/a"), "a").unwrap();
        assert!(sweep(folder.path()).is_empty(), "it is being written");
        set.finish().unwrap();
        assert_eq!(fs::read(target.join("sub/a")).unwrap(), b"a");
        drop(Unfinished::folder(&folder.path().join("other")).unwrap());
        assert_eq!(names(folder.path()), ["set"]);
    }

    #[test]
    fn leftovers_of_the_dead_are_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at_work = Unfinished::file(&folder.path().join("network.safetensors")).unwrap();
        for name in [".a.png.7-0.tmp", ".a.tmp", "a.7-0.tmp", ".a.7-x.tmp", ".7-0.tmp", ".a.7-0.tmp.gif", "a.png"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir_all(folder.path().join(".set.8-12.tmp/sub")).unwrap();
        let mut swept = sweep(folder.path());
        swept.sort();
        assert_eq!(swept, [".a.png.7-0.tmp", ".set.8-12.tmp"].map(|name| folder.path().join(name)));
        assert!(at_work.path().exists());
        assert_eq!(names(folder.path()).len(), 7);
        at_work.finish().unwrap();
        assert!(sweep(&folder.path().join("absent")).is_empty());
    }
}
