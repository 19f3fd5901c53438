//! Who is told how a run goes.

use crate::Result;
use crate::communicator::Communicator;
use crate::schedule::Stage;
use crate::stats::Stats;
use std::path::Path;
use stylegan_core::checkpoint::Checkpoint;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Generator steps done.
    pub step: u64,
    /// Real pictures shown to the discriminator.
    pub images: u64,
    /// Pictures that the run will show in all.
    pub total_images: u64,
    /// Pictures that the last checkpoint had seen which was measured; 0 before the first.
    pub measured: u64,
    /// Resolution, batch, learning rate.
    pub stage: Stage,
}

/// How good a checkpoint is.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// What was measured; only scores of the same are compared.
    pub metric: String,
    /// The smaller the better (a Fréchet distance, say).
    pub value: f64,
}

/// What was measured of a checkpoint.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// Metrics by name; they go to the logs, to TensorBoard as `Metrics/…`.
    pub numbers: Vec<(String, f64)>,
    /// How good it is, if one of them says so.
    pub score: Option<Score>,
}

/// Is told how a run goes, on the thread that trains; every method may be left out. Command lines
/// draw their progress bar here: the library itself never prints.
pub trait Observer {
    /// The run starts, or goes on, here.
    fn started(&mut self, _at: &Position) {}

    /// A step is done. `stats` are of the time since the last tick.
    fn stepped(&mut self, _at: &Position, _stats: &Stats) {}

    /// A line was written to `stats.jsonl`; `line` is the one of `log.txt`.
    fn ticked(&mut self, _at: &Position, _stats: &Stats, _line: &str) {}

    /// A sample grid was written.
    fn pictured(&mut self, _path: &Path) {}

    /// A checkpoint was written.
    fn saved(&mut self, _path: &Path) {}

    /// Whether the checkpoint that was written here is to be measured. Rank 0 is asked.
    fn is_to_be_measured(&mut self, _at: &Position) -> bool {
        false
    }

    /// Measures a checkpoint, on all ranks at a time. The answer of rank 0 is what was measured: the best one is
    /// never removed.
    ///
    /// # Errors
    /// An error ends the run, after the checkpoint.
    fn measure(&mut self, _checkpoint: &Checkpoint, _ranks: &dyn Communicator) -> Result<Measured> {
        Ok(Measured::default())
    }

    /// Something is odd; a sentence with advice.
    fn warned(&mut self, _sentence: &str) {}
}

/// Looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}
