//! Changes of resolution.

mod area;
mod bilinear;
mod max_pool;
mod nearest;
mod pool;

pub use area::resize_area;
pub use bilinear::resize_bilinear;
pub use max_pool::{Windows, max_pool2d};
use nearest::avg_pool_blocks;
pub use nearest::{avg_pool2x, upsample_nearest, upsample_nearest2x};
pub use pool::avg_pool2d;
