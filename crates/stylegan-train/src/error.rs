//! Everything that can go wrong in training, each as one sentence that says what to do.

use crate::data::Problem;
use std::path::{Path, PathBuf};
use stylegan_core::printable;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A data set, or a file in it, cannot be used.
    #[error("{}: {}{}; {}", printable(.place), printable(&.problem.to_string()), more(*.others), .problem.remedy())]
    Data {
        /// The set, or the file inside it (`set/name`).
        place: String,
        /// What is wrong, with the remedy.
        problem: Box<Problem>,
        /// How many more files of the set have a problem.
        others: usize,
    },
    /// A sample was asked for that the set does not hold.
    #[error("sample {index} does not exist: the set holds pictures 0 to {}", .len.saturating_sub(1))]
    DataIndex {
        /// The index asked for.
        index: usize,
        /// Pictures in the set.
        len: usize,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// The verb: `read`, `write`, `create`, `rename`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A configuration, or an override of it, that describes no run.
    #[error("{place}: {problem}")]
    Config {
        /// The file, or the override.
        place: String,
        /// Key, expectation and finding.
        problem: String,
    },
    /// A run folder that does not fit what was asked of it.
    #[error("run {}: {problem}", .folder.display())]
    Run {
        /// The run folder.
        folder: PathBuf,
        /// What does not fit, and what to do.
        problem: String,
    },
    /// Training that cannot go on with these numbers.
    #[error("training diverged after {kimg:.3} kimg: {problem}; {advice}")]
    Diverged {
        /// Thousands of pictures seen.
        kimg: f64,
        /// What was observed.
        problem: String,
        /// What helps, and where the last good checkpoint is.
        advice: String,
    },
    /// An error that ended a run, whose state was saved.
    #[error("{error}; the run is saved up to there ({}), and the same command goes on with it", .checkpoint.display())]
    Saved {
        /// What went wrong.
        error: Box<Error>,
        /// The last checkpoint, from which the run can be gone on with.
        checkpoint: PathBuf,
    },
    /// Another rank does not answer, or not sensibly.
    #[error("another rank of this run: {reason}")]
    Rank {
        /// What happened.
        reason: String,
    },
    /// A rank cannot go on, and all ranks know it: each has this very error.
    #[error("rank {rank}: {reason}")]
    Agreed {
        /// The first rank that cannot go on.
        rank: usize,
        /// Its error.
        reason: String,
        /// Whether its cause is something the user gave.
        wrong_input: bool,
    },
    /// Ranks that must hold the same do not.
    #[error("rank {rank} has another {what} than rank 0{found}; {advice}")]
    Replicas {
        /// The first rank that differs.
        rank: usize,
        /// What differs: a tensor of the state, or something that the ranks began with.
        what: String,
        /// What both have, where that can be said in a few words.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// A network or a checkpoint cannot be used.
    #[error(transparent)]
    Network(#[from] stylegan_core::Error),
    /// A network that looks at pictures failed.
    #[error(transparent)]
    Features(#[from] stylegan_metrics::Error),
    /// An operation on tensors failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    /// Whether the cause is something the user gave (a file, a setting), as opposed to a fault of
    /// the program or the machine. The command line exits with 2 for these.
    pub fn is_wrong_input(&self) -> bool {
        match self {
            Self::Data { .. } | Self::Config { .. } | Self::Run { .. } => true,
            Self::Network(error) => error.is_wrong_input(),
            Self::Features(error) => error.is_wrong_input(),
            Self::Diverged { .. } | Self::Replicas { .. } => false,
            Self::Agreed { wrong_input, .. } => *wrong_input,
            Self::Saved { error, .. } => error.is_wrong_input(),
            Self::Io { action, .. } => *action == "read",
            Self::DataIndex { .. } | Self::Rank { .. } | Self::Tensor(_) => false,
        }
    }

    /// Whether every rank of the run has this error, so that none waits for another and one alone need
    /// tell it.
    pub fn is_of_all_ranks(&self) -> bool {
        match self {
            Self::Agreed { .. } | Self::Replicas { .. } | Self::Diverged { .. } => true,
            Self::Saved { error, .. } => error.is_of_all_ranks(),
            Self::Features(error) => error.is_of_all_ranks(),
            _ => false,
        }
    }

    /// Whether a file could not be written: what comes next may find room again.
    pub(crate) fn is_unwritten(&self) -> bool {
        match self {
            Self::Io { .. } => true,
            Self::Network(error) => matches!(error, stylegan_core::Error::Io { .. }),
            _ => false,
        }
    }

    /// A problem of the set or file at `place`.
    pub(crate) fn data(place: impl Into<String>, problem: Problem) -> Self {
        Self::Data { place: place.into(), problem: Box::new(problem), others: 0 }
    }

    /// For `map_err`: what the system said when `path` was to be read, written, …
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}

fn more(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " (and 1 more file has a problem; `stylegan data doctor` lists all)".to_string(),
        n => format!(" (and {n} more files have problems; `stylegan data doctor` lists all)"),
    }
}
