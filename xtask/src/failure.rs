//! How a command ends when it does not end well.

use crate::say::warn;
use std::fmt::Display;
use std::process::{ExitCode, ExitStatus};

/// A result whose error carries the exit code.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// What went wrong, and the exit code that says so to the caller.
#[derive(Debug)]
pub(crate) struct Failure {
    message: Option<String>,
    code: u8,
}

impl Failure {
    /// Wrong input: exit code 2.
    pub(crate) fn wrong(message: impl Display) -> Self {
        Failure { message: Some(message.to_string()), code: 2 }
    }

    /// Anything else: exit code 1.
    pub(crate) fn other(message: impl Display) -> Self {
        Failure { message: Some(message.to_string()), code: 1 }
    }

    /// A child that has already said why it failed: only its code is passed on.
    pub(crate) fn child(code: u8) -> Self {
        Failure { message: None, code }
    }

    /// The same, with the code that it ended with; 1 where a signal ended it.
    pub(crate) fn ended(status: ExitStatus) -> Self {
        Self::child(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }

    /// What it says, if it says anything.
    pub(crate) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or("it has said why")
    }

    /// The same, with what the child said.
    pub(crate) fn because(self, said: impl Display) -> Self {
        Failure { message: Some(said.to_string()), ..self }
    }

    /// Prints the message, if there is one to print.
    pub(crate) fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            warn(&message);
        }
        ExitCode::from(self.code)
    }
}
