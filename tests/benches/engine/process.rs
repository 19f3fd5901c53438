//! A worker or a peer, seen from the process that compares them.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A process that speaks the protocol of [`crate::worker`].
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// How starting went.
pub(crate) enum Started {
    Ready(Process),
    /// The process has no such work, and says why.
    Cannot(String),
}

impl Process {
    /// Starts the process and waits until it is ready.
    pub(crate) fn start(mut command: Command) -> Result<Started> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no output")?;
        let mut process = Self { child, input, output: BufReader::new(output) };
        let line = process.line()?;
        match line.strip_prefix("cannot ") {
            Some(reason) => Ok(Started::Cannot(reason.to_string())),
            None if line == "ready" => Ok(Started::Ready(process)),
            None => Err(format!("expected \"ready\" of {command:?}, found {line:?}").into()),
        }
    }

    /// Does the work once; returns the seconds.
    pub(crate) fn go(&mut self) -> Result<f64> {
        let input = self.input.as_mut().ok_or("the worker has ended")?;
        writeln!(input, "go")?;
        input.flush()?;
        Ok(self.line()?.parse()?)
    }

    /// Ends the process; returns its peak memory in MB, where known.
    pub(crate) fn end(mut self) -> Result<Option<f64>> {
        drop(self.input.take());
        let memory: f64 = self.line()?.parse()?;
        self.child.wait()?;
        Ok((!memory.is_nan()).then_some(memory))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(format!("a worker ended early: {}", self.child.wait()?).into());
        }
        Ok(line.trim_end().to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
