//! Optimiser steps and weight averages: single passes over memory, in place.
//!
//! Each element is computed by itself, so results do not depend on the number of threads.

mod adam;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod ema;
mod ranger;

pub use adam::{AdamOptions, adam_step};
pub use ema::ema_step;
pub use ranger::{RangerOptions, ranger_step};
