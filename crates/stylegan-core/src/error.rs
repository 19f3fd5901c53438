//! The one error type of the crate. Names out of files are shown by [`printable`].

use crate::{printable, printable_path};
use std::path::PathBuf;

/// What went wrong: each message is one sentence that says what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration that describes no network.
    #[error("{0}")]
    Config(String),
    /// An argument that does not fit the network or the function it was given to.
    #[error("{0}")]
    Argument(String),
    /// A parameter that a network needs and its source does not hold.
    #[error(
        "parameter `{name}` of shape {shape:?} is missing; the weights belong to another configuration or are incomplete"
    )]
    MissingParameter {
        /// Full name, module path included.
        name: String,
        /// The shape the network needs.
        shape: Vec<usize>,
    },
    /// A parameter of another shape than the network needs.
    #[error(
        "parameter `{name}` has shape {found:?}, expected {expected:?}; the weights belong to another configuration"
    )]
    ParameterShape {
        /// Full name, module path included.
        name: String,
        /// The shape the network needs.
        expected: Vec<usize>,
        /// The shape the source holds.
        found: Vec<usize>,
    },
    /// A parameter of an element type that networks cannot compute with.
    #[error(
        "parameter `{name:.120}` has element type {found}; networks need f32 or f64 (or f16 and bf16 to be widened)",
        name = printable(.name)
    )]
    ParameterType {
        /// Full name.
        name: String,
        /// The element type the source holds.
        found: String,
    },
    /// A parameter with numbers that are not finite.
    #[error(
        "`{name:.120}` holds numbers that are not finite (NaN or infinity); the file is damaged, or its training diverged",
        name = printable(.name)
    )]
    NotFinite {
        /// Full name.
        name: String,
    },
    /// Parameters that no module of the network asked for.
    #[error(
        "{count} tensors belong to no module of the network, the first is `{name:.120}`; the weights belong to another configuration",
        name = printable(.name)
    )]
    UnusedParameters {
        /// The first such name in order.
        name: String,
        /// How many there are.
        count: usize,
    },
    /// A file that cannot be read or written.
    #[error("cannot {verb} {path}: {source}", path = printable_path(.path))]
    Io {
        /// What was tried: "read", "write", …
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A file that is not a checkpoint, or a damaged one.
    #[error("{path} {problem}", path = printable_path(.path), problem = printable(.problem))]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do, as the rest of a sentence.
        problem: String,
    },
    /// A checkpoint of a later version of this program, which may be whole.
    #[error("{path} has format_version {version}, this program reads up to {known}; use a newer stylegan-rs", path = .path.display())]
    NewerCheckpoint {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
        /// The last version that is known here.
        known: u32,
    },
    /// An error of a tensor operation.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    /// Whether the cause is something the user gave (a file, a setting), as opposed to a fault of the
    /// program or the machine. The command line exits with 2 for these.
    pub fn is_wrong_input(&self) -> bool {
        match self {
            Self::Io { verb, .. } => matches!(*verb, "read" | "open"),
            Self::Tensor(_) => false,
            _ => true,
        }
    }
}

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl From<Error> for candle_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Tensor(error) => error,
            error => candle_core::Error::Msg(error.to_string()),
        }
    }
}

/// Returns early with [`Error::Argument`].
macro_rules! bad_argument {
    ($($format:tt)*) => { return Err($crate::Error::Argument(format!($($format)*))) };
}
pub(crate) use bad_argument;
