//! Inversion: from a picture to the style that a generator makes it of, and to a generator that makes it.

mod digest;
mod goal;
mod noise;
mod options;
mod projector;
mod seen;
mod styles;
mod tuner;

pub use digest::{digest, hash_of};
pub use options::{ProjectOptions, Space};
pub use projector::{Projector, StepReport};
pub use seen::seen;
pub use styles::StyleStatistics;
pub use tuner::{TuneOptions, TuneReport, Tuner};
