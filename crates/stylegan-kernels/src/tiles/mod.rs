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
mod precision;
mod product;
mod twin;

pub(crate) use bf16::{Pairs, split_pairs};
pub use precision::Precision;
pub(crate) use product::{Blocks, Engine, Operands, Steps};

/// Pixels, pairs of inputs, and outputs of a tile.
pub(crate) const SIDE: usize = 16;

/// Whether the processor multiplies tiles of bf16 numbers (AMX-BF16), and the system lets this process do it.
pub fn available() -> bool {
    Engine::best() != Engine::Twin
}
