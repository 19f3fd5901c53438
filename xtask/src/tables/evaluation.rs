//! What `stylegan eval` says of a run, asked once: answers are kept beside the run.

use crate::failure::{Failure, Result};
use crate::measured::{Measured, numbers};
use crate::program::Program;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A question about the newest checkpoint of a run.
pub(crate) struct Evaluation<'a> {
    pub(crate) program: &'a Program,
    pub(crate) run: PathBuf,
    /// The file name of the report in the run's folder, without its ending.
    pub(crate) report: String,
    pub(crate) metrics: Vec<String>,
    pub(crate) options: Vec<OsString>,
}

impl Evaluation<'_> {
    fn file(&self, ending: &str) -> PathBuf {
        self.run.join(format!("{}.{ending}", self.report))
    }

    /// What is asked: the same words about the same file mean the same numbers.
    fn question(&self) -> String {
        let options: Vec<_> = self.options.iter().map(|option| option.to_string_lossy()).collect();
        format!("{} {}", self.metrics.join(","), options.join(" "))
    }

    /// The numbers of an answer that is kept; nothing where the question is new.
    pub(crate) fn kept(&self) -> Option<Vec<Measured>> {
        let checkpoint = newest_checkpoint(&self.run)?;
        self.kept_if(|of| of == checkpoint)
    }

    /// The numbers of an answer that is kept, though the run has gone on since.
    pub(crate) fn kept_earlier(&self) -> Option<Vec<Measured>> {
        self.kept_if(|_| true)
    }

    fn kept_if(&self, holds: impl Fn(&str) -> bool) -> Option<Vec<Measured>> {
        let asked = std::fs::read_to_string(self.file("asked")).ok()?;
        let (question, checkpoint) = asked.trim_end().split_once('\n')?;
        let same = question == self.question() && holds(checkpoint);
        let read = || numbers(&std::fs::read_to_string(self.file("md")).unwrap_or_default());
        same.then(read).filter(|numbers| !numbers.is_empty())
    }

    /// Writes down what was asked, and of which checkpoint.
    fn keep(&self) -> std::io::Result<()> {
        let checkpoint = newest_checkpoint(&self.run).unwrap_or_default();
        std::fs::write(self.file("asked"), format!("{}\n{checkpoint}\n", self.question()))
    }

    /// The numbers, measured where they are not kept. A metric that fails says why and is left out.
    pub(crate) fn measured(&self) -> Result<Vec<Measured>> {
        if let Some(kept) = self.kept() {
            return Ok(kept);
        }
        // The report would keep the answers to other questions.
        for ending in ["asked", "json", "md"] {
            let _ = std::fs::remove_file(self.file(ending));
        }
        let mut args: Vec<OsString> =
            ["eval", "--metrics", &self.metrics.join(","), "--network"].map(Into::into).into();
        args.extend([self.run.clone().into(), "--out".into(), self.file("json").into()]);
        args.extend(self.options.iter().cloned());
        let (printed, ended) = self.program.answer(&args)?;
        let found = numbers(&printed);
        match ended {
            Ok(()) => {
                self.keep().map_err(|error| Failure::other(format!("{}: {error}", self.file("asked").display())))?;
            }
            Err(failure) if found.is_empty() => return Err(failure),
            Err(_) => {}
        }
        Ok(found)
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
        let run = std::env::temp_dir().join(format!("xtask-evaluation-{}", std::process::id()));
        std::fs::create_dir_all(&run)?;
        std::fs::write(run.join("network-000001.safetensors"), "")?;
        let program = Program::default();
        let ask = |options: &str| Evaluation {
            program: &program,
            run: run.clone(),
            report: "table-w".into(),
            metrics: vec!["fid".into()],
            options: options.split_whitespace().map(Into::into).collect(),
        };
        let before = ask("--count 5").kept();
        ask("--count 5").keep()?;
        std::fs::write(
            run.join("table-w.md"),
            "| metric | value | 95 % interval |\n|---|---|---|\n| fid-x | 2 | 1 to 3 |\n",
        )?;
        let (same, other) = (ask("--count 5").kept(), ask("--count 6").kept());
        std::fs::write(run.join("network-000002.safetensors"), "more")?;
        let (later, earlier) = (ask("--count 5").kept(), ask("--count 5").kept_earlier());
        std::fs::remove_dir_all(&run)?;
        assert_eq!((before, other, later), (None, None, None));
        assert_eq!(same.map(|numbers| numbers[0].value), Some(2.));
        assert_eq!(earlier.map(|numbers| numbers[0].value), Some(2.));
        Ok(())
    }
}
