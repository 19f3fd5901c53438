//! Convolutions of any kernel and stride as matrix products whose patch matrix is never stored:
//! packing the right operand gathers pixels straight from the images, a cache-sized block at a time.
//!
//! The input gradient of a strided convolution falls into `stride²` phases, each an ordinary
//! convolution of stride 1 with every `stride`-th tap, so that no multiplication by zero is done.

mod correlate;
mod gather;
mod weight;

pub(super) use correlate::{forward, input_gradient};
pub(super) use weight::weight_gradient;

use crate::cpu::Vector;

/// Steps of the products per packed block.
const DEPTH: usize = 256;
/// Columns per packed block: with [`DEPTH`], what half a second-level cache holds.
const COLUMNS: usize = 256;
/// Panels of columns that a thread is not given fewer of for the sake of even work: all rows of the left operand pass them by.
const LEAST: usize = 4;

/// Whether a panel of the right operand takes no more than half a first-level cache, and is best kept there while all rows
/// of the left pass by.
const fn panel_stays<V: Vector>() -> bool {
    DEPTH * V::COLS * size_of::<V::Elem>() <= 16 << 10
}
