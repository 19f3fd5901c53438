//! The training loop.

use crate::Result;
use crate::communicator::Communicator;
use crate::config::TrainConfig;
use crate::data::Dataset;
use crate::moves::Move;
use crate::observer::Observer;
use crate::run::Run;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All pictures of the configuration were shown.
    Finished {
        /// The last checkpoint.
        checkpoint: PathBuf,
    },
    /// The caller asked to stop; [`resume`] goes on from here, bit for bit.
    Interrupted {
        /// The checkpoint written on the way out.
        checkpoint: PathBuf,
    },
}

/// Starts a run in the folder `out`, which must not hold one yet.
///
/// Writes `config.toml`, `log.txt`, `stats.jsonl`, TensorBoard events, `reals.png`,
/// `fakes-init.png`, `fakes-<kimg>.png` and `network-<kimg>.safetensors`. Set `stop` from any
/// thread to have the step finished and the state saved.
///
/// # Errors
/// When the configuration does not fit the pictures, the folder holds a run, a file cannot be read
/// or written, or training diverges (the last good checkpoint stays).
pub fn train(
    config: &TrainConfig,
    dataset: &Arc<Dataset>,
    out: &Path,
    communicator: &dyn Communicator,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<Outcome> {
    drive(Run::start(config, dataset, out, communicator, observer)?, stop)
}

/// Goes on with the run in the folder `out` from its newest whole checkpoint, or from the start if
/// it has none yet; ends in the same bytes as a run without the break. `config` is usually read
/// from the folder's `config.toml`; another `kimg` makes the run longer or shorter.
///
/// # Errors
/// As [`train`], and when seed, networks or data set differ from the checkpoint's, or there are
/// checkpoints but none is whole.
pub fn resume(
    config: &TrainConfig,
    dataset: &Arc<Dataset>,
    out: &Path,
    communicator: &dyn Communicator,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<Outcome> {
    drive(Run::resume(config, dataset, out, communicator, observer)?, stop)
}

fn drive(mut run: Run, stop: &AtomicBool) -> Result<Outcome> {
    let outcome = steps(&mut run, stop);
    if let Err(error) = &outcome {
        run.communicator.abort(&error.to_string());
    }
    outcome
}

fn steps(run: &mut Run, stop: &AtomicBool) -> Result<Outcome> {
    while !run.finished() {
        let phase = run.phase();
        let before = run.state.progress.images;
        for next in run.moves() {
            match next {
                Move::Turn(turn) => run.take_turn(turn, &phase)?,
                Move::Average => run.average(&phase)?,
            }
        }
        run.state.progress.step += 1;
        if run.config.adam.reset_on_growth && run.phase().grew_since(&phase) {
            run.state.players.opt_g.reset()?;
            run.state.players.opt_d.reset()?;
        }
        run.report(before)?;
        if run.all_agree_to_stop(stop.load(Ordering::Relaxed))? && !run.finished() {
            return Ok(Outcome::Interrupted { checkpoint: run.save()? });
        }
    }
    Ok(Outcome::Finished { checkpoint: run.finish()? })
}
