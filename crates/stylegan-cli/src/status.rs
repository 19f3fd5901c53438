//! What the user sees: bars on a terminal and plain lines elsewhere, both on stderr, and results on stdout.
//!
//! A message that cannot be written (`2>&1 | head -1`, a full disk, a terminal that was closed) is
//! dropped: no work ends because nobody listens.

use crate::embedded::by_name;
use crate::terminal::Terminal;
use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tracing::Level;

/// Times per second that bars are drawn at most.
const REFRESH_HZ: u8 = 20;

/// Time between two lines about long work where no bar can be drawn.
const LINES_APART: Duration = Duration::from_secs(15);

/// The bars of this process; messages go above them.
fn bars() -> &'static MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    BARS.get_or_init(|| {
        MultiProgress::with_draw_target(if on_terminal() {
            ProgressDrawTarget::term_like_with_hz(Box::new(Terminal::new()), REFRESH_HZ)
        } else {
            ProgressDrawTarget::hidden()
        })
    })
}

/// Whether another process says and prints what there is.
static SILENT: AtomicBool = AtomicBool::new(false);

/// From now on nothing is said, drawn and printed, or all is again.
pub(crate) fn be_silent(silent: bool) {
    SILENT.store(silent, Ordering::Relaxed);
}

/// Prints one line on stderr, above any bar.
pub(crate) fn say(line: &str) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    let line = by_name(&crate::invocation::as_typed(line));
    write_above(format!("{line}\n").as_bytes());
}

/// Writes to stderr without tearing a bar.
fn write_above(bytes: &[u8]) {
    bars().suspend(|| {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(bytes).and_then(|()| err.flush());
    });
}

/// Prints a result on stdout. Whoever reads it may have had enough (`| head`): the rest then goes
/// nowhere, and the command goes on with its work.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    if SILENT.load(Ordering::Relaxed) {
        return Ok(());
    }
    let text = by_name(text);
    let written = bars().suspend(|| {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    });
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to the standard output"))
        }
        _ => Ok(()),
    }
}

/// Whether stderr is a terminal, so that bars make sense.
pub(crate) fn on_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether bars are drawn.
pub(crate) fn is_drawn() -> bool {
    on_terminal() && !SILENT.load(Ordering::Relaxed)
}

/// Whether colours are wanted: `NO_COLOR` (of any value but the empty one) says they are not.
#[allow(clippy::disallowed_methods, reason = "the command reads the environment")]
fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Sends the messages of the libraries to stderr: warnings, with `-v` information, with `-vv` all.
pub(crate) fn start_log(verbose: u8) {
    let level = match verbose {
        0 => Level::WARN,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(verbose > 1)
        .without_time()
        .with_ansi(on_terminal() && colours())
        .with_writer(|| Above)
        .init();
}

/// A writer to stderr that does not tear a bar.
struct Above;

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        write_above(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Columns of the terminal behind stderr.
pub(crate) fn columns() -> usize {
    Term::stderr().size().1.into()
}

/// As many of `parts`, from the first on, as fit into `columns`, with two blanks between.
pub(crate) fn fitting(parts: &[String], columns: usize) -> String {
    let mut text = String::new();
    for part in parts {
        let gap = if text.is_empty() { "" } else { "  " };
        if !text.is_empty() && text.len() + gap.len() + part.len() > columns {
            break;
        }
        text.push_str(gap);
        text.push_str(part);
    }
    text
}

/// A bar of this template, of `length` steps of which `done` are done.
pub(crate) fn bar(template: &str, length: u64, done: u64) -> ProgressBar {
    let hidden = || ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
    let bar = if is_drawn() { bars().add(ProgressBar::new(length)) } else { hidden() };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_position(done);
    bar
}

/// How far a piece of work of known length has come: a bar on a terminal, elsewhere a line now and then.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    /// When the last line was said.
    said: Mutex<Instant>,
}

impl Progress {
    /// Work of `length` steps, named by a verb in its -ing form: "generating".
    pub(crate) fn new(what: &'static str, length: usize) -> Self {
        Self::with(what, bar("{msg} {wide_bar} {pos}/{len} {eta}", length as u64, 0))
    }

    /// Work of unknown length, shown with the time that it has taken so far.
    pub(crate) fn of_unknown_length(what: &'static str) -> Self {
        Self::with(what, bar("{spinner} {msg} {elapsed}", 0, 0))
    }

    fn with(what: &'static str, bar: ProgressBar) -> Self {
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(250));
        Progress { bar, what, said: Mutex::new(Instant::now()) }
    }

    /// `steps` more are done.
    pub(crate) fn advance(&self, steps: usize) {
        self.bar.inc(steps as u64);
        if !on_terminal() {
            self.line(LINES_APART).iter().for_each(|line| say(line));
        }
    }

    /// How far it is in words, if the last time is so long ago.
    fn line(&self, apart: Duration) -> Option<String> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        (said.elapsed() >= apart).then(|| {
            *said = Instant::now();
            format!("{}: {} of {}", self.what, self.bar.position(), self.bar.length().unwrap_or_default())
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Work in stages whose names and lengths come to light one by one.
pub(crate) struct Stages {
    bar: Option<(String, ProgressBar)>,
}

impl Stages {
    /// Nothing is drawn before the first stage.
    pub(crate) fn new() -> Self {
        Stages { bar: None }
    }

    /// `done` of `total` steps of `stage`; a total of 0 is not known.
    pub(crate) fn show(&mut self, stage: &str, done: usize, total: usize) {
        let (_, bar) = match self.bar.take() {
            Some((name, bar)) if name == stage => self.bar.insert((name, bar)),
            earlier => {
                if let Some((_, bar)) = earlier {
                    bar.finish_and_clear();
                }
                if !on_terminal() {
                    say(stage);
                }
                let bar = bar("{msg} {wide_bar} {pos}/{len} {eta}", total as u64, 0);
                bar.set_message(stage.to_owned());
                self.bar.insert((stage.to_owned(), bar))
            }
        };
        bar.set_length(total.max(done) as u64);
        bar.set_position(done as u64);
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_work_is_said_now_and_then() {
        let progress = Progress::new("building", 10);
        progress.advance(3);
        assert_eq!(progress.line(LINES_APART), None);
        assert_eq!(progress.line(Duration::ZERO).as_deref(), Some("building: 3 of 10"));
    }

    #[test]
    fn narrow_terminals_get_the_first_parts() {
        let parts = ["1.0/120 kimg", "17.0 s/kimg", "eta 30 minutes"].map(str::to_owned);
        assert_eq!(fitting(&parts, 70), "1.0/120 kimg  17.0 s/kimg  eta 30 minutes");
        assert_eq!(fitting(&parts, 40), "1.0/120 kimg  17.0 s/kimg");
        assert_eq!(fitting(&parts, 3), "1.0/120 kimg");
    }
}
