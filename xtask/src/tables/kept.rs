//! Answers that are kept beside a run: what was asked, of which checkpoint.

use crate::failure::{Failure, Result};
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A question whose answer is kept.
pub(crate) struct Kept {
    pub(crate) run: PathBuf,
    /// The name of its files in the run's folder, without their ending.
    pub(crate) name: String,
    /// The same words about the same checkpoint have the same answer.
    pub(crate) question: String,
}

/// The words of a question: those that name files with time and size of these, as another file may lie there later.
pub(crate) fn question(words: &[OsString]) -> String {
    let said = |word: &OsString| {
        let text = word.to_string_lossy();
        let file = text.strip_prefix("--").and_then(|option| option.split_once('=')).map_or(&*text, |(_, value)| value);
        match std::fs::metadata(file).ok().filter(Metadata::is_file).as_ref().and_then(stamp) {
            Some((written, size)) => format!("{text} ({written} {size})"),
            None => text.into_owned(),
        }
    };
    words.iter().map(said).collect::<Vec<_>>().join(" ")
}

impl Kept {
    /// What of the answer has this ending; what has none is a folder.
    pub(crate) fn file(&self, ending: &str) -> PathBuf {
        self.run.join(if ending.is_empty() { self.name.clone() } else { format!("{}.{ending}", self.name) })
    }

    /// The same of an answer that is not whole yet: the earlier one stays until it is.
    fn unfinished(&self) -> Self {
        Self { name: format!("unfinished-{}", self.name), run: self.run.clone(), question: self.question.clone() }
    }

    /// Has `make` make what of the answer has these endings, elsewhere; then puts it in place of the earlier answer. What
    /// `make` returns says besides whether the answer is whole: another is written down as none.
    pub(crate) fn replace<T>(&self, endings: &[&str], make: impl FnOnce(&Self) -> Result<(T, bool)>) -> Result<T> {
        let unfinished = self.unfinished();
        endings.iter().for_each(|ending| remove(&unfinished.file(ending)));
        let (made, whole) = make(&unfinished)?;
        self.forget();
        for ending in endings {
            let (from, to) = (unfinished.file(ending), self.file(ending));
            remove(&to);
            // A program may have found nothing to write.
            if from.exists() {
                std::fs::rename(&from, &to).map_err(|error| Failure::other(format!("{}: {error}", to.display())))?;
            }
        }
        if whole {
            self.keep()?;
        }
        Ok(made)
    }

    /// Whether the answer that lies there is to this question, about the newest checkpoint.
    pub(crate) fn is_current(&self) -> bool {
        self.asked_of().is_some_and(|checkpoint| Some(checkpoint) == newest_checkpoint(&self.run))
    }

    /// Whether the answer that lies there is to this question, though the run may have gone on since.
    pub(crate) fn is_there(&self) -> bool {
        self.asked_of().is_some()
    }

    /// The checkpoint that this question was asked of, if it was.
    fn asked_of(&self) -> Option<String> {
        let asked = std::fs::read_to_string(self.file("asked")).ok()?;
        let (question, checkpoint) = asked.trim_end().split_once('\n')?;
        (question == self.question).then(|| checkpoint.to_owned())
    }

    /// Forgets the answer that lies there.
    pub(crate) fn forget(&self) {
        let _ = std::fs::remove_file(self.file("asked"));
    }

    /// Writes down that the answer lies there.
    pub(crate) fn keep(&self) -> Result<()> {
        let file = self.file("asked");
        let checkpoint = newest_checkpoint(&self.run).unwrap_or_default();
        std::fs::write(&file, format!("{}\n{checkpoint}\n", self.question))
            .map_err(|error| Failure::other(format!("{}: {error}", file.display())))
    }
}

