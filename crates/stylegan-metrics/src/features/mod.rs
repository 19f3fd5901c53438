//! Feature networks: what a metric looks at pictures with.

mod inception;
mod lpips;
mod perceptual;
mod pool;
mod stlpips;
mod weights;

pub use inception::{Activations, Inception, Preparation};
pub use lpips::{Lpips, Trunk};
pub(crate) use pool::{box_downscale, box_factor};
pub use stlpips::StLpips;
pub use weights::Weights;

use crate::Result;
use candle_core::Tensor;

/// A network that turns a picture into one vector, for distances between sets of pictures.
pub trait FeatureNetwork: Send + Sync {
    /// The short name that ends up in the metric's name, such as `stlpips`.
    fn name(&self) -> &str;

    /// SHA-256 of the weights, hexadecimal.
    fn hash(&self) -> &str;

    /// What the vector is, in one sentence, with everything that changes its value.
    fn definition(&self) -> &str;

    /// Length of the vector.
    fn dim(&self) -> usize;

    /// `[n, dim]` f32 features of `images` `[n, 3, h, w]` f32 in [-1, 1]. Each row depends on its
    /// own picture alone.
    ///
    /// # Errors
    /// Images of another shape, or smaller than the network can see.
    fn features(&self, images: &Tensor) -> Result<Tensor>;
}

/// A network that says how different two pictures look, for path lengths.
pub trait PerceptualDistance: Send + Sync {
    /// The short name that ends up in the metric's name, such as `stlpips`.
    fn name(&self) -> &str;

    /// SHA-256 of the weights, hexadecimal.
    fn hash(&self) -> &str;

    /// What the distance is, in one sentence, with everything that changes its value.
    fn definition(&self) -> &str;

    /// `[n]` f32 distances between `a` and `b`, both `[n, 3, h, w]` f32 about [-1, 1].
    ///
    /// # Errors
    /// Images of another shape, of different shapes, or smaller than the network can see.
    fn distance(&self, a: &Tensor, b: &Tensor) -> Result<Tensor>;
}
