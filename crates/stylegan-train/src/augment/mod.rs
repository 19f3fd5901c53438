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
//! What differs from the official program: an image's mirror margins are its own, where there all
//! images of a batch have the largest, so that an image depends on its batch mates (with 1000 batches at
//! `p = 1` by 1e-4 at most, along the edges, of images of variance 1; the recorded cases of the original
//! are met to the rounding of their f32). What stays as it is, is not resampled. And other channel counts than 1
//! and 3 are taken: of two channels the first is grey, of four or more the first three are red, green and
//! blue; colours change these alone, everything else changes all channels.

mod color;
mod controller;
mod corruption;
mod filter;
mod geometry;
mod numbers;
mod pipeline;
mod settings;
mod shard;
#[cfg(test)]
mod statistics;

pub use controller::Controller;
pub use numbers::{Gated, Numbers};
pub use pipeline::Augmentation;
pub use settings::{AugmentConfig, Heuristic, Pipe};
pub use shard::ShardAugment;
