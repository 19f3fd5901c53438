//! Running cargo and other programs from the root of the workspace.

use crate::failure::{Failure, Result};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output};

/// The root of the workspace: the folder above this package.
#[allow(clippy::disallowed_methods, reason = "cargo tells its children where they are through the environment")]
pub(crate) fn root() -> PathBuf {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// The cargo that runs this program, with its sub-command.
#[allow(clippy::disallowed_methods, reason = "cargo tells its children where it is through the environment")]
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo told this package about itself is not for the packages that are built next.
    for (name, _) in std::env::vars_os() {
        let package = name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_"));
        if package {
            command.env_remove(name);
        }
    }
    command.arg(subcommand);
    command
}

/// Runs `command` to its end; anything but success is an error with exit code 1, whatever cargo's own
/// code for it is.
pub(crate) fn wait(command: &mut Command) -> Result<()> {
    if status_of(command)?.success() { Ok(()) } else { Err(Failure::child(1)) }
}

/// Becomes `command` where the system can (signals, exit code and terminal are then its own);
/// elsewhere runs it to its end.
#[cfg(unix)]
pub(crate) fn become_(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(cannot_start(command, &error))
}

/// Becomes `command` where the system can; elsewhere runs it to its end and passes its code on.
#[cfg(not(unix))]
pub(crate) fn become_(command: &mut Command) -> Result<()> {
    let status = status_of(command)?;
    if status.success() { Ok(()) } else { Err(Failure::ended(status)) }
}

/// Runs `command` to its end and takes what it prints.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    command.output().map_err(|e| cannot_start(command, &e))
}

/// Runs `command` to its end; its status.
pub(crate) fn status_of(command: &mut Command) -> Result<ExitStatus> {
    command.status().map_err(|e| cannot_start(command, &e))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::other(format!("{} does not start: {error}", command.get_program().to_string_lossy()))
}
