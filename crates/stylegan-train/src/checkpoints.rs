//! The checkpoints of a run folder: their names, the newest that is whole, and which are kept.

use crate::{Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata};

/// The name of what is saved on schedule: `network-000123.safetensors` in the 124th thousand of
/// pictures. A later state within the same thousand takes its place.
pub fn name(images: u64) -> String {
    format!("network-{:06}.safetensors", images / 1000)
}

/// The name of what is saved between, beside another of the same thousand:
/// `network-000123-456.safetensors` after 123,456 pictures.
pub fn exact_name(images: u64) -> String {
    format!("network-{:06}-{:03}.safetensors", images / 1000, images % 1000)
}

/// The pictures that a name speaks of; `None` for names that no run gives.
fn images_of_name(name: &str) -> Option<u64> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let rest = name.strip_prefix("network-")?.strip_suffix(".safetensors")?;
    let (thousands, rest): (Option<u64>, Option<u64>) = match rest.split_once('-') {
        Some((thousands, rest)) => (number(thousands), number(rest)),
        None => (number(rest), Some(0)),
    };
    thousands?.checked_mul(1000)?.checked_add(rest.filter(|rest| *rest < 1000)?)
}

/// The files of a run folder that are named like checkpoints of a run, the newest first. How new one
/// is stands in the file; if that cannot be read, in its name. A folder that does not exist has none.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    let mut found = vec![];
    for entry in entries {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let named = path.file_name().and_then(|name| images_of_name(name.to_str()?));
        if let Some(named) = named {
            found.push((images(&path).unwrap_or(named), named, path));
        }
    }
    found.sort();
    Ok(found.into_iter().rev().map(|(_, _, path)| path).collect())
}

/// The pictures that a checkpoint has seen, by its own word.
pub(crate) fn images(path: &Path) -> Option<u64> {
    Some(Checkpoint::open(path).ok()?.metadata()?.images)
}

/// A file that is named like a checkpoint and was not taken.
#[derive(Debug)]
pub struct Passed {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, as a sentence.
    pub why: String,
    /// Whether its contents are not what was written, as opposed to being of another run.
    pub damaged: bool,
}

/// The newest checkpoint of a run: a state, whole by its content hash, that `fits` says nothing
/// against. Also the newer files that were passed over, the newest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn newest(
    folder: &Path,
    fits: impl Fn(&Metadata) -> Result<(), String>,
) -> Result<(Option<Checkpoint>, Vec<Passed>)> {
    let mut passed = vec![];
    for path in list(folder)? {
        let pass = |why, damaged| Passed { path: path.clone(), why, damaged };
        match whole(&path) {
            Ok(checkpoint) => {
                let state = checkpoint.metadata().filter(|metadata| metadata.kind == Kind::State);
                let fits = match state {
                    Some(metadata) => fits(metadata),
                    None => Err("holds no training state, only networks".into()),
                };
                match fits {
                    Ok(()) => return Ok((Some(checkpoint), passed)),
                    Err(why) => passed.push(pass(format!("{} {why}", path.display()), false)),
                }
            }
            Err(error) => {
                let damaged = matches!(error, stylegan_core::Error::Checkpoint { .. });
                passed.push(pass(error.to_string(), damaged));
            }
        }
    }
    Ok((None, passed))
}

/// A checkpoint whose contents are those that were written.
fn whole(path: &Path) -> stylegan_core::Result<Checkpoint> {
    let checkpoint = Checkpoint::open(path)?;
    if !checkpoint.verify()? {
        let problem = "has no content hash, as every checkpoint of a run does".into();
        return Err(stylegan_core::Error::Checkpoint { path: path.into(), problem });
    }
    Ok(checkpoint)
}

/// Gives damaged checkpoints a name that no run uses, so that none passes for the newest again;
/// answers with that name.
pub(crate) fn move_aside(path: &Path) -> Result<PathBuf> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".damaged");
    std::fs::rename(path, &aside).map_err(Error::io("rename", path))?;
    Ok(aside.into())
}

/// Removes checkpoints that are no longer kept.
pub(crate) struct Pruner {
    /// How many stay; 0 for all.
    pub(crate) keep: usize,
    /// Files that were written or verified by this process.
    pub(crate) whole: BTreeSet<PathBuf>,
}

impl Pruner {
    /// After `written` was saved at a number of pictures: keeps the newest whole states up to there,
    /// `written` and `best` in any case, and what is damaged, of another kind or newer.
    pub(crate) fn prune(&mut self, folder: &Path, written: &Path, images: u64, best: Option<&Path>) -> Result<()> {
        self.whole.insert(written.to_owned());
        if self.keep == 0 {
            return Ok(());
        }
        let mut kept = 1;
        for path in list(folder)? {
            if path == written || !self.counts(&path, images) {
                continue;
            }
            kept += 1;
            if kept > self.keep && Some(path.as_path()) != best {
                std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
                self.whole.remove(&path);
            }
        }
        Ok(())
    }

