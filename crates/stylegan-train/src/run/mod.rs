//! A run between its steps: how it is opened, what it holds.
//!
//! [`turns`] is what a step does, [`reports`] what is written after it.

mod reports;
mod turns;

pub(crate) use reports::Occasion;

use crate::checkpoints::{self, Passed, Pruner};
use crate::communicator::{Communicator, Reduction};
use crate::config::TrainConfig;
use crate::data::Dataset;
use crate::feed::{Feed, Plan};
use crate::folder::{self, RunFolder};
use crate::moves::{Move, Moves};
use crate::observer::{Observer, Position};
use crate::records::Records;
use crate::sampler::Sampler;
use crate::schedule::{Phase, Schedule};
use crate::snapshot::Snapshot;
use crate::state::{self, State};
use crate::stats::Stats;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// A run in progress.
pub(crate) struct Run<'a> {
    pub(crate) config: &'a TrainConfig,
    pub(crate) communicator: &'a dyn Communicator,
    pub(crate) state: State,
    observer: &'a mut dyn Observer,
    dataset: &'a Arc<Dataset>,
    schedule: Schedule,
    plan: Plan,
    feed: Feed,
    snapshot: Snapshot,
    records: Option<Records>,
    folder: &'a Path,
    tick_started: (Instant, u64),
    /// Seconds of each turn since the last tick.
    timings: Stats,
    pruner: Pruner,
    /// The last checkpoint, and the pictures seen until then.
    saved: Option<(u64, PathBuf)>,
    /// A checkpoint that was due could not be written.
    save_again: bool,
}

impl<'a> Run<'a> {
    /// A new run in a folder without one.
    pub(crate) fn start(
        config: &'a TrainConfig,
        dataset: &'a Arc<Dataset>,
        folder: &'a RunFolder,
        communicator: &'a dyn Communicator,
        observer: &'a mut dyn Observer,
    ) -> Result<Self> {
        if let Some(found) = checkpoints::list(folder.path())?.first() {
            let found = found.file_name().unwrap_or_default().to_string_lossy();
            return Err(Error::Run {
                folder: folder.path().into(),
                problem: format!("holds a run already ({found}); resume it, or choose another folder"),
            });
        }
        Self::open(config, dataset, folder, communicator, observer, (State::new(config)?, None))
    }

    /// The run that a folder holds.
    pub(crate) fn resume(
        config: &'a TrainConfig,
        dataset: &'a Arc<Dataset>,
        folder: &'a RunFolder,
        communicator: &'a dyn Communicator,
        observer: &'a mut dyn Observer,
    ) -> Result<Self> {
        let hash = dataset.hash()?;
        let (found, passed) = checkpoints::newest(folder.path(), |metadata| state::fits(config, hash, metadata))?;
        let Some(checkpoint) = found else {
            let problem = match (passed.iter().find(|file| !file.damaged), passed.first()) {
                (_, None) => return Self::start(config, dataset, folder, communicator, observer),
                (Some(Passed { why, .. }), _) => format!("cannot be gone on with: {why}"),
                (None, Some(Passed { why, .. })) => {
                    format!("has no whole checkpoint ({why}); start anew in another folder")
                }
            };
            return Err(Error::Run { folder: folder.path().into(), problem });
        };
        for Passed { path, why, damaged } in passed {
            let aside = if damaged { checkpoints::move_aside(&path).ok() } else { None };
            let aside = aside.map_or_else(String::new, |aside| format!(" (now {})", aside.display()));
            observer.warned(&format!("{why}{aside}; going on from {}", checkpoint.path().display()));
        }
        let metadata = checkpoint.metadata();
        if let Some(sentence) = metadata.and_then(state::other_machine) {
            observer.warned(&sentence);
        }
        let state = State::load(config, &checkpoint)?;
        Self::open(config, dataset, folder, communicator, observer, (state, Some(checkpoint.path().to_owned())))
    }

