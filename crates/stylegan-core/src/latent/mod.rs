//! Latent codes and style rows: random streams, published seeds, truncation, mixing, interpolation.

mod interpolation;
mod mixing;
mod numpy_seeds;
mod random;
mod truncation;

pub use interpolation::{arc, lerp, slerp};
pub use mixing::mix;
pub use numpy_seeds::{latents_from_seeds, numpy_randn};
pub use random::{Stream, StreamKey};
pub use truncation::truncate;