    /// Whether this is a whole state of at most `images` pictures.
    fn counts(&mut self, path: &Path, images: u64) -> bool {
        let Ok(checkpoint) = Checkpoint::open(path) else { return false };
        let known = checkpoint.metadata().is_some_and(|about| about.kind == Kind::State && about.images <= images);
        let whole = known && (self.whole.contains(path) || checkpoint.verify().is_ok_and(|hashed| hashed));
        if whole {
            self.whole.insert(path.to_owned());
        }
        whole
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use stylegan_core::checkpoint::save;

    fn state(folder: &Path, name: &str, images: u64, kind: Kind) -> PathBuf {
        let path = folder.join(name);
        save(&path, &Metadata { kind, images, seed: 5, ..Metadata::default() }, &[]).unwrap();
        path
    }

    fn names(folder: &Path) -> Vec<String> {
        let paths = list(folder).unwrap();
        paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    fn flip(path: &Path, text: &str) {
        let mut bytes = std::fs::read(path).unwrap();
        let at = bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
        bytes[at + text.len() - 2] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn names_are_digits_and_files_say_how_new_they_are() {
        assert_eq!(
            (name(12_999), exact_name(3_690)),
            ("network-000012.safetensors".into(), "network-000003-690.safetensors".into())
        );
        for (name, images) in [
            ("network-000003.safetensors", Some(3000)),
            ("network-1234567.safetensors", Some(1_234_567_000)),
            ("network-000003-690.safetensors", Some(3690)),
            ("network-+5.safetensors", None),
            ("network-.safetensors", None),
            ("network-000003-1690.safetensors", None),
            ("network-final.safetensors", None),
            ("network-99999999999999999999.safetensors", None),
            ("network-000003.safetensors.damaged", None),
            (".network-000003.safetensors.7-0.tmp", None),
        ] {
            assert_eq!(images_of_name(name), images, "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        state(folder.path(), &exact_name(3690), 3690, Kind::State);
        state(folder.path(), &name(3750), 3750, Kind::State);
        std::fs::write(folder.path().join(name(2000)), "damaged").unwrap();
        std::fs::write(folder.path().join("network-final.safetensors"), "").unwrap();
        assert_eq!(names(folder.path()), [name(3000), exact_name(3690), name(2000)]);
        assert!(list(&folder.path().join("absent")).unwrap().is_empty());
    }

    /// A flipped letter anywhere in the metadata, a lost hash, another kind, another run: the file before
    /// is taken.
    #[test]
    fn the_newest_is_whole_and_of_this_run() {
        let folder = tempfile::tempdir().unwrap();
        let good = state(folder.path(), &name(1000), 1000, Kind::State);
        let newer = folder.path().join(name(2000));
        let found = || {
            let fits = |about: &Metadata| if about.seed == 5 { Ok(()) } else { Err("has another seed".to_owned()) };
            let (found, passed) = newest(folder.path(), fits).unwrap();
            assert_eq!((found.unwrap().path(), passed.len()), (good.as_path(), 1), "{passed:?}");
            assert_eq!(passed[0].path, newer);
            passed[0].damaged
        };
        for text in
            ["\"images\":\"2000\"", "\"content_hash\"", "\"stylegan-rs\"", "\"format\"", "\"state\"", "\"seed\":\"5\""]
        {
            state(folder.path(), &name(2000), 2000, Kind::State);
            flip(&newer, text);
            assert!(found(), "{text}");
        }
        state(folder.path(), &name(2000), 2000, Kind::Release);
        assert!(!found());
        let metadata = Metadata { kind: Kind::State, images: 2000, seed: 6, ..Metadata::default() };
        save(&newer, &metadata, &[]).unwrap();
        assert!(!found());
    }

    #[test]
    fn pruning_counts_what_is_whole_and_spares_what_was_just_written() {
        let folder = tempfile::tempdir().unwrap();
        for kimg in [5, 6, 7, 8] {
            state(folder.path(), &name(kimg * 1000), kimg * 1000, Kind::State);
        }
        flip(&folder.path().join(name(8000)), "\"seed\":\"5\"");
        std::fs::write(folder.path().join(name(10_000)), "torn").unwrap();
        state(folder.path(), &name(900_000), 900_000, Kind::State);
        state(folder.path(), &name(4000), 4000, Kind::Release);
        let written = state(folder.path(), &exact_name(9200), 9200, Kind::State);
        let best = folder.path().join(name(5000));
        let mut pruner = Pruner { keep: 2, whole: BTreeSet::new() };
        pruner.prune(folder.path(), &written, 9200, Some(&best)).unwrap();
        let expected = [900_000, 10_000, 9200, 8000, 7000, 5000, 4000].map(|images| match images {
            9200 => exact_name(images),
            _ => name(images),
        });
        assert_eq!(names(folder.path()), expected);
        pruner.keep = 1;
        pruner.prune(folder.path(), &written, 9200, None).unwrap();
        assert_eq!(names(folder.path()), [name(900_000), name(10_000), exact_name(9200), name(8000), name(4000)]);
        pruner.keep = 0;
        pruner.prune(folder.path(), &best, 9200, None).unwrap();
        assert_eq!(names(folder.path()).len(), 5);
        let aside = move_aside(&folder.path().join(name(10_000))).unwrap();
        assert_eq!(aside, folder.path().join("network-000010.safetensors.damaged"));
    }
}
