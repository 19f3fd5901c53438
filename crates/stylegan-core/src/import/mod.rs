//! Foreign weights: the names and layouts of other programs' checkpoints.

pub mod layouts;
