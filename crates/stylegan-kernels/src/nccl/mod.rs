//! Exchange between GPUs by NVIDIA's NCCL: the calls that no safe interface offers with an end to waiting.
//!
//! The driver's library and NCCL's are loaded when they are first used: what is built with the feature `nccl`
//! compiles and starts without them, and with the feature `cuda` as well, which links the driver's. Every exchange
//! has ended, one way or another, when its function returns, so that no memory is freed while the GPU still writes
//! to it.

mod buffer;
mod gpu;
mod group;
mod library;
#[cfg(feature = "cuda")]
mod rows;

pub use buffer::Buffer;
pub use group::{Group, Id, Patience, new_id};
