//! Ctrl-C and SIGTERM: the first asks the work to stop at a good place, the second ends it at once.

use crate::exit::FAILED;
use anyhow::Context;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Starts to watch for signals; the flag becomes true with the first.
///
/// `then` is what the user is told at that moment, such as "saving after this step".
pub(crate) fn watch(then: &'static str) -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().context("signals cannot be watched")?;
    // Registered before this function returns: a signal that arrives a moment later is not lost.
    let mut signals = runtime.block_on(async { Signals::new() }).context("signals cannot be watched")?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            runtime.block_on(async {
                signals.next().await;
                flag.store(true, Ordering::SeqCst);
                crate::status::say(&format!("stopping: {then}; press Ctrl-C again to stop at once"));
                signals.next().await;
                std::process::exit(FAILED.into());
            });
        })
        .context("signals cannot be watched")?;
    Ok(stop)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
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
