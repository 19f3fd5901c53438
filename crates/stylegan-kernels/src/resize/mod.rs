//! Changes of resolution.

mod bilinear;
mod nearest;
mod pool;

pub use bilinear::resize_bilinear;
pub use nearest::{avg_pool_blocks, avg_pool2x, upsample_nearest, upsample_nearest2x};
pub use pool::avg_pool2d;
