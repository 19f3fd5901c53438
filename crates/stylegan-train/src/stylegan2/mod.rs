//! StyleGAN2's training step on one whole batch: the four phases of its loss with lazy
//! regularisation (StyleGAN2, section 3.1), without data sets, shards or files.
//!
//! [`PlainTrainer`] works in the element type of its parameters (f64 for checks) and is what the
//! benchmark times; [`phases`] are its losses as pure functions of the networks.

pub mod phases;
mod trainer;

pub use trainer::{LazyOptions, PlainTrainer};
