//! Sets of pictures.

mod problem;

pub use problem::Problem;

/// The largest width or height of a picture that is read, in pixels.
pub const MAX_SIDE: usize = 16384;
