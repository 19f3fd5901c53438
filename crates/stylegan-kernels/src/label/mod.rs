//! Label maps: one class for each pixel, never spread out into channels of zeros and ones.

mod conv;
mod edges;
mod labels;

pub use conv::label_conv2d;
pub use edges::instance_edges;
pub use labels::Labels;
