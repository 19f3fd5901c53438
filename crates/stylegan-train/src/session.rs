//! A session of training: a run's configuration, its pictures, its folder, and who works on it.

use crate::communicator::Communicator;
use crate::data::Dataset;
use crate::folder::RunFolder;
use crate::observer::Observer;
use crate::recipe::RunConfig;
use candle_core::Device;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// All that a run needs from outside. [`start`](Self::start) begins one, [`resume`](Self::resume) goes
/// on with one.
pub struct Session<'a> {
    /// What is trained, and how.
    pub config: &'a dyn RunConfig,
    /// The pictures.
    pub dataset: &'a Arc<Dataset>,
    /// What networks compute on. Where a run is gone on with may be another device, to other bits.
    pub device: &'a Device,
    /// Where the run is written.
    pub folder: &'a RunFolder,
    /// The ranks that train together.
    pub communicator: &'a dyn Communicator,
    /// Who is told how it goes.
    pub observer: &'a mut dyn Observer,
    /// Set it from any thread to have the iteration finished and the state saved.
    pub stop: &'a AtomicBool,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All pictures of the configuration were shown.
    Finished {
        /// The last checkpoint.
        checkpoint: PathBuf,
    },
    /// The caller asked to stop; [`Session::resume`] goes on from here, bit for bit.
    Interrupted {
        /// The checkpoint written on the way out.
        checkpoint: PathBuf,
    },
}
