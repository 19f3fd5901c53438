//! Normalisations: per instance with a style, by statistics alone or with maps (SPADE), per pixel, and
//! the minibatch standard deviation.

mod instance;
mod pixel;
mod spade;
mod standardize;
mod statistics;
mod stddev;

pub use instance::instance_style;
pub use pixel::pixel_norm;
pub use spade::spade_norm;
pub use standardize::standardize;
pub use statistics::Statistics;
pub use stddev::minibatch_stddev;
