//! What is written after an iteration: ticks, sample grids, checkpoints.

use super::open::share;
use super::{Run, images_of};
use crate::best::Best;
use crate::config::OutputConfig;
use crate::health::Verdict;
use crate::observer::Measured;
use crate::run_log::{METRICS, RunLog, STEP};
use crate::stats::Stats;
use crate::variety::{self, Variety};
use crate::{Error, Result, checkpoints, communicator};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_kernels::memory;

/// What to do about ranks that have come to hold different networks.
const HOLD_ALIKE: &str = "one of the machines computes or remembers wrongly (its memory, say): find out which, and go on \
                          from the last checkpoint without it";

/// What becomes of a line that could not be written.
const LATER: &str = "; it is written when there is room again";

impl Run<'_> {
    /// What is due after an iteration that began at `before` pictures: the line of a tick, a sample grid,
    /// a checkpoint.
    pub(crate) fn maintain(&mut self, before: u64) -> Result<()> {
        let now = self.state.progress.images;
        let due = |kimg: f64| now / images_of(kimg) > before / images_of(kimg);
        let position = self.position();
        self.session.observer.stepped(&position, &self.state.progress.stats);
        let OutputConfig { tick_kimg, snapshot_kimg, checkpoint_kimg, .. } = self.settings.output;
        let tick = due(tick_kimg);
        if tick {
            self.compare_ranks()?;
            self.tick()?;
        }
        let trained_until = Instant::now();
        if due(snapshot_kimg) {
            self.write_grid()?;
        }
        if due(checkpoint_kimg) || (tick && self.save_again) {
            let saved = self.save(Occasion::Scheduled).map(|_| ());
            self.tolerate(saved, "; training goes on, and it is tried again at the next tick")?;
        }
        // The pace of a tick is that of training alone.
        self.tick_started.0 += trained_until.elapsed();
        Ok(())
    }

    /// Makes a warning of a file that could not be written: no reason to end a run.
    fn tolerate(&mut self, written: Result<()>, what_then: &str) -> Result<()> {
        match written {
            Err(error) if error.is_unwritten() => self.session.observer.warned(&format!("{error}{what_then}")),
            other => return other,
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<()> {
        let position = self.position();
        let stats = std::mem::take(&mut self.state.progress.stats);
        self.state.progress.reported = position.images;
        let (started, images) = std::mem::replace(&mut self.tick_started, (Instant::now(), position.images));
        let kimg = (position.images - images) as f64 / 1000.;
        let seconds_per_kimg = if kimg > 0. { started.elapsed().as_secs_f64() / kimg } else { 0. };
        let verdict = self.state.progress.health.judge(&stats);
        if let Some(log) = &mut self.log {
            let mut line = stats.to_json();
            for (phase, seconds) in std::mem::take(&mut self.timings).iter() {
                line[phase] = json!({ "count": seconds.count, "mean": seconds.mean(), "std": seconds.std() });
            }
            let memory = memory::peak().unwrap_or_default() as f64 / f64::from(1 << 30);
            for (key, value) in [
                ("Progress/kimg", position.images as f64 / 1000.),
                (STEP, position.step as f64),
                ("Progress/lod", position.stage.lod),
                ("Progress/resolution", position.stage.resolution as f64),
                ("Progress/batch", position.stage.batch as f64),
                ("Progress/lr", position.stage.lr),
                ("Timing/sec_per_kimg", seconds_per_kimg),
                ("Resources/peak_memory_gib", memory),
            ] {
                line[key] = json!({ "count": 1., "mean": value, "std": 0. });
            }
            let mut written = log.stats(position.images, &line);
            let text = format!(
                "kimg {:<10.3} step {:<8} res {:<4} lod {:<5.2} batch {:<4} {} sec/kimg {:<8.2} memory {:.2} GiB",
                position.images as f64 / 1000.,
                position.step,
                position.stage.resolution,
                position.stage.lod,
                position.stage.batch,
                self.state.recipe.log_line(&stats),
                seconds_per_kimg,
                memory,
            );
            written = written.and(log.log(&text));
            self.session.observer.ticked(&position, &stats, &text);
            self.tolerate(written, LATER)?;
        }
        self.warn(&verdict)?;
        self.stop_because(verdict)
    }

    /// Says what is odd, also in the log.
    fn warn(&mut self, verdict: &Verdict) -> Result<()> {
        let (Some(log), Verdict::Odd(sentence)) = (&mut self.log, verdict) else { return Ok(()) };
        let written = log.log(&format!("kimg {:<10.3} {sentence}", self.state.progress.images as f64 / 1000.));
        self.session.observer.warned(sentence);
        self.tolerate(written, LATER)
    }

    /// Checks that all ranks hold the same: what they do from here on adds up to one run only then.
    fn compare_ranks(&self) -> Result<()> {
        let communicator = self.session.communicator;
        if communicator.world_size() == 1 {
            return Ok(());
        }
        communicator::same(communicator, &self.state.fingerprints()?, HOLD_ALIKE)
    }

    fn write_grid(&mut self) -> Result<()> {
        let (images, stage, dataset) = (self.state.progress.images, self.stage(), self.session.dataset);
        let path = self.grid_file();
        let (Some(log), Some(grid), Some(cells)) = (&mut self.log, &self.grid, self.state.recipe.grid()) else {
            return Ok(());
        };
        let fakes = grid.fakes(cells, dataset, stage.lod)?;
        let written = grid.write(&fakes, &path).and_then(|size| {
            self.session.observer.pictured(&path);
            log.picture(images, "fakes", size, &path)
        });
        let by_class = cells.by_class();
        self.tolerate(written, "")?;
        let resolution = self.state.recipe.resolution(&stage);
        let measure = |variety: &mut Variety| variety.measure(&fakes, resolution, self.session.device);
        match self.variety.as_mut().map(measure).transpose()? {
            Some(found) if found.get(variety::REAL).count > 0. => self.write_variety(&found, by_class),
            _ => Ok(()),
        }
    }

    /// Writes down how much the pictures of a grid differ, and says so where that is too little.
    fn write_variety(&mut self, found: &Stats, by_class: bool) -> Result<()> {
        let (Some(log), kimg) = (&mut self.log, self.state.progress.images as f64 / 1000.) else { return Ok(()) };
        let mut line = found.to_json();
        line["Progress/kimg"] = json!({ "count": 1., "mean": kimg, "std": 0. });
        let [fake, real] = [variety::FAKE, variety::REAL].map(|key| found.get(key).mean());
        let text = format!("kimg {kimg:<10.3} variety fake {fake:.4} real {real:.4}");
        let written = log.stats(self.state.progress.images, &line).and(log.log(&text));
        self.tolerate(written, LATER)?;
        let verdict = self.variety.as_mut().map(|variety| variety.judge(fake, real, by_class));
        self.warn(&verdict.unwrap_or(Verdict::Good))
    }

    fn grid_file(&self) -> PathBuf {
        self.session.folder.path().join(format!("fakes-{:06}.png", self.state.progress.images / 1000))
    }

    /// Writes a checkpoint, unless this very state is in one, has it measured where that is due, and removes
    /// those that are no longer kept.
    pub(crate) fn save(&mut self, occasion: Occasion) -> Result<PathBuf> {
        let outcome = self.write_checkpoint(occasion);
        // One rank writes; all must know whether it is to be tried again or measured, to meet there.
        let fresh = matches!(&outcome, Ok(Saved { fresh: true, .. }));
        let position = self.position();
        let measures = fresh
            && occasion == Occasion::Scheduled
            && !self.session.stop.load(Ordering::Relaxed)
            && self.session.observer.is_to_be_measured(&position);
        let unwritten = matches!(&outcome, Err(error) if error.is_unwritten());
        let both = vec![u8::from(unwritten) | u8::from(measures) << 1];
        let both = communicator::broadcast(self.session.communicator, both)?.first().copied().unwrap_or_default();
        self.save_again = both & 1 > 0;
        let Saved { path, .. } = outcome?;
        let measured = if both & 2 > 0 { self.measure(&path)? } else { Measured::default() };
        if fresh {
            self.keep_and_prune(&path, &measured)?;
        }
        Ok(path)
    }

    /// Has a checkpoint measured by all ranks, of which rank 0 alone has the file.
    fn measure(&mut self, path: &Path) -> Result<Measured> {
        self.measured = self.state.progress.images;
        let ranks = self.session.communicator;
        let own = self.log.is_some().then(|| Checkpoint::open(path).map_err(Error::from)).transpose();
        let checkpoint = share(ranks, communicator::agree(ranks, own)?)?;
        checkpoint.map_or(Ok(Measured::default()), |checkpoint| self.session.observer.measure(&checkpoint, ranks))
    }

    /// Saves without meeting the other ranks, who may not come.
    fn save_alone(&mut self) -> Result<PathBuf> {
        let Saved { path, fresh } = self.write_checkpoint(Occasion::Between)?;
        if fresh {
            self.keep_and_prune(&path, &Measured::default())?;
        }
        Ok(path)
    }

    /// Writes the present state, unless it is written already or this rank does not write. One that diverged since the
    /// last tick is an error: it must not take the place of a good one.
    fn write_checkpoint(&mut self, occasion: Occasion) -> Result<Saved> {
        let images = self.state.progress.images;
        if let Some((_, path)) = self.saved.as_ref().filter(|(saved, _)| *saved == Some(images)) {
            return Ok(Saved { path: path.clone(), fresh: false });
        }
        // The watch itself looks at whole ticks only.
        self.stop_because(self.state.progress.health.clone().judge(&self.state.progress.stats))?;
        if self.log.is_none() {
            return Ok(Saved { path: self.session.folder.path().join(checkpoints::name(images)), fresh: false });
        }
        let path = self.place(occasion);
        let written = self.log.as_mut().map_or(Ok(()), RunLog::sync);
        self.tolerate(written, "")?;
        self.state.save(&self.settings, self.session.dataset, &path)?;
        self.saved = Some((Some(images), path.clone()));
        self.session.observer.saved(&path);
        Ok(Saved { path, fresh: true })
    }

    /// Writes down what was measured of a new checkpoint, and removes old ones.
    fn keep_and_prune(&mut self, path: &Path, measured: &Measured) -> Result<()> {
        let written = self.write_numbers(&measured.numbers);
        self.tolerate(written, "")?;
        let folder = self.session.folder.path();
        if let Some(score) = &measured.score {
            let written = Best::keep(folder, Best::read(folder), path, score);
            self.tolerate(written, "")?;
        }
        let folder = self.session.folder.path();
        let best = Best::read(folder).map(|best| folder.join(best.checkpoint));
        let pruned = self.pruner.prune(folder, path, self.state.progress.images, best.as_deref());
        self.tolerate(pruned, "")
    }

    /// Writes what was measured of a checkpoint to the logs.
    fn write_numbers(&mut self, numbers: &[(String, f64)]) -> Result<()> {
        let Some(log) = self.log.as_mut().filter(|_| !numbers.is_empty()) else { return Ok(()) };
        let images = self.state.progress.images;
        let entry = |value: f64| json!({ "count": 1., "mean": value, "std": 0. });
        let mut line = json!({ "Progress/kimg": entry(images as f64 / 1000.) });
        let mut text = format!("kimg {:<10.3} measured", images as f64 / 1000.);
        for (name, value) in numbers {
            line[format!("{METRICS}{name}")] = entry(*value);
            text.push_str(&format!(" {name} {value:.4}"));
        }
        log.stats(images, &line)?;
        log.log(&text)
    }

    /// The file for the present state. What is saved on schedule takes the place of an older state of
    /// the same thousand unless that is the best so far, what is saved between takes nobody's place; a step that was
    /// broken off and is done now takes that of its half.
    fn place(&self, occasion: Occasion) -> PathBuf {
        let (images, folder) = (self.state.progress.images, self.session.folder.path());
        if let Some((None, half)) = &self.saved
            && checkpoints::images(half) == Some(images)
        {
            return half.clone();
        }
        let path = folder.join(checkpoints::name(images));
        let taken = match occasion {
            Occasion::Scheduled => Best::read(folder).is_some_and(|best| folder.join(&best.checkpoint) == path),
            Occasion::Between => path.exists(),
        };
        if taken && checkpoints::images(&path) != Some(images) {
            return folder.join(checkpoints::exact_name(images));
        }
        path
    }

    /// After an error: saves what there is, unless the numbers themselves are no good. Returns the
    /// error with a word on that.
    pub(crate) fn broken_off(&mut self, error: Error) -> Error {
        let good = !matches!(error, Error::Diverged { .. } | Error::Replicas { .. });
        let worth_it = self.log.is_some() && self.state.progress.images > 0 && good;
        let saved = if worth_it { self.save_alone().ok() } else { None };
        let error = match saved {
            Some(checkpoint) => Error::Saved { error: error.into(), checkpoint },
            None => error,
        };
        if !error.is_of_all_ranks() {
            self.session.communicator.abort(&error.to_string());
        }
        error
    }

    /// The last checkpoint, grid and line of a run.
    pub(crate) fn finish(&mut self) -> Result<PathBuf> {
        let trained_until = Instant::now();
        let path = self.save(Occasion::Scheduled)?;
        if !self.grid_file().exists() {
            self.write_grid()?;
        }
        self.tick_started.0 += trained_until.elapsed();
        // A run that was done before has told of its end.
        let told = self.log.as_ref().is_some_and(|log| log.told_of(self.state.progress.images));
        if !self.state.progress.stats.is_empty() && !told {
            self.tick()?;
        }
        Ok(path)
    }

    /// Ends a run that diverged.
    pub(super) fn stop_because(&self, verdict: Verdict) -> Result<()> {
        let Verdict::Diverged { problem } = verdict else { return Ok(()) };
        let remedy = self.state.recipe.remedy();
        let advice = match &self.saved {
            Some((_, path)) => format!("{remedy} (the last good checkpoint is {})", path.display()),
            None => "start anew with half of schedule.lr (no checkpoint was written yet)".to_owned(),
        };
        let kimg = self.state.progress.images as f64 / 1000.;
        Err(Error::Diverged { kimg, problem, advice })
    }
}

/// A checkpoint of the present state.
struct Saved {
    path: PathBuf,
    /// Whether it was not there before.
    fresh: bool,
}

/// Why a checkpoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// The configuration says so, or the run is done.
    Scheduled,
    /// The run is interrupted, or an error ends it.
    Between,
}
