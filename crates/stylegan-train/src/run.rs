//! A run between its steps: its state, its shards, its folder.

use crate::communicator::{Communicator, Reduction};
use crate::config::TrainConfig;
use crate::data::Dataset;
use crate::feed::{Feed, Plan};
use crate::health::{self, Verdict};
use crate::observer::{Observer, Position};
use crate::picture::write_atomic;
use crate::players::{Draws, Player, Turn};
use crate::records::Records;
use crate::sampler::Sampler;
use crate::schedule::{Phase, Schedule};
use crate::shards::{self, Share};
use crate::snapshot::Snapshot;
use crate::state::{self, State};
use crate::{Error, Result, resources};
use candle_core::Device;
use serde_json::json;
use std::ops::Range;
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
    pub(crate) feed: Feed,
    snapshot: Snapshot,
    records: Option<Records>,
    folder: PathBuf,
    tick_started: (Instant, u64),
    saved_at: Option<u64>,
}

impl<'a> Run<'a> {
    /// A new run in a folder without one.
    pub(crate) fn start(
        config: &'a TrainConfig,
        dataset: &'a Arc<Dataset>,
        folder: &Path,
        communicator: &'a dyn Communicator,
        observer: &'a mut dyn Observer,
    ) -> Result<Self> {
        if let Some(found) = state::checkpoints(folder)?.first() {
            let found = found.file_name().unwrap_or_default().to_string_lossy();
            return Err(Error::Run {
                folder: folder.into(),
                problem: format!("holds a run already ({found}); resume it, or choose another folder"),
            });
        }
        Self::open(config, dataset, folder, communicator, observer, State::new(config, &Device::Cpu)?)
    }

    /// The run that a folder holds.
    pub(crate) fn resume(
        config: &'a TrainConfig,
        dataset: &'a Arc<Dataset>,
        folder: &Path,
        communicator: &'a dyn Communicator,
        observer: &'a mut dyn Observer,
    ) -> Result<Self> {
        let (checkpoint, warnings) = state::newest_valid(folder)?;
        let Some(checkpoint) = checkpoint else {
            return match warnings.first() {
                None => Self::start(config, dataset, folder, communicator, observer),
                Some(first) => Err(Error::Run {
                    folder: folder.into(),
                    problem: format!("has no whole checkpoint ({first}); start anew in another folder"),
                }),
            };
        };
        warnings.iter().for_each(|warning| observer.warned(warning));
        let trained_on = checkpoint.metadata().and_then(|metadata| metadata.dataset_hash.as_deref());
        if trained_on != Some(dataset.hash()?) {
            return Err(Error::Run {
                folder: folder.into(),
                problem: format!(
                    "was trained on the set {}, found {}; resume with the same pictures, or start anew in another folder",
                    trained_on.unwrap_or("(unknown)"),
                    dataset.hash()?
                ),
            });
        }
        let state = State::load(config, &checkpoint, &Device::Cpu)?;
        Self::open(config, dataset, folder, communicator, observer, state)
    }

