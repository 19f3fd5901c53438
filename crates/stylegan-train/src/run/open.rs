//! How a run begins: anew, or from its newest checkpoint.

use super::{Run, finished, images_of};
use crate::checkpoints::{self, Passed, Pruner};
use crate::communicator::{self, Communicator};
use crate::data::BatchMaps;
use crate::folder;
use crate::inputs::order::Order;
use crate::inputs::plan::Plan;
use crate::inputs::prefetch::{Prefetch, Source};
use crate::recipe::RunSettings;
use crate::run_log::{Known, RunLog};
use crate::sample_grid::{GridImages, SampleGrid};
use crate::session::Session;
use crate::state::{self, State};
use crate::stats::Stats;
use crate::variety::Variety;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::latent::StreamKey;
use stylegan_kernels::cpu_info::kernels_of;

/// What to do about ranks that do not begin alike.
const BEGIN_ALIKE: &str =
    "all ranks need the same program, pictures and settings, and processors of one kind, to compute the same";

impl<'a> Run<'a> {
    /// A new run in a folder without one.
    pub(crate) fn start(session: Session<'a>) -> Result<Self> {
        let folder = session.folder.path();
        let empty = leads(&session).then(|| check_empty(folder)).transpose();
        communicator::agree(session.communicator, empty)?;
        let settings = settings(&session)?;
        let state = State::new(session.config, session.dataset, session.device)?;
        Self::open(session, settings, state, None)
    }

    /// The run that a folder holds. Rank 0 reads its checkpoint, the others get it from there.
    pub(crate) fn resume(mut session: Session<'a>) -> Result<Self> {
        let settings = settings(&session)?;
        let found = if leads(&session) { newest(&mut session, &settings) } else { Ok(None) };
        let Some(checkpoint) = share(session.communicator, communicator::agree(session.communicator, found)?)? else {
            return Self::start(session);
        };
        if let Some(sentence) = checkpoint.metadata().and_then(|about| state::other_machine(about, session.device)) {
            session.observer.warned(&sentence);
        }
        if let Some(sentence) = state::other_precision(&checkpoint, &settings) {
            session.observer.warned(&sentence);
        }
        let loaded = State::load(session.config, session.dataset, &checkpoint, session.device);
        let (state, mut said) = communicator::agree(session.communicator, loaded)?;
        said.extend(smaller(&state, &settings, checkpoint.path()));
        said.iter().for_each(|sentence| session.observer.warned(sentence));
        Self::open(session, settings, state, Some(checkpoint.path().to_owned()))
    }

    /// A run from a state, and the checkpoint that it is from.
    fn open(session: Session<'a>, settings: RunSettings, state: State, from: Option<PathBuf>) -> Result<Self> {
        let (dataset, path) = (session.dataset, session.folder.path());
        communicator::agree(session.communicator, check_ranks(&settings, session.communicator.world_size()))?;
        let images = state.progress.images;
        let leads = leads(&session);
        let open_log = || {
            stylegan_core::sweep(path);
            stylegan_core::write_file(path.join(folder::CONFIG), settings.toml.as_bytes())?;
            // A run that is done wrote its last tick after its last checkpoint.
            let done = finished(&state, &settings);
            RunLog::open(path, Known { ticked: if done { images } else { state.progress.reported }, images })
        };
        let log = communicator::agree(session.communicator, leads.then(open_log).transpose())?;
        let grid = state.recipe.grid().map(|grid| SampleGrid::new(settings.seed, grid.by_class(), dataset));
        let watched = grid.as_ref().filter(|_| leads && state.recipe.grid().is_some_and(GridImages::of_latents));
        let variety = watched.map(|grid| Variety::new(grid, dataset)).transpose();
        let variety = communicator::agree(session.communicator, variety)?;
        let plan = Plan {
            schedule: settings.schedule.clone(),
            iteration: state.recipe.iteration(),
            rank: (session.communicator.rank(), session.communicator.world_size()),
        };
        let source = |pictures: Option<Arc<[usize]>>, maps| {
            let count = pictures.as_ref().map_or(dataset.len(), |pictures| pictures.len());
            let order = Order::new(settings.seed, count, settings.mirror);
            Source { order, pictures, corners: StreamKey::new(settings.seed, "crop", 0), maps }
        };
        let trained = source(settings.pictures.clone(), settings.maps);
        let held_back = settings.held_back.clone().map(|pictures| source(Some(pictures), BatchMaps::None));
        let ahead = (2 * settings.at_once, state.recipe.sees_on());
        let prefetch = Prefetch::new(dataset, trained, &plan, state.place(), ahead);
        let whole = state.progress.partial.is_none().then_some(images);
        let run = Self {
            plan,
            prefetch,
            held_back,
            grid,
            variety,
            tick_started: (Instant::now(), images),
            timings: Stats::default(),
            pruner: Pruner { keep: settings.output.keep_checkpoints, whole: from.iter().cloned().collect() },
            saved: from.map(|path| (whole, path)),
            measured: log.as_ref().map_or(0, RunLog::measured),
            save_again: false,
            log,
            session,
            state,
            settings,
        };
        let first_grids = || match (&run.grid, run.state.recipe.grid()) {
            (Some(grid), Some(images)) => {
                grid.write(&grid.reals(dataset)?, &path.join("reals.png"))?;
                let fakes = grid.fakes(images, dataset, run.stage().lod)?;
                grid.write(&fakes, &path.join("fakes-init.png")).map(|_| ())
            }
            _ => Ok(()),
        };
        let written = if leads && images == 0 { first_grids() } else { Ok(()) };
        communicator::agree(run.session.communicator, written)?;
        let position = run.position();
        run.session.observer.started(&position);
        Ok(run)
    }
}

