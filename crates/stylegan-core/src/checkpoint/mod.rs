//! Checkpoints: one safetensors file with networks, their configurations and where they come from.
//!
//! Tensor keys are a prefix and a module path: [`prefix`] has those of networks, `opt_g.m.`,
//! `opt_g.v.`, `opt_d.m.`, `opt_d.v.` for Adam's moments. [`save`] writes atomically and the same
//! bytes for the same input; [`Checkpoint::open`] checks everything it can before it takes memory.

mod format;
mod infer;
mod metadata;
pub mod prefix;
mod write;

pub use format::Checkpoint;
pub(crate) use format::{kind_of, text_instead};
pub(crate) use infer::assumed_of;
pub use infer::infer_generator;
pub(crate) use metadata::{ASSUMED, LOD, NO_CLASS};
pub use metadata::{FORMAT, FORMAT_VERSION, Kind, Metadata};
pub use write::{encode, save};
