//! A set in a folder: every file below it, by its path. Links are followed, each folder is listed once.

use super::limits::{MAX_FILE_BYTES, MAX_FILES};
use super::names;
use super::source::{Listing, Source};
use super::{Finding, Problem};
use crate::{Error, Result};
use std::collections::{BTreeMap, HashSet};
use std::fs::{FileType, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

struct Folder {
    root: PathBuf,
}

impl Source for Folder {
    fn read(&self, name: &str, limit: Option<u64>) -> Result<Vec<u8>, Problem> {
        read(&self.root.join(name), limit)
    }
}

/// All bytes of the file at `path`, or the first `limit`.
pub(super) fn read(path: &Path, limit: Option<u64>) -> Result<Vec<u8>, Problem> {
    let unreadable = |e: std::io::Error| Problem::Unreadable(e.to_string());
    // Before it is opened: opening a pipe waits for whoever fills it.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Problem::NotAFile(kind(metadata.file_type())));
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let bytes = metadata.len();
    if bytes > MAX_FILE_BYTES {
        return Err(Problem::TooManyBytes { bytes, limit: MAX_FILE_BYTES });
    }
    let wanted = limit.map_or(bytes, |limit| limit.min(bytes));
    let mut buffer = Vec::with_capacity(wanted as usize);
    file.take(wanted).read_to_end(&mut buffer).map_err(unreadable)?;
    Ok(buffer)
}

/// What reads files of this folder by name, without a list of them.
pub(super) fn source(root: &Path) -> Box<dyn Source> {
    Box::new(Folder { root: root.to_path_buf() })
}

/// Lists all files below `root`.
pub(super) fn list(root: &Path) -> Result<Listing> {
    let metadata = std::fs::metadata(root).map_err(Error::io("read", root))?;
    let mut walk = Walk { seen: HashSet::from([identity(root, &metadata)]), ..Walk::default() };
    walk.list(root, "").map_err(Error::io("read", root))?;
    loop {
        if walk.names.len() + walk.findings.len() > MAX_FILES {
            return Err(Error::data(root.display().to_string(), Problem::TooManyFiles));
        }
        // Links last, so that a folder which is reached both ways is called by its own name.
        let (name, path, metadata) = match walk.folders.pop() {
            Some(folder) => folder,
            None => match walk.links.pop_first() {
                Some((name, (path, metadata))) => (name, path, metadata),
                None => break,
            },
        };
        if !walk.seen.insert(identity(&path, &metadata)) {
            walk.find(name, Problem::FolderTwice);
        } else if let Err(e) = walk.list(&path, &format!("{name}/")) {
            walk.find(name, Problem::Unreadable(e.to_string()));
        }
    }
    Ok(Listing { source: source(root), names: walk.names, findings: walk.findings })
}

#[derive(Default)]
struct Walk {
    names: Vec<String>,
    findings: Vec<Finding>,
    /// Folders to be listed, by name.
    folders: Vec<(String, PathBuf, Metadata)>,
    /// Links to folders to be listed, by name.
    links: BTreeMap<String, (PathBuf, Metadata)>,
    /// Folders that have been listed.
    seen: HashSet<Identity>,
}

impl Walk {
    /// Takes in what lies in one folder.
    fn list(&mut self, folder: &Path, prefix: &str) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let own = entry.file_name();
            let name = format!("{prefix}{}", own.to_string_lossy());
            if names::is_hidden(&own.to_string_lossy()) {
                continue;
            }
            let kind_of = entry.file_type()?;
            if own.to_str().is_none() {
                // A file of another kind would not have been looked at either.
                if kind_of.is_dir() || names::is_read(&name) {
                    self.find(name, Problem::Name("is not UTF-8"));
                }
            } else if kind_of.is_file() {
                self.names.push(name);
            } else if kind_of.is_dir() {
                match entry.metadata() {
                    Ok(metadata) => self.folders.push((name, entry.path(), metadata)),
                    Err(e) => self.find(name, Problem::Unreadable(e.to_string())),
                }
            } else if kind_of.is_symlink() {
                self.follow(name, entry.path());
            } else if names::is_read(&name) {
                self.find(name, Problem::NotAFile(kind(kind_of)));
            }
        }
        Ok(())
    }

    /// Takes in what a link leads to.
    fn follow(&mut self, name: String, path: PathBuf) {
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => drop(self.links.insert(name, (path, metadata))),
            Ok(metadata) if metadata.is_file() => self.names.push(name),
            Ok(metadata) if names::is_read(&name) => {
                self.find(name, Problem::NotAFile(kind(metadata.file_type())));
            }
            // What has no ending may have been a folder of pictures.
            Err(e) if names::is_read(&name) || names::ending(&name).is_empty() => {
                let target = std::fs::read_link(&path).unwrap_or_default().display().to_string();
                self.find(name, Problem::Link { target, why: e.to_string() });
            }
            _ => {}
        }
    }

    fn find(&mut self, file: String, problem: Problem) {
        self.findings.push(Finding { file, problem });
    }
}

/// What a folder is known by, whatever way leads to it.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(_: &Path, metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
type Identity = PathBuf;

#[cfg(not(unix))]
fn identity(path: &Path, _: &Metadata) -> Identity {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// What something is that is neither a file nor a folder.
fn kind(file_type: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return "a named pipe";
        }
        if file_type.is_socket() {
            return "a socket";
        }
        if file_type.is_block_device() || file_type.is_char_device() {
            return "a device";
        }
    }
    if file_type.is_dir() { "a folder" } else { "something else" }
}
