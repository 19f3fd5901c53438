//! Convolutions by Winograd's minimal filtering (Lavin and Gray 2016): tiles of 4x4 outputs of a
//! channel pair take 36 multiplications instead of 144 with 3x3 taps and stride 1 ([`F4x3`]), and 81
//! (100) instead of 144 (256) with 3x3 (4x4) taps and stride 2 ([`F4x2`]).
//!
//! Filters and input patches are transformed to points; for each point, a matrix product over the
//! channels takes the place of the convolution; the results of a tile are transformed to output
//! pixels. The largest error stays near 2e-6 of the largest output at 512 channels. A value that
//! is not finite reaches every output of its tiles, so at least those that depend on it.

mod border;
mod finish;
mod forward;
mod stages;
mod tiles;
mod tiling;
mod transforms;
mod weight;

pub(super) use forward::forward;
pub(super) use tiling::f4x2_cost;
pub(super) use transforms::{F4x2, F4x3, Scheme};
pub(super) use weight::weight_gradient;
