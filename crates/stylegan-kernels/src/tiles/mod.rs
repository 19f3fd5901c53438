//! Products of matrices of bf16 numbers with f32 sums, a tile at a time: on the tiles of the processor (AMX)
//! where it has them and the system lets this process use them, else by a twin in plain Rust that gives the
//! same bits.
//!
//! ```text
//!            left  [16 pixels][16 pairs of inputs]      a pair: two bf16 numbers, the even one low
//!     times  right [16 pairs of inputs][16 outputs]
//!     added to     [16 pixels][16 outputs]              f32
//! ```

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod bf16;
mod block;
mod engine;
mod precision;
mod twin;

pub(crate) use bf16::{Pairs, products, split_pairs};
pub(crate) use block::{Blocks, Operands, Steps};
pub(crate) use engine::Engine;
pub use engine::available;
pub use precision::Precision;

/// Pixels, pairs of inputs, and outputs of a tile.
pub(crate) const SIDE: usize = 16;
