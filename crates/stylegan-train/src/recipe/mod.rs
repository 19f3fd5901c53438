//! The systems that are trained, a folder each.

pub mod classifier;
pub mod gan;
