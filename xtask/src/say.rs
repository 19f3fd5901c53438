//! What the developer reads. Text that cannot be written (`| head -1`, a closed terminal) is dropped:
//! no check ends because nobody listens.

use std::io::Write;

/// Writes a line to stdout.
pub(crate) fn say(line: &str) {
    print(&format!("{line}\n"));
}

/// Writes text to stdout as it is.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to stderr, under the name of this program.
pub(crate) fn warn(line: &str) {
    let _ = std::io::stderr().write_all(format!("xtask: {line}\n").as_bytes());
}
