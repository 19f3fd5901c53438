//! A run between its iterations: what it holds.
//!
//! [`open`] is how it begins, [`step`] what an iteration does, [`maintenance`] what is written after it.

mod maintenance;
mod metered;
mod open;
mod step;

pub(crate) use maintenance::Occasion;

use crate::Result;
use crate::checkpoints::Pruner;
use crate::communicator;
use crate::inputs::plan::Plan;
use crate::inputs::prefetch::{Prefetch, Source};
use crate::observer::Position;
use crate::phase::{Action, due};
use crate::recipe::RunSettings;
use crate::run_log::RunLog;
use crate::sample_grid::SampleGrid;
use crate::schedule::Stage;
use crate::session::Session;
use crate::state::State;
use crate::stats::Stats;
use crate::variety::Variety;
use std::path::PathBuf;
use std::time::Instant;

/// A run in progress.
pub(crate) struct Run<'a> {
    pub(crate) session: Session<'a>,
    pub(crate) state: State,
    settings: RunSettings,
    plan: Plan,
    prefetch: Prefetch,
    /// Pictures that are never trained on.
    held_back: Option<Source>,
    /// For recipes that make pictures.
    grid: Option<SampleGrid>,
    /// For those whose pictures are of latents, on the rank that writes.
    variety: Option<Variety>,
    /// On the rank that writes.
    log: Option<RunLog>,
    tick_started: (Instant, u64),
    /// Seconds of each phase since the last tick.
    timings: Stats,
    pruner: Pruner,
    /// The last checkpoint, and the images seen until then; no number where it holds a step that was broken off.
    saved: Option<(Option<u64>, PathBuf)>,
    /// Images seen by the last checkpoint that was measured.
    measured: u64,
    /// A checkpoint that was due could not be written.
    save_again: bool,
}

impl Run<'_> {
    /// What holds for an iteration that begins after `images` images.
    pub(crate) fn stage_at(&self, images: u64) -> Stage {
        self.settings.schedule.at(images)
    }

    /// What holds for the next iteration.
    pub(crate) fn stage(&self) -> Stage {
        self.stage_at(self.state.progress.images)
    }

    /// The actions of the next iteration, in order.
    pub(crate) fn iteration(&self) -> Vec<Action> {
        due(&self.plan.iteration, self.state.progress.step)
    }

    /// Whether all images were shown, and the iteration that showed the last is done.
    pub(crate) fn finished(&self) -> bool {
        finished(&self.state, &self.settings)
    }

    /// Whether any rank was asked to stop; all ranks get the same answer.
    pub(crate) fn all_agree_to_stop(&self, asked: bool) -> Result<bool> {
        communicator::any(self.session.communicator, asked)
    }

    fn position(&self) -> Position {
        let progress = &self.state.progress;
        let (step, images, total_images) = (progress.step, progress.images, images_of(self.settings.schedule.kimg()));
        Position { step, images, total_images, measured: self.measured, stage: self.stage() }
    }
}

/// Whether a state is that of a run's end.
fn finished(state: &State, settings: &RunSettings) -> bool {
    state.progress.partial.is_none() && state.progress.images >= images_of(settings.schedule.kimg())
}

fn images_of(kimg: f64) -> u64 {
    ((kimg * 1000.).round() as u64).max(1)
}
