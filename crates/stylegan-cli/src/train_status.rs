//! How a run looks on the screen: a bar on a terminal, one line per tick elsewhere.

use crate::evaluate::Evaluator;
use crate::status::{self, say};
use indicatif::{HumanDuration, ProgressBar};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use stylegan_kernels::memory;
use stylegan_train::observer::Position;
use stylegan_train::stats::Stats;
use stylegan_train::{Measured, Observer};

/// The time between two updates of the bar.
const REFRESH: Duration = Duration::from_millis(200);

/// The share of the old pace that one step leaves in the smoothed one.
const SMOOTHING: f64 = 0.95;

/// Draws a run.
pub(crate) struct TrainStatus {
    /// The folder of the run.
    out: PathBuf,
    /// What the discriminator's penalty is called.
    penalty: &'static str,
    bar: Option<ProgressBar>,
    last_step: Option<(Instant, u64)>,
    last_drawn: Option<Instant>,
    /// Seconds per picture, smoothed.
    pace: Option<f64>,
    evaluator: Option<Evaluator>,
}

impl TrainStatus {
    /// Nothing is drawn before the run starts.
    pub(crate) fn new(out: &Path, penalty: &'static str, evaluator: Option<Evaluator>) -> Self {
        TrainStatus { out: out.into(), penalty, bar: None, last_step: None, last_drawn: None, pace: None, evaluator }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// How long the rest will take at this pace.
    fn eta(&self, at: &Position) -> Option<Duration> {
        let seconds = self.pace? * at.total_images.saturating_sub(at.images) as f64;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// What stands beside the bar.
    fn message(&self, at: &Position, stats: &Stats) -> String {
        let mean = |key: &str| stats.get(key).mean();
        let eta = self.eta(at).map_or_else(|| "?".into(), |eta| HumanDuration(eta).to_string());
        let memory = memory::peak().unwrap_or_default() as f64 / f64::from(1 << 30);
        format!(
            "{:.1}/{:.0} kimg  {:.1} s/kimg  eta {eta}  {}px  G {:.2}  D {:.2}  {} {:.3}  signs {:+.2} {:+.2}  {memory:.1} GiB",
            at.images as f64 / 1e3,
            at.total_images as f64 / 1e3,
            self.pace.unwrap_or_default() * 1e3,
            at.phase.resolution,
            mean("Loss/G/loss"),
            mean("Loss/D/loss"),
            self.penalty,
            mean("Loss/D/reg"),
            mean("Loss/signs/real"),
            mean("Loss/signs/fake"),
        )
    }
}

impl Observer for TrainStatus {
    fn started(&mut self, at: &Position) {
        self.last_step = Some((Instant::now(), at.images));
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.go_on_from(at.images, at.total_images);
        }
        let (now, end) = (at.images as f64 / 1e3, at.total_images as f64 / 1e3);
        match at.images {
            0 => say(&format!("training for {end} kimg")),
            _ => say(&format!("going on at {now} of {end} kimg")),
        }
        say(&format!("pictures come to {} as fakes-*.png; Ctrl-C saves and stops", self.out.display()));
        if status::on_terminal() {
            self.bar = Some(status::bar("{wide_bar} {msg}", at.total_images, at.images));
        }
    }

    fn stepped(&mut self, at: &Position, stats: &Stats) {
        let now = Instant::now();
        if let Some((before, images)) = self.last_step.replace((now, at.images))
            && at.images > images
        {
            let pace = (now - before).as_secs_f64() / (at.images - images) as f64;
            self.pace = Some(self.pace.map_or(pace, |old| SMOOTHING * old + (1.0 - SMOOTHING) * pace));
        }
        if self.last_drawn.is_some_and(|drawn| now - drawn < REFRESH) {
            return;
        }
        if let Some(bar) = &self.bar {
            self.last_drawn = Some(now);
            bar.set_position(at.images);
            bar.set_message(self.message(at, stats));
        }
    }

    fn ticked(&mut self, at: &Position, _stats: &Stats, line: &str) {
        if self.bar.is_none() {
            let eta = self.eta(at).map_or_else(String::new, |eta| format!(" eta {}", HumanDuration(eta)));
            say(&format!("{line}{eta}"));
        }
    }

    fn pictured(&mut self, path: &Path) {
        tracing::info!("wrote {}", path.display());
    }

    fn saved(&mut self, path: &Path) -> stylegan_train::Result<Measured> {
        tracing::info!("wrote {}", path.display());
        let (Some(evaluator), Some((_, images))) = (&mut self.evaluator, self.last_step) else {
            return Ok(Measured::default());
        };
        let measured = evaluator.measure(path, images);
        // The pace is that of training.
        self.last_step = Some((Instant::now(), images));
        Ok(measured.unwrap_or_else(|error| {
            say(&format!("warning: {} was not evaluated: {error:#}", path.display()));
            Measured::default()
        }))
    }

    fn warned(&mut self, sentence: &str) {
        say(&format!("warning: {sentence}"));
    }
}
