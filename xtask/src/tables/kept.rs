//! Answers that are kept beside a run: what was asked, of which checkpoint.

use crate::failure::{Failure, Result};
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

impl Kept {
    pub(crate) fn file(&self, ending: &str) -> PathBuf {
        self.run.join(format!("{}.{ending}", self.name))
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
        let metadata = entry.metadata().ok()?;
        let written = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let is_checkpoint = name.starts_with("network-") && name.ends_with(".safetensors");
        is_checkpoint.then(|| (written, format!("{name} {} {}", written.as_millis(), metadata.len())))
    };
    let checkpoints = std::fs::read_dir(run).ok()?.filter_map(|entry| of(entry.ok()?));
    checkpoints.max().map(|(_, checkpoint)| checkpoint)
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
}
