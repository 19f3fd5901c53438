//! Training of style-based generators: data, losses, schedules, shards and exact resume.
//!
//! * a [`Session`] starts or resumes the run of a [`config::TrainConfig`] on a [`data::Dataset`] in a folder;
//! * [`schedule`], [`inputs`] and [`shards`] make a run a function of configuration, pictures and
//!   seed: growth, order and sums do not depend on threads, ranks or interruptions;
//! * [`recipe`] has a module per system that is trained, with its [`phase`]s; [`losses`] and [`optim`] are
//!   the arithmetic of a step;
//! * [`folder`] and [`checkpoints`] are what a run leaves on disk;
//! * [`observer`], [`stats`] and [`health`] say how a run goes;
//! * [`data`] reads sets of pictures (folders and ZIP files) and decodes ahead of the step;
//! * [`inversion`] finds the style of a picture.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::{Arc, atomic::AtomicBool};
//! use stylegan_train::{RunFolder, Session, communicator::Single, config::TrainConfig, data::Dataset, observer::Silent};
//!
//! let config = TrainConfig::from_file(Path::new("configs/avatars-32.toml"), &[])?;
//! stylegan_kernels::autodiff::start(config.shards.at_once)?; // before there are other threads
//! stylegan_kernels::memory::keep_freed();
//! stylegan_kernels::threads::keep_candle_on_its_thread();
//! let pictures = Arc::new(Dataset::open("avatars-32.zip")?);
//! let stop = AtomicBool::new(false);
//! let folder = RunFolder::open(Path::new("runs/faces"))?;
//! let session = Session {
//!     config: &config,
//!     dataset: &pictures,
//!     device: &candle_core::Device::Cpu,
//!     folder: &folder,
//!     communicator: &Single,
//!     observer: &mut Silent,
//!     stop: &stop,
//! };
//! session.start()?;
//! # Ok::<(), stylegan_train::Error>(())
//! ```
//!
//! The three calls at its beginning are the program's, as they concern the whole process; no number depends on them, but time
//! does: [`start`](stylegan_kernels::autodiff::start) makes the threads of as many gradient passes as run at a time,
//! [`keep_freed`](stylegan_kernels::memory::keep_freed) keeps the memory of one step for the next, and
//! [`keep_candle_on_its_thread`](stylegan_kernels::threads::keep_candle_on_its_thread) keeps candle from waiting in busy
//! loops.

pub mod augment;
mod best;
pub mod checkpoints;
pub mod communicator;
pub mod config;
pub mod data;
mod error;
pub mod folder;
pub mod health;
pub mod inputs;
pub mod inversion;
mod r#loop;
pub mod losses;
pub mod observer;
pub mod optim;
pub mod phase;
pub mod recipe;
mod run;
mod run_log;
pub mod sample_grid;
pub mod schedule;
mod session;
pub mod shards;
pub mod state;
pub mod stats;
mod variety;

pub use error::{Error, Result};
pub use folder::RunFolder;
pub use observer::{Measured, Observer, Score};
pub use session::{Outcome, Session};
