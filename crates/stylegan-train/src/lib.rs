//! Training of style-based generators: data, losses, schedules, shards and exact resume.
//!
//! * [`data`] reads sets of pictures (folders and ZIP files) and decodes ahead of the step;
//! * [`picture`] turns generated tensors into pictures, grids and PNG files.

pub mod data;
mod error;
pub mod picture;

pub use error::{Error, Result};
