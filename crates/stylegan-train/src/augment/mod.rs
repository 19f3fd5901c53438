//! Adaptive discriminator augmentation (Karras et al. 2020, "Training Generative Adversarial Networks
//! with Limited Data"): everything the discriminator sees, real or generated, is changed at random with
//! probability `p`, and `p` follows how far the discriminator has learned the set by heart.
//!
//! ```text
//! (seed, purpose, step, sample) ─ Numbers ─┬─ geometry: one affine map    ┐
//!                  p, AugmentConfig ───────┼─ color: one matrix           ├─ Augmentation: images -> images
//!                                          ├─ filter: one separable filter│
//!                                          └─ corruption: noise, a hole   ┘
//! signs of the logits of real images ─ Controller ─ p
//! ```
//!
//! An [`Augmentation`] is linear in the images (but for added noise and colour), and its derivatives are
//! operations of `stylegan_kernels::augment`: R1 is taken with respect to images before it. Metrics,
//! sample grids and averages never see it.
//!
//! What differs from the official program: images of a batch do not share their margins (there the
//! largest of the batch is given to all, so that the last pixels along an edge depend on the batch
//! mates), what stays as it is is not resampled, and pictures of other channel counts than 1 and 3 are
//! taken: of two channels the first is grey, of four or more the first three are red, green and blue;
//! colours change these alone, everything else changes all channels.

mod color;
mod controller;
mod corruption;
mod filter;
mod geometry;
mod numbers;
mod pipeline;
mod settings;

pub use controller::Controller;
pub use numbers::{Gated, Numbers};
pub use pipeline::Augmentation;
pub use settings::{AugmentConfig, Pipe};
