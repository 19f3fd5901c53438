//! One table per foreign layout: where each of our parameters comes from.

pub mod genforce;
