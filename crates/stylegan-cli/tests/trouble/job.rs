//! One `stylegan` process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What ends in no such time hangs, on a busy machine too.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// A running command.
pub(crate) struct Job {
    child: Child,
    line: String,
    /// Where what it says goes.
    said: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    /// Whether it ran when it was last asked to end.
    pub(crate) struck: bool,
}

impl Job {
    /// Starts `stylegan` with the words of `line` in `folder`; what it says goes to the file `said`. With
    /// a limit no file may become larger than so many bytes.
    pub(crate) fn start(folder: &Path, line: &str, said: PathBuf, limit: Option<u64>) -> Self {
        let stderr = File::create(&said).unwrap();
        let child = command(folder, line, limit).stderr(stderr).spawn().unwrap();
        Self { child, line: line.to_owned(), said }
    }

    /// As [`start`](Self::start), with nobody to hear what it says from the first word on.
    pub(crate) fn unheard(folder: &Path, line: &str, said: PathBuf) -> Self {
        let mut child = command(folder, line, None).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        File::create(&said).unwrap();
        Self { child, line: line.to_owned(), said }
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends a signal if it still runs, and waits for its end.
    pub(crate) fn end(mut self, signal: &str) -> Ended {
        let struck = self.runs();
        if struck {
            // It may end by itself before the signal comes.
            let _ = Command::new("kill").args([signal, &self.child.id().to_string()]).stderr(Stdio::null()).status();
        }
        let status = self.wait();
        Ended { code: status.code(), said: std::fs::read_to_string(&self.said).unwrap(), struck }
    }

    /// Waits for its end.
    pub(crate) fn ends(mut self) -> Ended {
        let status = self.wait();
        Ended { code: status.code(), said: std::fs::read_to_string(&self.said).unwrap(), struck: false }
    }

    fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > deadline {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!("it hangs: stylegan {}\n{}", self.line, std::fs::read_to_string(&self.said).unwrap());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn command(folder: &Path, line: &str, limit: Option<u64>) -> Command {
    let stylegan = env!("CARGO_BIN_EXE_stylegan");
    // Signals are as they are by default, whatever runs these tests; POSIX counts in blocks of 512 bytes.
    let fresh = if cfg!(target_os = "linux") { "env --default-signal=HUP,INT" } else { "" };
    let limit = limit.map(|bytes| format!("ulimit -f {} && ", bytes / 512)).unwrap_or_default();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit}exec {fresh} \"$0\" \"$@\""), stylegan]);
    command.args(line.split_whitespace()).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command
}
