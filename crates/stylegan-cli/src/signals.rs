//! Ctrl-C, SIGTERM, SIGUSR1 (mpirun hands it on to all ranks) and SIGHUP (the terminal was closed, the
//! connection broke).
//!
//! Whatever is not training ends at once: its files appear whole or not at all, so that nothing would be
//! gained by going on. Training has a state to save, and is asked to stop after its step. Signals are
//! sent to the process, so what they do is kept for the process.

use crate::exit::{ENDED, INTERRUPTED};
use crate::ranks;
use crate::status::say;
use anyhow::Context;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// Becomes true when work that reacts by [`Reaction::Stop`] is to stop.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// What the next signal does.
static REACTION: Mutex<Reaction> = Mutex::new(Reaction::End);

/// What else is done before a signal ends the process.
static LAST_TASK: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Held while something must not be cut in two, and for good once the process ends.
static ENDING: Mutex<()> = Mutex::new(());

/// The time that a message is given to reach a reader who may have stopped to read.
const PATIENCE: Duration = Duration::from_millis(300);

/// What a signal does to the work at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// The process ends; the same command would start again.
    End,
    /// The process ends well, as such work is ended; the sentence says that it is.
    Done(&'static str),
    /// The process ends, and its work can be gone on with in the way that the sentence says.
    GoOnLater(String),
    /// [`STOP`] is set, and the user told what comes now, such as "saving after this step". A second
    /// signal ends the process.
    Stop(&'static str),
}

/// From now on signals do this; returns what they did before.
pub(crate) fn react(reaction: Reaction) -> Reaction {
    std::mem::replace(&mut REACTION.lock().unwrap_or_else(PoisonError::into_inner), reaction)
}

/// If a signal ends the process, `task` is done before files that are not finished are removed.
pub(crate) fn before_end(task: impl FnOnce() + Send + 'static) {
    *LAST_TASK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(task));
}

/// Until the guard is dropped no signal ends the process: for a moment's work on files that appear one
/// by one, and for the last words. Once the process is ending, the caller waits here for the end.
pub(crate) fn hold() -> MutexGuard<'static, ()> {
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts to watch for signals.
pub(crate) fn watch() -> anyhow::Result<()> {
    let failed = "signals cannot be watched";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().context(failed)?;
    // Registered before this function returns: a signal that arrives a moment later is not lost.
    let mut signals = runtime.block_on(async { Signals::new() }).context(failed)?;
    let listen = move || {
        loop {
            runtime.block_on(signals.next());
            heed();
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(listen).context(failed)?;
    Ok(())
}

fn heed() {
    let reaction = REACTION.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match reaction {
        Reaction::End => end(ENDED, "interrupted; nothing half-written is left, the same command starts again"),
        Reaction::Done(sentence) => end(0, sentence),
        Reaction::GoOnLater(sentence) => end(INTERRUPTED, &sentence),
        Reaction::Stop(then) if !STOP.swap(true, Ordering::SeqCst) => {
            tell(format!("stopping: {then}; press Ctrl-C again to stop at once"));
        }
        Reaction::Stop(_) => end(ENDED, "stopped at once, unsaved; the same command goes on from the last checkpoint"),
    }
}

/// Ends the process, whatever its threads are doing.
fn end(code: u8, sentence: &str) -> ! {
    let _for_good = hold();
    if let Some(task) = LAST_TASK.lock().unwrap_or_else(PoisonError::into_inner).take() {
        task();
    }
    stylegan_core::abandon_unfinished();
    tell(sentence.to_owned());
    ranks::end_all(code);
    std::process::exit(code.into())
}

/// Says it without waiting for a reader who reads nothing.
fn tell(sentence: String) {
    let (said, heard) = mpsc::channel();
    let speak = move || {
        say(&sentence);
        // Nobody may be waiting any more.
        let _ = said.send(());
    };
    if std::thread::Builder::new().spawn(speak).is_ok() {
        let _ = heard.recv_timeout(PATIENCE);
    }
}

/// A file met the size that the user allows; the number on all Unix systems that Rust's standard library runs on but MIPS.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    user: tokio::signal::unix::Signal,
    /// None under `nohup`, which is to outlive its terminal.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // Watched, a file that meets its limit (`ulimit -f`) is an error of that write; else it ends the process.
        drop(signal(SignalKind::from_raw(SIGXFSZ))?);
        let hangup = if hangups_are_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            user: signal(SignalKind::user_defined1())?,
            hangup,
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.user.recv() => {}
            () = hangup => {}
        }
    }
}

/// Whether whoever started this process had it ignore SIGHUP. Only Linux says so without unsafe code.
#[cfg(unix)]
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Signal 1 is the lowest bit.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Signals)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
