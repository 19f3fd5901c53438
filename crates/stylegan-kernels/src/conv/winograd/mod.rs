//! 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3): 36 multiplications for 16 outputs of a
//! channel pair instead of 144 (Lavin and Gray 2016).
//!
//! Filters and 6x6 input patches are transformed to 36 numbers each; for each of the 36, a matrix
//! product over the channels takes the place of the convolution; the 36 results of a tile are
//! transformed to 4x4 output pixels. The largest error stays near 2e-6 of the largest output at
//! 512 channels. A value that is not finite reaches every output of its tiles, so at least those
//! that depend on it.

mod forward;
mod stages;
mod tiles;
mod transforms;
mod weight;

pub(super) use forward::forward;
pub(super) use weight::weight_gradient;

/// Products per tile: 6x6.
const POINTS: usize = 36;