    fn open(
        config: &'a TrainConfig,
        dataset: &'a Arc<Dataset>,
        folder: &Path,
        communicator: &'a dyn Communicator,
        observer: &'a mut dyn Observer,
        state: State,
    ) -> Result<Self> {
        stylegan_kernels::memory::keep_freed();
        stylegan_kernels::threads::keep_candle_on_its_thread();
        check_pictures(config, dataset)?;
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let generator = state.networks.g_average.as_ref();
        let schedule = Schedule::new(&config.schedule, &config.shards, generator.max_lod());
        let snapshot = Snapshot::new(config.seed, generator, dataset)?;
        let images = state.progress.images;
        let leads = communicator.rank() == 0;
        let records = if leads { Some(Records::open(folder, state.progress.reported)?) } else { None };
        let rank = (communicator.rank(), communicator.world_size());
        let plan = Plan { schedule: schedule.clone(), n_critic: config.loss.n_critic(), rank };
        let sampler = Sampler::new(config.seed, dataset.len(), config.data.mirror);
        let feed = Feed::new(dataset, sampler, &plan, images, 2 * config.shards.at_once);
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
            folder: folder.to_owned(),
            tick_started: (Instant::now(), images),
            saved_at: (images > 0).then_some(images),
            state,
        };
        if leads {
            write_atomic(&folder.join("config.toml"), config.to_toml()?.as_bytes())?;
            if images == 0 {
                run.snapshot.write_reals(dataset, &folder.join("reals.png"))?;
                let lod = run.phase().lod;
                run.snapshot.write_fakes(run.state.networks.g_average.as_ref(), lod, &folder.join("fakes-init.png"))?;
            }
        }
        let position = run.position();
        run.observer.started(&position);
        Ok(run)
    }

    /// What holds for the next step.
    pub(crate) fn phase(&self) -> Phase {
        self.schedule.at(self.state.progress.images)
    }

    /// Whether all pictures were shown.
    pub(crate) fn finished(&self) -> bool {
        self.state.progress.images >= images_of(self.config.kimg)
    }

    /// A player's gradient and statistics, summed over all shards of the batch on all ranks. `work`
    /// is given a shard's global sample indices.
    pub(crate) fn sum_shards(
        &self,
        player: Player,
        phase: &Phase,
        work: impl Fn(&Turn, Range<u64>) -> Result<Share> + Sync,
    ) -> Result<Share> {
        let progress = &self.state.progress;
        let draws = Draws {
            seed: self.config.seed,
            player,
            step: progress.step,
            labels: (self.config.picture_shape().2 > 0).then(|| self.dataset.labels()),
            pictures: self.dataset.len(),
            mixing_probability: self.config.mixing_probability,
        };
        let optimizer = match player {
            Player::Generator => &self.state.opt_g,
            Player::Discriminator => &self.state.opt_d,
        };
        let turn = Turn { config: self.config, networks: &self.state.networks, optimizer, phase: *phase, draws };
        let (shard, first) = (phase.shard as u64, progress.images);
        let own = self.plan.own_shards(phase.batch, phase.shard);
        let mut share = shards::sum(own, self.config.shards.at_once, |index| {
            let start = first + index as u64 * shard;
            work(&turn, start..start + shard)
        })?;
        self.communicator.all_reduce(&mut share.values, Reduction::Sum)?;
        let mut sums = share.stats.to_vec();
        self.communicator.all_reduce_f64(&mut sums, Reduction::Sum)?;
        share.stats.set_from(&sums);
        Ok(share)
    }

    /// Steps the discriminator along a batch's summed gradient.
    pub(crate) fn step_discriminator(&mut self, share: Share, phase: &Phase) -> Result<()> {
        let mean = self.take_in(share, phase)?;
        let (gradient, style) = mean.split_at(self.state.opt_d.len());
        self.state.opt_d.step(gradient, phase.lr)?;
        self.state.networks.track_w(style, self.config.w_avg_beta)
    }

    /// Steps the generator along a batch's summed gradient.
    pub(crate) fn step_generator(&mut self, share: Share, phase: &Phase) -> Result<()> {
        let mean = self.take_in(share, phase)?;
        let (gradient, style) = mean.split_at(self.state.opt_g.len());
        self.state.opt_g.step(gradient, phase.lr)?;
        self.state.networks.track_w(style, self.config.w_avg_beta)
    }

    /// Notes a batch's statistics and turns its sums into means.
    fn take_in(&mut self, share: Share, phase: &Phase) -> Result<Vec<f32>> {
        self.state.progress.stats.add(&share.stats);
        let mut values = share.values;
        if !values.iter().all(|value| value.is_finite()) {
            return self.stop_because(health::diverged("a gradient is not a finite number".into())).map(|()| values);
        }
        let batch = phase.batch as f32;
        values.iter_mut().for_each(|value| *value /= batch);
        Ok(values)
    }

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
            let memory = resources::peak_memory_gib().unwrap_or_default();
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
            let text = format!(
                "kimg {:<10.3} step {:<8} res {:<4} lod {:<5.2} batch {:<4} G {:<7.3} D {:<7.3} reg {:<8.4} signs \
                 {:>5.2} {:>5.2} sec/kimg {:<8.2} memory {:.2} GiB",
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
            let sheet = self.snapshot.write_fakes(self.state.networks.g_average.as_ref(), lod, &path)?;
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
                keep_best(&best, &path, score)?;
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

    fn stop_because(&self, verdict: Verdict) -> Result<()> {
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

/// The name and score of the best checkpoint so far.
fn best_so_far(path: &Path) -> Option<(String, f64)> {
    let best: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    Some((best.get("checkpoint")?.as_str()?.to_owned(), best.get("score")?.as_f64()?))
}

fn keep_best(path: &Path, checkpoint: &Path, score: f64) -> Result<()> {
    let name = checkpoint.file_name().unwrap_or_default().to_string_lossy();
    if best_so_far(path).is_some_and(|(_, best)| best <= score) || !score.is_finite() {
        return Ok(());
    }
    write_atomic(path, json!({ "checkpoint": name, "score": score }).to_string().as_bytes())
}
