//! pixel2style2pixel (Richardson et al. 2021, <https://arxiv.org/abs/2008.00951>): encoders of pictures into the
//! style rows of a StyleGAN, and the face recognition network that compares identities.
//!
//! All rest on the IR-SE-50 network of ArcFace (Deng et al. 2019): 24 residual units with squeeze and excitation.

mod config;
mod encoder;
mod face;
mod head;
mod ir_se;

pub use config::{Head, PspConfig};
pub use encoder::{AVERAGE, PspEncoder};
pub use face::{FaceConfig, FaceNetwork};
pub(crate) use head::{FINE, GRID, MIDDLE};
pub(crate) use ir_se::STAGES;
