//! How a run begins: anew, or from its newest checkpoint.

use super::{Run, finished};
use crate::checkpoints::{self, Passed, Pruner};
use crate::folder;
use crate::inputs::order::Order;
use crate::inputs::plan::Plan;
use crate::inputs::prefetch::{Prefetch, Source};
use crate::recipe::RunSettings;
use crate::run_log::{Known, RunLog};
use crate::sample_grid::SampleGrid;
use crate::session::Session;
use crate::state::{self, State};
use crate::stats::Stats;
use crate::{Error, Result};
use std::path::PathBuf;
use std::time::Instant;

impl<'a> Run<'a> {
    /// A new run in a folder without one.
    pub(crate) fn start(session: Session<'a>) -> Result<Self> {
        let folder = session.folder.path();
        if let Some(found) = checkpoints::list(folder)?.first() {
            let found = found.file_name().unwrap_or_default().to_string_lossy();
            return Err(Error::Run {
                folder: folder.into(),
                problem: format!("holds a run already ({found}); resume it, or choose another folder"),
            });
        }
        let settings = session.config.settings(session.dataset)?;
        let state = State::new(session.config, session.dataset)?;
        Self::open(session, settings, state, None)
    }

    /// The run that a folder holds.
    pub(crate) fn resume(session: Session<'a>) -> Result<Self> {
        let folder = session.folder.path();
        let settings = session.config.settings(session.dataset)?;
        let hash = session.dataset.hash()?;
        let (found, passed) = checkpoints::newest(folder, |metadata| state::fits(&settings, hash, metadata))?;
        let Some(checkpoint) = found else {
            let problem = match (passed.iter().find(|file| !file.damaged), passed.first()) {
                (_, None) => return Self::start(session),
                (Some(Passed { why, .. }), _) => format!("cannot be gone on with: {why}"),
                (None, Some(Passed { why, .. })) => {
                    format!("has no whole checkpoint ({why}); start anew in another folder")
                }
            };
            return Err(Error::Run { folder: folder.into(), problem });
        };
        for Passed { path, why, damaged } in passed {
            let leads = session.communicator.rank() == 0;
            let aside = if damaged && leads { checkpoints::move_aside(&path).ok() } else { None };
            let aside = aside.map_or_else(String::new, |aside| format!(" (now {})", aside.display()));
            session.observer.warned(&format!("{why}{aside}; going on from {}", checkpoint.path().display()));
        }
        if let Some(sentence) = checkpoint.metadata().and_then(state::other_machine) {
            session.observer.warned(&sentence);
        }
        let state = State::load(session.config, session.dataset, &checkpoint)?;
        Self::open(session, settings, state, Some(checkpoint.path().to_owned()))
    }

    /// A run from a state, and the checkpoint that it is from.
    fn open(session: Session<'a>, settings: RunSettings, state: State, from: Option<PathBuf>) -> Result<Self> {
        let (dataset, path) = (session.dataset, session.folder.path());
        let ranks = session.communicator.world_size();
        if settings.whole_batch && ranks > 1 {
            return Err(Error::Config {
                place: "the generator's batch normalisation".into(),
                problem: format!(
                    "looks at the whole batch, which {ranks} ranks cannot share; start one, or a configuration with \
                     generator.norm = \"instance\""
                ),
            });
        }
        // Checkpoints need it, also when a picture has vanished meanwhile; what cannot be read is found now.
        dataset.hash()?;
        let images = state.progress.images;
        let leads = session.communicator.rank() == 0;
        let log = if leads {
            stylegan_core::sweep(path);
            stylegan_core::write_file(path.join(folder::CONFIG), settings.toml.as_bytes())?;
            // A run that is done wrote its last tick after its last checkpoint.
            let done = finished(&state, &settings);
            Some(RunLog::open(path, Known { ticked: if done { images } else { state.progress.reported }, images })?)
        } else {
            None
        };
        let grid = state.recipe.grid().map(|grid| SampleGrid::new(settings.seed, grid.by_class(), dataset));
        let plan = Plan {
            schedule: settings.schedule.clone(),
            iteration: state.recipe.iteration(),
            rank: (session.communicator.rank(), session.communicator.world_size()),
        };
        let count = settings.pictures.as_ref().map_or(dataset.len(), |pictures| pictures.len());
        let source = Source {
            order: Order::new(settings.seed, count, settings.mirror),
            pictures: settings.pictures.clone(),
            maps: settings.maps,
        };
        let prefetch = Prefetch::new(dataset, source, &plan, state.place(), 2 * settings.at_once);
        let run = Self {
            plan,
            prefetch,
            grid,
            log,
            tick_started: (Instant::now(), images),
            timings: Stats::default(),
            pruner: Pruner { keep: settings.output.keep_checkpoints, whole: from.iter().cloned().collect() },
            saved: from.map(|path| (images, path)),
            save_again: false,
            session,
            state,
            settings,
        };
        if let (Some(grid), Some(images), true) = (&run.grid, run.state.recipe.grid(), leads && images == 0) {
            grid.write_reals(dataset, &path.join("reals.png"))?;
            grid.write_fakes(images, dataset, run.stage().lod, &path.join("fakes-init.png"))?;
        }
        let position = run.position();
        run.session.observer.started(&position);
        Ok(run)
    }
}
