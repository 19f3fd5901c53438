//! What is written after a step: ticks, sample grids, checkpoints.

use super::{Run, images_of};
use crate::health::Verdict;
use crate::{Error, Result, Score, state};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;
use stylegan_kernels::memory;

impl Run<'_> {
    /// What is due after a step that began at `before` pictures: the line of a tick, a sample grid,
    /// a checkpoint.
    pub(crate) fn report(&mut self, before: u64) -> Result<()> {
        let now = self.state.progress.images;
        let due = |kimg: f64| now / images_of(kimg) > before / images_of(kimg);
        let position = self.position();
        self.observer.stepped(&position, &self.state.progress.stats);
        let output = &self.config.output;
        if due(output.tick_kimg) {
            self.tick()?;
        }
        if due(output.snapshot_kimg) {
            self.write_snapshot()?;
        }
        if due(output.checkpoint_kimg) {
            self.save()?;
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
        if let Some(records) = &mut self.records {
            let mut line = stats.to_json();
            for (turn, seconds) in std::mem::take(&mut self.timings).iter() {
                line[turn] = json!({ "count": seconds.count, "mean": seconds.mean(), "std": seconds.std() });
            }
            let memory = memory::peak().unwrap_or_default() as f64 / f64::from(1 << 30);
            for (key, value) in [
                ("Progress/kimg", position.images as f64 / 1000.),
                ("Progress/step", position.step as f64),
                ("Progress/lod", position.phase.lod),
                ("Progress/resolution", position.phase.resolution as f64),
                ("Progress/batch", position.phase.batch as f64),
                ("Progress/lr", position.phase.lr),
                ("Timing/sec_per_kimg", seconds_per_kimg),
                ("Resources/peak_memory_gib", memory),
            ] {
                line[key] = json!({ "count": 1., "mean": value, "std": 0. });
            }
            records.stats(position.images, &line)?;
            let mean = |key: &str| stats.get(key).mean();
            let path_length = match self.config.path_length {
                Some(_) => format!("pl {:<8.4} ", mean("Loss/pl_length")),
                None => String::new(),
            };
            let text = format!(
                "kimg {:<10.3} step {:<8} res {:<4} lod {:<5.2} batch {:<4} G {:<7.3} D {:<7.3} reg {:<8.4} \
                 {path_length}signs {:>5.2} {:>5.2} sec/kimg {:<8.2} memory {:.2} GiB",
                position.images as f64 / 1000.,
                position.step,
                position.phase.resolution,
                position.phase.lod,
                position.phase.batch,
                mean("Loss/G/loss"),
                mean("Loss/D/loss"),
                mean("Loss/D/reg"),
                mean("Loss/signs/real"),
                mean("Loss/signs/fake"),
                seconds_per_kimg,
                memory,
            );
            records.log(&text)?;
            self.observer.ticked(&position, &stats, &text);
            if let Verdict::Odd(sentence) = &verdict {
                records.log(&format!("kimg {:<10.3} {sentence}", position.images as f64 / 1000.))?;
                self.observer.warned(sentence);
            }
        }
        self.stop_because(verdict)
    }

    fn write_snapshot(&mut self) -> Result<()> {
        let images = self.state.progress.images;
        let lod = self.phase().lod;
        if let Some(records) = &mut self.records {
            let path = self.folder.join(format!("fakes-{:06}.png", images / 1000));
            let sheet = self.snapshot.write_fakes(self.state.players.g_average(), lod, &path)?;
            records.picture(images, "fakes", [sheet.height(), sheet.width()], &path)?;
            self.observer.pictured(&path);
        }
        Ok(())
    }

    /// Writes a checkpoint and removes those that are no longer kept.
    pub(crate) fn save(&mut self) -> Result<PathBuf> {
        let path = self.folder.join(state::file_name(self.state.progress.images));
        if self.records.is_some() && self.saved_at != Some(self.state.progress.images) {
            self.state.save(self.config, self.dataset.hash()?, &self.folder)?;
            let best = self.folder.join("best.json");
            if let Some(score) = self.observer.saved(&path)? {
                keep_best(&best, &path, &score)?;
            }
            let name = best_so_far(&best).map(|(name, _)| name);
            state::prune(&self.folder, self.config.output.keep_checkpoints, name.as_deref())?;
        }
        self.saved_at = Some(self.state.progress.images);
        self.communicator.barrier()?;
        Ok(path)
    }

    /// The last checkpoint, grid and line of a run.
    pub(crate) fn finish(&mut self) -> Result<PathBuf> {
        let path = self.save()?;
        let grid = self.folder.join(format!("fakes-{:06}.png", self.state.progress.images / 1000));
        if !grid.exists() {
            self.write_snapshot()?;
        }
        if !self.state.progress.stats.is_empty() {
            self.tick()?;
        }
        Ok(path)
    }

    /// Ends a run that diverged.
    pub(super) fn stop_because(&self, verdict: Verdict) -> Result<()> {
        let Verdict::Diverged { problem, advice } = verdict else { return Ok(()) };
        let last = match self.saved_at {
            Some(images) => {
                format!("the last good checkpoint is {}", self.folder.join(state::file_name(images)).display())
            }
            None => "no checkpoint was written yet".to_owned(),
        };
        let kimg = self.state.progress.images as f64 / 1000.;
        Err(Error::Diverged { kimg, problem, advice: format!("{advice} ({last})") })
    }
}

/// The name and score of the best checkpoint so far.
fn best_so_far(path: &Path) -> Option<(String, Score)> {
    let best: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let text = |name: &str| Some(best.get(name)?.as_str()?.to_owned());
    Some((text("checkpoint")?, Score { metric: text("metric")?, value: best.get("score")?.as_f64()? }))
}

/// Scores of another metric say nothing about this one.
fn keep_best(path: &Path, checkpoint: &Path, score: &Score) -> Result<()> {
    let name = checkpoint.file_name().unwrap_or_default().to_string_lossy();
    let beaten = best_so_far(path).is_some_and(|(_, best)| best.metric == score.metric && best.value <= score.value);
    if beaten || !score.value.is_finite() {
        return Ok(());
    }
    let best = json!({ "checkpoint": name, "metric": score.metric, "score": score.value });
    Ok(stylegan_core::write_file(path, best.to_string().as_bytes())?)
}
