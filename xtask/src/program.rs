//! The program `stylegan`, for verbs that ask it for numbers and pictures.

use crate::cargo::{cargo, output, root, status_of};
use crate::failure::{Failure, Result};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// `cargo run` of `stylegan` in release, built of these sources; its arguments come behind `--`.
pub(crate) fn from_sources() -> Command {
    let mut command = cargo("run");
    command.args(["--release", "--package", "stylegan-cli", "--bin", "stylegan", "--manifest-path"]);
    command.arg(root().join("Cargo.toml"));
    command
}

/// The last line of what a program said that is not empty.
pub(crate) fn last_line(said: &str) -> Option<&str> {
    said.lines().rev().find(|line| !line.trim().is_empty())
}

/// What `stylegan inspect` says under a name.
pub(crate) fn field<'a>(inspected: &'a str, name: &str) -> Option<&'a str> {
    let of = |line: &'a str| line.trim_start().strip_prefix(name).filter(|rest| rest.starts_with(' ')).map(str::trim);
    inspected.lines().find_map(of)
}

/// How `stylegan` is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    /// A binary that is there; else it is built from its sources, in release.
    pub(crate) file: Option<PathBuf>,
    /// Threads of each process; as many as it likes if nothing is said.
    pub(crate) threads: Option<usize>,
}

impl Program {
    fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = match &self.file {
            Some(file) => Command::new(file),
            None => {
                let mut command = from_sources();
                command.args(["--quiet", "--"]);
                command
            }
        };
        if let Some(threads) = self.threads {
            command.args(["--threads", &threads.to_string()]);
        }
        command.args(args);
        command
    }

    /// What it prints, given these arguments, and whether it ended well; what it says on the way goes where ours goes.
    pub(crate) fn answer<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<(String, Result<()>)> {
        let output = output(self.command(args).stderr(Stdio::inherit()))?;
        let ended = if output.status.success() { Ok(()) } else { Err(Failure::ended(output.status)) };
        Ok((String::from_utf8_lossy(&output.stdout).into_owned(), ended))
    }

    /// What it prints, given these arguments.
    pub(crate) fn said<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<String> {
        let (text, ended) = self.answer(args)?;
        ended.map(|()| text)
    }

    /// Has it do something, with all that it says on the way.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<()> {
        let status = status_of(&mut self.command(args))?;
        if status.success() { Ok(()) } else { Err(Failure::ended(status)) }
    }

    /// The same without a word, unless it ends badly: then what it said last.
    pub(crate) fn run_silently<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<()> {
        let output = output(&mut self.command(args))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::ended(output.status).because(last_line(&said).unwrap_or_default()))
    }
}