    /// A run from a state, and the checkpoint that it is from.
    fn open(
        config: &'a TrainConfig,
        dataset: &'a Arc<Dataset>,
        folder: &'a RunFolder,
        communicator: &'a dyn Communicator,
        observer: &'a mut dyn Observer,
        (state, checkpoint): (State, Option<PathBuf>),
    ) -> Result<Self> {
        stylegan_kernels::memory::keep_freed();
        stylegan_kernels::threads::keep_candle_on_its_thread();
        check_pictures(config, dataset)?;
        // Checkpoints need it, also when a picture has vanished meanwhile; what cannot be read is found now.
        dataset.hash()?;
        let generator = state.players.g_average();
        let schedule = Schedule::new(config, config.resolution()?, generator.spec().max_lod);
        let snapshot = Snapshot::new(config.seed, generator, dataset)?;
        let images = state.progress.images;
        let leads = communicator.rank() == 0;
        let path = folder.path();
        let records = if leads {
            stylegan_core::sweep(path);
            stylegan_core::write_file(path.join(folder::CONFIG), config.to_toml()?.as_bytes())?;
            Some(Records::open(path, state.progress.reported)?)
        } else {
            None
        };
        let rank = (communicator.rank(), communicator.world_size());
        let plan = Plan { schedule: schedule.clone(), moves: Moves::new(config), rank };
        let sampler = Sampler::new(config.seed, dataset.len(), config.data.mirror);
        let feed = Feed::new(dataset, sampler, &plan, state.place(), 2 * config.shards.at_once);
        let run = Self {
            config,
            communicator,
            observer,
            dataset,
            schedule,
            plan,
            feed,
            snapshot,
            records,
            folder: path,
            tick_started: (Instant::now(), images),
            timings: Stats::default(),
            pruner: Pruner { keep: config.output.keep_checkpoints, whole: checkpoint.iter().cloned().collect() },
            saved: checkpoint.map(|path| (images, path)),
            save_again: false,
            state,
        };
        if leads && images == 0 {
            run.snapshot.write_reals(dataset, &path.join("reals.png"))?;
            let lod = run.phase().lod;
            run.snapshot.write_fakes(run.state.players.g_average(), lod, &path.join("fakes-init.png"))?;
        }
        let position = run.position();
        run.observer.started(&position);
        Ok(run)
    }

    /// What holds for a step that begins after so many pictures.
    pub(crate) fn phase_at(&self, images: u64) -> Phase {
        self.schedule.at(images)
    }

    /// What holds for the next step.
    pub(crate) fn phase(&self) -> Phase {
        self.schedule.at(self.state.progress.images)
    }

    /// What the next step does, in order.
    pub(crate) fn moves(&self) -> Vec<Move> {
        self.plan.moves.at(self.state.progress.step)
    }

    /// Whether all pictures were shown, and the step that showed the last is done.
    pub(crate) fn finished(&self) -> bool {
        self.state.progress.partial.is_none() && self.state.progress.images >= images_of(self.config.kimg)
    }

    /// Whether any rank was asked to stop; all ranks get the same answer.
    pub(crate) fn all_agree_to_stop(&self, asked: bool) -> Result<bool> {
        let mut flag = [f64::from(u8::from(asked))];
        self.communicator.all_reduce_f64(&mut flag, Reduction::Max)?;
        Ok(flag[0] > 0.)
    }

    fn position(&self) -> Position {
        let progress = &self.state.progress;
        let (step, images) = (progress.step, progress.images);
        Position { step, images, total_images: images_of(self.config.kimg), phase: self.phase() }
    }
}

fn images_of(kimg: f64) -> u64 {
    ((kimg * 1000.).round() as u64).max(1)
}

fn check_pictures(config: &TrainConfig, dataset: &Dataset) -> Result<()> {
    let ([h, w], c, c_dim) = config.picture_shape();
    let problem = |problem: String| Err(Error::Config { place: "the data set".into(), problem });
    let ([height, width], channels) = (dataset.image_size(), dataset.channels());
    if (height, width, channels) != (h, w, c) {
        return problem(format!(
            "has pictures of {width}x{height} pixels with {channels} channels, expected {w}x{h} with {c}; set \
             generator.img_size and generator.img_channels, or build the set at that size"
        ));
    }
    if c_dim > 0 && dataset.label_dim() != c_dim {
        return problem(format!(
            "has labels of width {}, expected generator.c_dim = {c_dim}; set it to the width of the labels, or to 0 to \
             train without",
            dataset.label_dim()
        ));
    }
    Ok(())
}
