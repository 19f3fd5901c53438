//! Inversion: from a picture to the style that a generator makes it of.

mod noise;
mod options;
mod projector;
mod styles;

pub use options::{ProjectOptions, Space};
pub use projector::{Projector, StepReport};
pub use styles::StyleStatistics;
