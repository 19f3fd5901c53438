//! Optimiser steps, weight averages and gradient sums: single passes over memory, in place.
//!
//! Each element is computed by itself, so results do not depend on the number of threads.

mod adam;
mod in_place;

pub use adam::{AdamOptions, adam_step};
pub use in_place::{add_into, ema_step, nan_to_num};
