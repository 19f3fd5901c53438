//! How a run looks on the screen: a bar on a terminal, one line per tick elsewhere.

use crate::evaluate::Evaluator;
use crate::exit::{is_of_all_ranks, sentence};
use crate::pace::Pace;
use crate::signals::{self, Reaction};
use crate::status::{self, say};
use indicatif::{HumanDuration, ProgressBar};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_kernels::memory;
use stylegan_train::communicator::Communicator;
use stylegan_train::config::{LossConfig, RecipeConfig};
use stylegan_train::observer::Position;
use stylegan_train::stats::Stats;
use stylegan_train::{Measured, Observer};

/// Columns that the bar itself has at least.
const BAR_COLUMNS: usize = 10;

/// The time between two updates of the bar.
const REFRESH: Duration = Duration::from_millis(200);

/// Training that a first word about the pace is based on.
const FIRST_STEPS: Duration = Duration::from_secs(10);

/// What a signal leads to.
const SAVING: &str = "saving after this step";

/// Draws a run.
pub(crate) struct TrainStatus {
    /// The folder of the run.
    out: PathBuf,
    /// Lines on what the run works with.
    summary: Vec<String>,
    /// What the discriminator's penalty is called, where there is one.
    penalty: Option<&'static str>,
    /// Whether one network learns alone: then its loss is all there is to tell.
    alone: bool,
    bar: Option<ProgressBar>,
    last_drawn: Option<Instant>,
    /// What trained at the last step.
    resolution: Option<usize>,
    pace: Pace,
    /// When training began, until a word was said about the pace.
    began: Option<Instant>,
    evaluator: Option<Evaluator>,
}

impl TrainStatus {
    /// Nothing is drawn before the run starts.
    pub(crate) fn new(
        out: &Path,
        config: &RecipeConfig,
        summary: Vec<String>,
        evaluator: Option<Evaluator>,
    ) -> anyhow::Result<Self> {
        let penalty = match config {
            RecipeConfig::Gan(config) => Some(match config.loss {
                LossConfig::Logistic { .. } => "R1",
                LossConfig::WganGp { .. } => "GP",
            }),
            RecipeConfig::Spade(_) | RecipeConfig::Encoder(_) => None,
        };
        let (pace, alone) = (Pace::new(config)?, matches!(config, RecipeConfig::Encoder(_)));
        Ok(TrainStatus {
            out: out.into(),
            summary,
            penalty,
            alone,
            bar: None,
            last_drawn: None,
            resolution: None,
            pace,
            began: None,
            evaluator,
        })
    }

    /// How long the rest will take.
    fn eta(&self, at: &Position) -> Option<HumanDuration> {
        self.pace.remaining(at).map(HumanDuration)
    }

    /// Says once, after the first steps, how long all will take.
    fn say_pace(&mut self, at: &Position) {
        if self.began.is_some_and(|began| began.elapsed() >= FIRST_STEPS)
            && let (Some(seconds), Some(eta)) = (self.pace.seconds_per_kimg(at), self.eta(at))
        {
            self.began = None;
            let growing = if at.stage.lod > 0. { " (more work at every resolution is reckoned in)" } else { "" };
            let side = at.stage.resolution;
            say(&format!("pace:     {seconds:.1} s a kimg at {side} pixels, some {eta} to the end{growing}"));
        }
    }

    /// What stands beside the bar: as much as `columns` have room for, the most important first.
    fn message(&self, at: &Position, stats: &Stats, columns: usize) -> String {
        let mean = |key: &str| stats.get(key).mean();
        let eta = self.eta(at).map_or_else(|| "?".into(), |eta| eta.to_string());
        let memory = memory::peak().unwrap_or_default() as f64 / f64::from(1 << 30);
        let penalty = self.penalty.map(|penalty| format!("{penalty} {:.3}", mean("Loss/D/reg")));
        let mut parts = vec![
            format!("{:.1}/{:.0} kimg", at.images as f64 / 1e3, at.total_images as f64 / 1e3),
            format!("{:.1} s/kimg", self.pace.seconds_per_kimg(at).unwrap_or_default()),
            format!("eta {eta}"),
            format!("{}px", at.stage.resolution),
        ];
        if self.alone {
            parts.push(format!("loss {:.4}", mean("Loss/E/loss")));
        } else {
            parts.push(format!("G {:.2}  D {:.2}", mean("Loss/G/loss"), mean("Loss/D/loss")));
            parts.extend(penalty);
            parts.push(format!("signs {:+.2} {:+.2}", mean("Loss/signs/real"), mean("Loss/signs/fake")));
        }
        parts.push(format!("{memory:.1} GiB"));
        status::fitting(&parts, columns.saturating_sub(BAR_COLUMNS))
    }
}

