//! Training of style-based generators: data, losses, schedules, shards and exact resume.
//!
//! * [`train`] and [`resume`] run a [`config::TrainConfig`] on a [`data::Dataset`] in a folder;
//! * [`schedule`], [`sampler`] and [`shards`] make a run a function of configuration, pictures and
//!   seed: growth, order and sums do not depend on threads, ranks or interruptions;
//! * [`players`] are generator and discriminator in their turns, [`losses`], [`optimizer`] and [`ema`]
//!   the arithmetic of a step;
//! * [`folder`] and [`checkpoints`] are what a run leaves on disk;
//! * [`observer`], [`stats`], [`tfevents`] and [`health`] say how a run goes;
//! * [`data`] reads sets of pictures (folders and ZIP files) and decodes ahead of the step;
//! * [`inversion`] finds the style of a picture;
//! * [`classifier`] learns a set's labels, for metrics that ask what a picture shows.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::{Arc, atomic::AtomicBool};
//! use stylegan_train::{RunFolder, communicator::Single, config::TrainConfig, data::Dataset, observer::Silent, train};
//!
//! let config = TrainConfig::from_file(Path::new("configs/avatars-32.toml"), &[])?;
//! let pictures = Arc::new(Dataset::open("avatars-32.zip")?);
//! let stop = AtomicBool::new(false);
//! let folder = RunFolder::open(Path::new("runs/faces"))?;
//! train(&config, &pictures, &folder, &Single, &mut Silent, &stop)?;
//! # Ok::<(), stylegan_train::Error>(())
//! ```

pub mod adversarial;
mod best;
pub mod checkpoints;
pub mod classifier;
pub mod communicator;
pub mod config;
pub mod data;
mod draws;
pub mod ema;
mod error;
mod feed;
pub mod folder;
pub mod health;
pub mod inversion;
mod r#loop;
pub mod losses;
mod moves;
mod networks;
pub mod observer;
pub mod optimizer;
pub mod players;
mod records;
mod run;
pub mod sampler;
pub mod schedule;
pub mod shards;
mod snapshot;
pub mod state;
pub mod stats;
pub mod tfevents;

pub use error::{Error, Result};
pub use folder::RunFolder;
pub use r#loop::{Outcome, resume, train};
pub use observer::{Measured, Observer, Score};
