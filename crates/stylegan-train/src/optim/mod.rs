//! How parameters move: Adam, and the average that follows them.

mod adam;
pub mod ema;

pub use adam::Adam;
