//! The one error type of the crate.

use std::path::PathBuf;

/// Any error that an image source may raise.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong when a metric is computed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A batch of images has an unusable shape.
    #[error(
        "the batch from image {image} of the {set} on has shape {found:?}, expected [n, 1 or 3, h, w]: feature networks look at grey or RGB pictures; build the set with --channels 3, and train on that"
    )]
    ImageShape {
        /// Which set: "real set", "generated set".
        set: String,
        /// Number of the first image of its batch.
        image: usize,
        /// The shape found.
        found: Vec<usize>,
    },
    /// Images of one set differ in size.
    #[error(
        "image {image} of the {set} is {found:?} (h, w), earlier ones are {expected:?}: bring all pictures to one size"
    )]
    ImageSize {
        /// Which set.
        set: String,
        /// Number of the first image of its batch.
        image: usize,
        /// Height and width found.
        found: [usize; 2],
        /// Height and width of the earlier images.
        expected: [usize; 2],
    },
    /// NaN or infinity among images, features or distances.
    #[error(
        "{what} of {unit} {index} of the {set} are not finite: the images hold NaN or infinity, or the network that made them has diverged"
    )]
    NotFinite {
        /// "features", "distances", "pixels".
        what: &'static str,
        /// "image", "pair" or "row".
        unit: &'static str,
        /// Number of the image, pair or row.
        index: usize,
        /// Which set.
        set: String,
    },
    /// A metric needs more samples than it was given.
    #[error(
        "{metric} needs at least {needed} samples in the {set}, found {found}; take more (a larger set, or a larger --count of a set that has them)"
    )]
    TooFew {
        /// Name of the metric.
        metric: String,
        /// Which set.
        set: String,
        /// How many are needed.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// A metric needs larger images.
    #[error(
        "{metric} needs pictures of {needed}x{needed} pixels or more, these are {}x{}: leave the metric out",
        .found[1], .found[0]
    )]
    TooSmall {
        /// Name of the metric.
        metric: String,
        /// Pixels that the smaller side needs.
        needed: usize,
        /// Height and width found.
        found: [usize; 2],
    },
    /// Two sets of which a metric sees the pictures as they are have other sizes.
    #[error(
        "{metric} needs pictures of one size, found {}x{} and {}x{}: resize one set, or bring a network that takes any size",
        .one[1], .one[0], .other[1], .other[0]
    )]
    Sizes {
        /// Name of the metric.
        metric: String,
        /// Height and width of the first set.
        one: [usize; 2],
        /// Height and width of the second set.
        other: [usize; 2],
    },
    /// Two things that are to be compared do not belong together.
    #[error("{what}: the first has {left}, the second {right}; only like can be compared with like")]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// Of the first set.
        left: String,
        /// Of the second set.
        right: String,
    },
    /// A metric was asked for without what it works on.
    #[error("{metric} needs {missing}; name it, or leave the metric out")]
    Missing {
        /// Name of the metric.
        metric: String,
        /// "a generator", "a set of real images", …
        missing: &'static str,
    },
    /// A name that is not in a table.
    #[error("unknown {what} {name:?}, expected one of: {known}; did you mean {nearest}?")]
    Unknown {
        /// "metric", "protocol".
        what: &'static str,
        /// The name given.
        name: String,
        /// The names known, separated by commas.
        known: String,
        /// The one that is most likely meant.
        nearest: String,
    },
    /// A parameter outside its range.
    #[error("{parameter} is {found}, expected {expected}")]
    Parameter {
        /// Name of the parameter.
        parameter: &'static str,
        /// The value given.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The generator or its labels do not fit the request.
    #[error("the generator {found}, expected {expected}")]
    Generator {
        /// What it does.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The weights of a feature network are not what the code expects.
    #[error("weights of feature network {network}: {problem}; docs/metrics.md says which files are read")]
    Weights {
        /// Name of the network.
        network: String,
        /// What is wrong.
        problem: String,
    },
    /// A matrix decomposition did not converge.
    #[error(
        "the {what} of a {size}x{size} matrix did not converge: the features are degenerate or hold extreme values"
    )]
    Decomposition {
        /// Which decomposition.
        what: &'static str,
        /// Rows of the matrix.
        size: usize,
    },
    /// A model could not be fitted to the samples.
    #[error("the {what} could not be fitted: {problem}; give more samples or leave the attribute out")]
    Fit {
        /// Which model.
        what: &'static str,
        /// Why not.
        problem: String,
    },
    /// A file of the feature cache cannot be written.
    #[error(
        "cannot write the feature cache at {path:?} ({source}): check the folder's rights and free space, or run without a cache"
    )]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A report cannot be written.
    #[error("cannot write the metric report: {0}")]
    Report(serde_json::Error),
    /// A text is no report.
    #[error("cannot read the metric report ({0}); give the .json file that `stylegan eval` wrote")]
    UnreadableReport(serde_json::Error),
    /// The source of images failed.
    #[error("image {image} of the {set} or one soon after it cannot be read: {source}")]
    Source {
        /// Which set.
        set: String,
        /// Number of the first image of its batch.
        image: usize,
        /// What the source said.
        source: SourceError,
    },
    /// A process of several that share an evaluation failed, and all know it: each has this very error.
    #[error("rank {rank}: {reason}")]
    OnRank {
        /// The first that failed.
        rank: usize,
        /// Its error.
        reason: String,
        /// Whether its cause is something the user gave.
        wrong_input: bool,
    },
    /// Another process does not answer, or not sensibly.
    #[error("another rank of this evaluation: {source}")]
    SilentRank {
        /// What was found.
        source: SourceError,
    },
    /// The generator refused.
    #[error(transparent)]
    Core(#[from] stylegan_core::Error),
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    /// Whether the cause is something the user gave: what is to be measured, or the pictures. The error
    /// of a picture source says itself whose it is, further down the chain.
    pub fn is_wrong_input(&self) -> bool {
        match self {
            Self::Core(error) => error.is_wrong_input(),
            Self::OnRank { wrong_input, .. } => *wrong_input,
            Self::Tensor(_)
            | Self::Cache { .. }
            | Self::Report(_)
            | Self::Source { .. }
            | Self::SilentRank { .. }
            | Self::Decomposition { .. } => false,
            _ => true,
        }
    }

    /// Whether every process that shares the evaluation has this error.
    pub fn is_of_all_ranks(&self) -> bool {
        matches!(self, Self::OnRank { .. })
    }
}
