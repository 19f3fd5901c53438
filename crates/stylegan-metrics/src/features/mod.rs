//! Feature networks: what a metric looks at pictures with.

mod arcface;
mod classifier;
mod hed;
mod inception;
mod inception_names;
mod lpips;
mod map_judge;
mod network_id;
mod networks;
mod per_plane;
mod perceptual;
mod pool;
mod resize;
mod stlpips;
mod torch_names;
mod truths;
mod vgg;
mod vgg19;
mod weights;

pub use arcface::ArcFace;
pub use classifier::Classifier;
pub use hed::HedVgg16;
pub use inception::{Activations, Inception, Preparation};
pub use lpips::{Lpips, Trunk};
pub use map_judge::{MapJudge, MapOf};
pub use network_id::NetworkId;
pub use networks::FeatureNetworks;
pub(crate) use pool::{box_downscale, box_factor};
pub use resize::Resize;
pub use stlpips::StLpips;
pub use truths::{TruthOf, Truths};
pub use vgg::Vgg16;
pub use vgg19::Vgg19;
pub use weights::Weights;

use crate::{Error, Result};
use candle_core::Tensor;

/// What a metric that needs classes is missing.
pub(crate) const KNOWS_CLASSES: &str =
    "a feature network that knows classes (Inception: --features FILE, docs/metrics.md)";

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

    /// Whether pictures of any size become one size first, so that sets of different sizes can be
    /// compared.
    fn any_size(&self) -> bool {
        false
    }

    /// Whether [`Self::class_logits`] gives some.
    fn knows_classes(&self) -> bool {
        false
    }

    /// Class logits `[n, classes]` of `features` `[n, dim]`, as the Inception Score takes them.
    ///
    /// # Errors
    /// A network that knows no classes.
    fn class_logits(&self, _features: &Tensor) -> Result<Tensor> {
        Err(Error::Missing { metric: "class logits".into(), missing: KNOWS_CLASSES })
    }
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

    /// What of `images` `[n, 3, h, w]` f32 about [-1, 1] the distance compares: activations `[n, c, h', w']`. A
    /// gradient goes back to the images.
    ///
    /// # Errors
    /// Images of another shape, or smaller than the network can see.
    fn activations(&self, images: &Tensor) -> Result<Vec<Tensor>>;

    /// `[n]` f32 distances between pictures with these [`activations`](Self::activations), for losses: a gradient goes
    /// back to them, and those of a picture that stays need to be taken once.
    ///
    /// # Errors
    /// Activations of different shapes, or of another network.
    fn between(&self, a: &[Tensor], b: &[Tensor]) -> Result<Tensor>;
}
