//! The training loop.

use crate::Result;
use crate::inputs::plan::Place;
use crate::phase::Action;
use crate::run::{Occasion, Run};
use crate::session::{Outcome, Session};
use crate::state::Partial;
use std::sync::atomic::Ordering;

impl Session<'_> {
    /// Starts a run in the folder, which must not hold one yet.
    ///
    /// Writes `config.toml`, `log.txt`, `stats.jsonl`, TensorBoard events, `network-<kimg>.safetensors`
    /// and, for recipes that make pictures, `reals.png`, `fakes-init.png` and `fakes-<kimg>.png`.
    ///
    /// # Errors
    /// When the configuration does not fit the pictures, the folder holds a run, a file cannot be read
    /// or written, or training diverges (the last good checkpoint stays). On any error but divergence the
    /// state is saved once more; that a line, a picture or a checkpoint cannot be written on the way is
    /// only a warning to the observer.
    pub fn start(self) -> Result<Outcome> {
        drive(Run::start(self)?)
    }

    /// Goes on with the run in the folder from its newest whole checkpoint, or from the start if it has
    /// none yet; ends in the same bytes as a run without the break. The configuration is usually read
    /// from the folder's `config.toml`; another `kimg` makes the run longer or shorter.
    ///
    /// # Errors
    /// As [`start`](Self::start), and when seed, networks or data set differ from the checkpoint's, or
    /// there are checkpoints but none is whole.
    pub fn resume(self) -> Result<Outcome> {
        drive(Run::resume(self)?)
    }
}

fn drive(mut run: Run) -> Result<Outcome> {
    iterations(&mut run).map_err(|error| run.broken_off(error))
}

fn iterations(run: &mut Run) -> Result<Outcome> {
    while !run.finished() {
        // An iteration that an error broke off is gone on with after its last action.
        let Place { images: before, actions: done, .. } = run.state.place();
        let stage = run.stage_at(before);
        run.state.recipe.grow(&stage)?;
        for (i, action) in run.iteration().into_iter().enumerate().skip(done) {
            match action {
                Action::Phase(phase) => run.take_phase(&phase, &stage)?,
                Action::Advance => run.advance(&stage)?,
            }
            run.state.progress.partial = Some(Partial { actions: i + 1, began: before });
        }
        run.forget_if_grown_since(&stage)?;
        run.state.progress.partial = None;
        run.state.progress.step += 1;
        run.maintain(before)?;
        if run.all_agree_to_stop(run.session.stop.load(Ordering::Relaxed))? && !run.finished() {
            return Ok(Outcome::Interrupted { checkpoint: run.save(Occasion::Between)? });
        }
    }
    Ok(Outcome::Finished { checkpoint: run.finish()? })
}
