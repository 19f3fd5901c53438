//! How the command ends: exit codes, and which errors are the user's to fix.

use crate::embedded;
use std::fmt;
use std::io::ErrorKind;
use stylegan_core::printable;

/// What every verb returns.
pub(crate) type Outcome = anyhow::Result<Ending>;

/// How a verb ended well.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All is done: exit code 0.
    Done,
    /// Stopped by a signal after its work was saved: exit code 75. The sentence says how to go on.
    Interrupted(String),
}

/// Exit code of wrong input: arguments, files or settings that the user can put right.
pub(crate) const WRONG_INPUT: u8 = 2;

/// Exit code of a run that was interrupted and saved (`EX_TEMPFAIL`: the same command goes on).
pub(crate) const INTERRUPTED: u8 = 75;

/// Exit code of work that a signal ended and that starts again, as shells count it for SIGINT.
pub(crate) const ENDED: u8 = 130;

/// Exit code of any other failure.
pub(crate) const FAILED: u8 = 1;

/// An error in what the user gave, as one sentence.
#[derive(Debug)]
pub(crate) struct WrongInput(pub(crate) String);

impl fmt::Display for WrongInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongInput {}

/// Returns early with [`WrongInput`].
macro_rules! wrong {
    ($($format:tt)*) => { return Err($crate::exit::WrongInput(format!($($format)*)).into()) };
}
pub(crate) use wrong;

/// The exit code that an error deserves.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    if error.chain().any(is_wrong_input) { WRONG_INPUT } else { FAILED }
}

/// Whether all ranks have this error.
pub(crate) fn is_of_all_ranks(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref().is_some_and(stylegan_train::Error::is_of_all_ranks)
            || cause.downcast_ref().is_some_and(stylegan_metrics::Error::is_of_all_ranks)
    })
}

/// An error with its causes, less those that it tells itself. Names out of files may be anywhere in it.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !sentence.contains(&cause) {
            sentence.push_str(&format!(": {cause}"));
        }
    }
    let system = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    if let Some(remedy) = system.and_then(|error| remedy(error.kind())) {
        sentence.push_str(&format!("; {remedy}"));
    }
    // What configurations are told has lines.
    embedded::by_name(&sentence).lines().map(|line| printable(line).to_string()).collect::<Vec<_>>().join("\n")
}

/// What to do about an error of the system that the user can do something about.
fn remedy(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("free some space there, then give the command again"),
        ErrorKind::FileTooLarge => Some("the limit on the size of files is too low there (ulimit -f)"),
        ErrorKind::PermissionDenied => Some("change who may read and write there, or name another place"),
        ErrorKind::ReadOnlyFilesystem => Some("name another place"),
        _ => None,
    }
}

fn is_wrong_input(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<WrongInput>()
        || error.downcast_ref().is_some_and(stylegan_core::Error::is_wrong_input)
        || error.downcast_ref().is_some_and(stylegan_metrics::Error::is_wrong_input)
        || error.downcast_ref().is_some_and(stylegan_train::Error::is_wrong_input)
}
