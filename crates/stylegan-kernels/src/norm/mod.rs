//! Normalisations: per instance with a style, per pixel, and the minibatch standard deviation.

mod instance;
mod pixel;
mod stddev;

pub use instance::instance_style;
pub use pixel::pixel_norm;
pub use stddev::minibatch_stddev;
