//! The training loop.

use crate::Result;
use crate::communicator::Communicator;
use crate::config::TrainConfig;
use crate::data::Dataset;
use crate::folder::RunFolder;
use crate::inputs::prefetch::Place;
use crate::observer::Observer;
use crate::phase::Action;
use crate::run::{Occasion, Run};
use crate::state::Partial;
use std::path::PathBuf;
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
/// or written, or training diverges (the last good checkpoint stays). On any error but divergence the
/// state is saved once more; that a line, a picture or a checkpoint cannot be written on the way is
/// only a warning to the observer.
pub fn train(
    config: &TrainConfig,
    dataset: &Arc<Dataset>,
    out: &RunFolder,
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
    out: &RunFolder,
    communicator: &dyn Communicator,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<Outcome> {
    drive(Run::resume(config, dataset, out, communicator, observer)?, stop)
}

fn drive(mut run: Run, stop: &AtomicBool) -> Result<Outcome> {
    steps(&mut run, stop).map_err(|error| run.broken_off(error))
}

fn steps(run: &mut Run, stop: &AtomicBool) -> Result<Outcome> {
    while !run.finished() {
        // A step that an error broke off is gone on with after its last move.
        let Place { images: before, actions, .. } = run.state.place();
        let stage = run.stage_at(before);
        for (i, next) in run.iteration().into_iter().enumerate().skip(actions) {
            match next {
                Action::Phase(phase) => run.take_phase(phase, &stage)?,
                Action::Advance => run.average(&stage)?,
            }
            run.state.progress.partial = Some(Partial { actions: i + 1, began: before });
        }
        run.state.progress.partial = None;
        run.state.progress.step += 1;
        if run.config.adam.reset_on_growth && run.stage().grew_since(&stage) {
            run.state.gan.opt_g.reset()?;
            run.state.gan.opt_d.reset()?;
        }
        run.report(before)?;
        if run.all_agree_to_stop(stop.load(Ordering::Relaxed))? && !run.finished() {
            return Ok(Outcome::Interrupted { checkpoint: run.save(Occasion::Between)? });
        }
    }
    Ok(Outcome::Finished { checkpoint: run.finish()? })
}
