//! Training of style-based generators: data, losses, schedules, shards and exact resume.
//!
//! * [`data`] reads sets of pictures (folders and ZIP files) and decodes ahead of the step;
//! * [`picture`] turns generated tensors into pictures, grids and PNG files.

pub mod communicator;
pub mod config;
pub mod data;
pub mod ema;
mod error;
mod feed;
pub mod health;
mod r#loop;
pub mod losses;
mod networks;
pub mod observer;
pub mod optimizer;
pub mod picture;
mod players;
mod records;
pub mod resources;
mod run;
pub mod sampler;
pub mod schedule;
pub mod shards;
mod snapshot;
pub mod state;
pub mod stats;
pub mod stylegan2;
pub mod tfevents;

pub use error::{Error, Result};
pub use r#loop::{Outcome, resume, train};
pub use observer::Observer;
