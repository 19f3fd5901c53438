//! A set of pictures on a disk of this machine: one rank of each machine copies, the others wait for it.

use crate::destination;
use crate::pictures::name_of_set;
use crate::ranks;
use crate::status::say;
use crate::whole_path::whole_path;
use anyhow::Context;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use stylegan_core::Unfinished;
use stylegan_train::data::Files;

/// Digits of a set's hash in the name of its copy.
const DIGITS: usize = 16;

/// The path of a copy of `set` in `folder`, on this machine. All ranks call it. A copy that is there already, of the
/// same content, is taken.
///
/// # Errors
/// When the set cannot be read on any machine, or not be copied.
pub(crate) fn of(set: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    ranks::once_a_machine(&whole_path(folder)?.display().to_string(), || copied(set, folder))
}

/// Copies a set under a name that holds the hash of its content, unless it is there.
fn copied(set: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let hash = Files::open(set)?.hash()?;
    let ending = if set.is_dir() { "" } else { ".zip" };
    let copy = folder.join(format!("{}-{}{ending}", name_of_set(set), &hash[..DIGITS]));
    let is_whole = |path: &Path| Files::open(path).and_then(|files| files.hash()).is_ok_and(|found| found == hash);
    if is_whole(&copy) {
        return Ok(copy);
    }
    destination::make(folder)?;
    stylegan_core::sweep(folder);
    if copy.exists() {
        remove(&copy).with_context(|| format!("cannot remove {}, which is no whole copy", copy.display()))?;
    }
    say(&format!("copying {} to {}", set.display(), copy.display()));
    let failed = || format!("cannot copy {} to {}", set.display(), copy.display());
    let unfinished = if set.is_dir() { Unfinished::folder(&copy) } else { Unfinished::file(&copy) };
    let unfinished = unfinished.with_context(failed)?;
    if set.is_dir() {
        copy_folder(set, unfinished.path()).with_context(failed)?;
    } else {
        let mut from = fs::File::open(set).with_context(failed)?;
        io::copy(&mut from, &mut unfinished.writer().with_context(failed)?).with_context(failed)?;
    }
    if !is_whole(unfinished.path()) {
        anyhow::bail!("{}: its pictures changed while they were copied; start again", set.display());
    }
    match unfinished.finish() {
        // Another run was quicker.
        Err(_) if is_whole(&copy) => {}
        done => done.with_context(failed)?,
    }
    Ok(copy)
}

/// The files and folders in a folder, to any depth; links are followed, as where sets are read.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let kind = fs::metadata(&path)?;
        if kind.is_dir() {
            fs::create_dir(to.join(name))?;
            copy_folder(&path, &to.join(name))?;
        } else if kind.is_file() {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn folder_set(at: &Path) {
        fs::create_dir_all(at.join("cats")).unwrap();
        for (name, level) in [("a.png", 10), ("cats/b.png", 200)] {
            image::GrayImage::from_pixel(4, 4, image::Luma([level])).save(at.join(name)).unwrap();
        }
    }

    #[test]
    fn copies_hold_the_same_and_are_made_once() {
        let bench = tempfile::tempdir().unwrap();
        let (set, local) = (bench.path().join("set"), bench.path().join("local"));
        folder_set(&set);
        let copy = of(&set, &local).unwrap();
        let hash = |path: &Path| Files::open(path).unwrap().hash().unwrap();
        assert_eq!(hash(&copy), hash(&set));
        let made = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let before = made(&copy.join("a.png"));
        assert_eq!((of(&set, &local).unwrap(), made(&copy.join("a.png"))), (copy.clone(), before));
        // A copy that is not whole is made again; another content goes beside it.
        fs::write(copy.join("a.png"), "torn").unwrap();
        assert_eq!(of(&set, &local).unwrap(), copy);
        assert_eq!(hash(&copy), hash(&set));
        image::GrayImage::from_pixel(4, 4, image::Luma([30])).save(set.join("c.png")).unwrap();
        assert_ne!(of(&set, &local).unwrap(), copy);
        assert_eq!(fs::read_dir(&local).unwrap().count(), 2);
        assert!(of(&bench.path().join("none"), &local).is_err());
    }
}