fn leads(session: &Session) -> bool {
    session.communicator.rank() == 0
}

/// The settings of a run whose ranks begin alike.
fn settings(session: &Session) -> Result<RunSettings> {
    let own = session.config.settings(session.dataset).and_then(|settings| {
        // Checkpoints need it, also when a picture has vanished meanwhile; what cannot be read is found now.
        Ok((settings, session.dataset.hash()?))
    });
    let (settings, pictures) = communicator::agree(session.communicator, own)?;
    let things = [
        ("program (version)", env!("CARGO_PKG_VERSION")),
        ("kind of processor", kernels_of(session.device)),
        ("set of pictures (hash)", pictures),
        ("configuration", settings.decisive.as_str()),
    ];
    let things = things.map(|(name, value)| (name.to_owned(), value.to_owned()));
    communicator::same(session.communicator, &things, BEGIN_ALIKE)?;
    Ok(settings)
}

fn check_empty(folder: &Path) -> Result<()> {
    let Some(found) = checkpoints::list(folder)?.into_iter().next() else { return Ok(()) };
    let found = found.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Err(Error::Run {
        folder: folder.into(),
        problem: format!("holds a run already ({found}); resume it, or choose another folder"),
    })
}

/// The newest checkpoint of a run; `None` where there are none.
fn newest(session: &mut Session, settings: &RunSettings) -> Result<Option<Checkpoint>> {
    let folder = session.folder.path();
    let hash = session.dataset.hash()?;
    let (found, passed) = checkpoints::newest(folder, |metadata| state::fits(settings, hash, metadata))?;
    let Some(checkpoint) = found else {
        let problem = match (passed.iter().find(|file| !file.damaged), passed.first()) {
            (_, None) => return Ok(None),
            (Some(Passed { why, .. }), _) => format!("cannot be gone on with: {why}"),
            (None, Some(Passed { why, .. })) => {
                format!("has no whole checkpoint ({why}); start anew in another folder")
            }
        };
        return Err(Error::Run { folder: folder.into(), problem });
    };
    for Passed { path, why, damaged } in passed {
        let aside = if damaged { checkpoints::move_aside(&path).ok() } else { None };
        let aside = aside.map_or_else(String::new, |aside| format!(" (now {})", aside.display()));
        session.observer.warned(&format!("{why}{aside}; going on from {}", checkpoint.path().display()));
    }
    Ok(Some(checkpoint))
}

/// A word on networks of a checkpoint that smaller ones are to take the place of: the schedule is another one since.
fn smaller(state: &State, settings: &RunSettings, checkpoint: &Path) -> Option<String> {
    let stage = settings.schedule.at(state.place().images);
    let (found, next) = (state.recipe.resolution(&stage), stage.resolution);
    (next < found && !finished(state, settings)).then(|| {
        format!(
            "layers above {next} pixels are dropped: {} has networks of {found} pixels, and by schedule.stable_kimg the run \
             trains at {next} still; copy that file now to keep them",
            checkpoint.display()
        )
    })
}

/// The checkpoint that rank 0 has, on all ranks.
pub(super) fn share(communicator: &dyn Communicator, found: Option<Checkpoint>) -> Result<Option<Checkpoint>> {
    if communicator.world_size() == 1 {
        return Ok(found);
    }
    let bytes =
        communicator::broadcast(communicator, found.as_ref().map_or_else(Vec::new, |own| own.bytes().to_vec()))?;
    match found {
        None if !bytes.is_empty() => Ok(Some(Checkpoint::received("the checkpoint that rank 0 sent", bytes)?)),
        found => Ok(found),
    }
}

/// Refuses ranks that would never have a shard to handle.
fn check_ranks(settings: &RunSettings, ranks: usize) -> Result<()> {
    let last = settings.schedule.at(images_of(settings.schedule.kimg()));
    let shards = last.batch / last.shard.max(1);
    let problem = |place: &str, problem: String| Err(Error::Config { place: place.into(), problem });
    if ranks > 1 && settings.whole_batch {
        return problem(
            "batch normalisation",
            format!(
                "looks at the whole batch, which {ranks} ranks cannot share; start one, or a painter of maps with \
                 generator.norm = \"instance\""
            ),
        );
    }
    if ranks > shards {
        return problem(
            "shards.size",
            format!(
                "{} makes {shards} shards of a batch of {}, too few for {ranks} ranks; start at most {shards}, or set smaller \
                 shards",
                last.shard, last.batch
            ),
        );
    }
    Ok(())
}
