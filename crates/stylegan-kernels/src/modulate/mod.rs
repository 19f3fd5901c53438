//! Convolutions whose weights depend on a style.

mod channel_scale;
mod conv;
#[cfg(feature = "cuda")]
mod cuda;
mod flip_transpose;
mod resample;

pub use channel_scale::{channel_scale, plane_dot};
pub use conv::{demodulation, modulated_conv2d};
pub(crate) use resample::after_transpose;
pub use resample::{Resample, conv2d_resample};