impl Drop for TrainStatus {
    /// Takes the bar away.
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Measures a checkpoint on this rank and all others. What goes wrong with it on all of them is no reason to end the
/// run, and is the inner error; the outer one is that they no longer know of each other.
fn measure_together(
    evaluator: &Evaluator,
    checkpoint: &Checkpoint,
    images: u64,
    ranks: &dyn Communicator,
) -> stylegan_train::Result<Result<Measured, String>> {
    // A signal that came after the checkpoint was begun is one to stop, on whichever rank.
    let stops = ranks.all_gather(vec![u8::from(signals::STOP.load(Ordering::Relaxed))])?;
    if stops.iter().flatten().any(|&stop| stop > 0) {
        return Ok(Ok(Measured::default()));
    }
    match evaluator.measure(checkpoint, images, ranks) {
        Ok(measured) => Ok(Ok(measured)),
        Err(error) if ranks.world_size() == 1 || is_of_all_ranks(&error) => Ok(Err(sentence(&error))),
        Err(error) => Err(stylegan_train::Error::Rank { reason: format!("evaluation ended: {}", sentence(&error)) }),
    }
}

/// Watches a rank that says nothing, because rank 0 speaks for all.
pub(crate) struct Follower {
    evaluator: Option<Evaluator>,
}

impl Follower {
    /// It helps rank 0 to evaluate.
    pub(crate) fn new(evaluator: Option<Evaluator>) -> Self {
        Self { evaluator }
    }
}

impl Observer for Follower {
    fn started(&mut self, _at: &Position) {
        signals::react(Reaction::Stop(SAVING));
    }

    fn measure(&mut self, checkpoint: &Checkpoint, ranks: &dyn Communicator) -> stylegan_train::Result<Measured> {
        if let Some(evaluator) = &self.evaluator {
            // Rank 0 tells what was wrong, and how many pictures it was after.
            let _ = measure_together(evaluator, checkpoint, 0, ranks)?;
        }
        Ok(Measured::default())
    }
}

impl Observer for TrainStatus {
    fn started(&mut self, at: &Position) {
        signals::react(Reaction::Stop(SAVING));
        self.pace.restart(at.images);
        self.began = Some(Instant::now());
        self.summary.drain(..).for_each(|line| say(&line));
        let (now, end) = (at.images as f64 / 1e3, at.total_images as f64 / 1e3);
        match at.images {
            0 => say(&format!("training for {end} kimg")),
            images if images >= at.total_images => {
                say(&format!("this run is at {now} of {end} kimg: nothing is left to do"));
                return;
            }
            _ => say(&format!("going on at {now} of {end} kimg")),
        }
        say(&format!("pictures come to {} as fakes-*.png; Ctrl-C saves and stops", self.out.display()));
        if status::is_drawn() {
            self.bar = Some(status::bar("{wide_bar} {msg}", at.total_images, at.images));
        }
    }

    fn stepped(&mut self, at: &Position, stats: &Stats) {
        self.pace.step(at);
        self.say_pace(at);
        let side = at.stage.resolution;
        if self.resolution.replace(side).is_some_and(|before| before != side) && at.images < at.total_images {
            say(&format!("growth:   {side} pixels from here on, at {} kimg", at.images as f64 / 1e3));
        }
        let now = Instant::now();
        if self.last_drawn.is_some_and(|drawn| now - drawn < REFRESH) {
            return;
        }
        if let Some(bar) = &self.bar {
            self.last_drawn = Some(now);
            bar.set_position(at.images);
            bar.set_message(self.message(at, stats, status::columns()));
        }
    }

    fn ticked(&mut self, at: &Position, _stats: &Stats, line: &str) {
        if self.bar.is_none() {
            let eta = self.eta(at).map_or_else(String::new, |eta| format!(" eta {eta}"));
            say(&format!("{line}{eta}"));
        }
    }

    fn is_to_be_measured(&mut self, at: &Position) -> bool {
        self.evaluator.as_ref().is_some_and(|evaluator| evaluator.is_due(at))
    }

    fn measure(&mut self, checkpoint: &Checkpoint, ranks: &dyn Communicator) -> stylegan_train::Result<Measured> {
        let (Some(evaluator), Some(images)) = (&self.evaluator, self.pace.images()) else {
            return Ok(Measured::default());
        };
        // The state is on the disk, so there is nothing to wait for.
        let path = checkpoint.path().display();
        let saved = format!(
            "interrupted and saved {path}, not evaluated; go on with: stylegan train --out {}",
            self.out.display()
        );
        let reaction = signals::react(Reaction::GoOnLater(saved));
        let measured = measure_together(evaluator, checkpoint, images, ranks);
        signals::react(reaction);
        // The pace is that of training.
        self.pace.restart(images);
        if let Ok(Err(sentence)) = &measured {
            say(&format!("warning: {path} was not evaluated: {sentence}"));
        }
        measured.map(Result::unwrap_or_default)
    }

    fn warned(&mut self, sentence: &str) {
        say(&format!("warning: {sentence}"));
    }
}