/// The checkpoint of `run` that was written last: name, time and size tell it from any other.
fn newest_checkpoint(run: &Path) -> Option<String> {
    let of = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let (written, size) = stamp(&entry.metadata().ok()?)?;
        let is_checkpoint = name.starts_with("network-") && name.ends_with(".safetensors");
        is_checkpoint.then(|| (written, format!("{name} {written} {size}")))
    };
    let checkpoints = std::fs::read_dir(run).ok()?.filter_map(|entry| of(entry.ok()?));
    checkpoints.max().map(|(_, checkpoint)| checkpoint)
}

/// When a file was written, in milliseconds, and its size in bytes.
fn stamp(metadata: &Metadata) -> Option<(u128, u64)> {
    Some((metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_millis(), metadata.len()))
}

/// Removes a file or a folder, if it is there.
fn remove(path: &Path) {
    let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_until_the_question_changes() -> std::io::Result<()> {
        let run = std::env::temp_dir().join(format!("xtask-kept-{}", std::process::id()));
        std::fs::create_dir_all(&run)?;
        std::fs::write(run.join("network-000001.safetensors"), "")?;
        let ask = |question: &str| Kept { run: run.clone(), name: "table-w".into(), question: question.into() };
        let before = ask("fid --count 5").is_there();
        let kept = ask("fid --count 5").keep().is_ok();
        let (same, other) = (ask("fid --count 5").is_current(), ask("fid --count 6").is_there());
        std::fs::write(run.join("network-000002.safetensors"), "more")?;
        let (later, earlier) = (ask("fid --count 5").is_current(), ask("fid --count 5").is_there());
        ask("fid --count 5").forget();
        let forgotten = !ask("fid --count 5").is_there();
        std::fs::remove_dir_all(&run)?;
        assert!(kept && same && earlier && forgotten);
        assert!(!before && !other && !later);
        Ok(())
    }

    /// Whatever goes wrong on the way, the earlier answer and what it is to stay.
    #[test]
    fn an_answer_stays_until_another_is_whole() -> std::io::Result<()> {
        let run = std::env::temp_dir().join(format!("xtask-replaced-{}", std::process::id()));
        std::fs::create_dir_all(&run)?;
        std::fs::write(run.join("network-000001.safetensors"), "")?;
        let answered = |question: &str, text: &'static str, ended: fn(&str) -> Result<bool>| {
            let kept = Kept { run: run.clone(), name: "w".into(), question: question.into() };
            let make = |new: &Kept| {
                std::fs::write(new.file("md"), text).map_err(Failure::other)?;
                Ok((text, ended(text)?))
            };
            let done = kept.replace(&["json", "md"], make).is_ok();
            (done, std::fs::read_to_string(run.join("w.md")).unwrap_or_default(), kept.is_current())
        };
        let first = answered("fid", "1", |_| Ok(true));
        let failed = answered("fid --cuont 5", "2", |_| Err(Failure::wrong("no")));
        let first_after = Kept { run: run.clone(), name: "w".into(), question: "fid".into() }.is_current();
        let partial = answered("fid,kid", "3", |_| Ok(false));
        std::fs::remove_dir_all(&run)?;
        assert_eq!(first, (true, "1".into(), true));
        assert_eq!((failed, first_after), ((false, "1".into(), false), true));
        assert_eq!(partial, (true, "3".into(), false));
        Ok(())
    }

    /// Another network under the same name is another question.
    #[test]
    fn a_question_knows_its_files() -> std::io::Result<()> {
        let file = std::env::temp_dir().join(format!("xtask-judge-{}.safetensors", std::process::id()));
        let ask = || question(&["--classifier".into(), file.clone().into(), "--count".into(), "9".into()]);
        let none = ask();
        std::fs::write(&file, "one")?;
        let (first, again) = (ask(), ask());
        let joined = question(&[format!("--features={}", file.display()).into()]);
        std::fs::write(&file, "another")?;
        let other = ask();
        std::fs::remove_file(&file)?;
        assert_eq!(none, format!("--classifier {} --count 9", file.display()));
        assert!(
            first == again && first != none && other != first && joined.ends_with(" 3)"),
            "{first} {other} {joined}"
        );
        Ok(())
    }
}
