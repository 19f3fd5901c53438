//! A reader of Python pickles that executes nothing.
//!
//! A pickle is a program for a small stack machine that names Python callables ("globals") and
//! calls them. This reader runs the stack machine over an arena of plain values: a call becomes a
//! [`Value::Call`] node that says which global was to be called with which arguments, and no more.
//! Globals come from a closed list ([`globals`]); any other name is an error. Values are indices
//! into the arena, so shared and cyclic structures cost what they cost in the file, and nothing
//! here recurses.

mod calls;
mod cursor;
mod globals;
mod machine;
mod strings;
mod value;

pub(crate) use globals::Global;
pub(crate) use value::{Call, Id, Pickle, Value};

/// Why a pickle could not be read, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("pickle at byte {offset}: {message}")]
pub(crate) struct PickleError {
    /// Byte offset of the opcode in the pickle stream.
    pub offset: usize,
    /// What was found and what was expected.
    pub message: String,
}

/// No more values than this are taken from one pickle. The largest known checkpoints have some
/// 100,000; the limit bounds the memory that a hostile file can claim (about 100 MB).
pub(crate) const MAX_VALUES: usize = 1_500_000;

/// The longest name or setting in bytes; names are compared and copied many times.
const MAX_NAME: usize = 1024;

/// Reads the pickle at the start of `source`; returns it with the number of bytes it took.
///
/// # Errors
/// A malformed stream, an unknown opcode or global, or more than [`MAX_VALUES`] values.
pub(crate) fn read(source: &[u8]) -> Result<(Pickle<'_>, usize), PickleError> {
    machine::run(source)
}

#[cfg(test)]
mod tests;
