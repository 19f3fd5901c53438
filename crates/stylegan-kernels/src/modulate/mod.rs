//! Convolutions whose weights depend on a style.

mod conv;
mod planes;
mod rearrange;
mod resample;

pub use conv::{demodulation, modulated_conv2d};
pub use planes::{channel_scale, plane_dot};
pub(crate) use resample::after_transpose;
pub use resample::{Resample, conv2d_resample};
