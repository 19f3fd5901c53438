//! What training takes on this machine, measured on its first steps.

use crate::{ranks, signals};
use anyhow::Context;
use candle_core::Device;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stylegan_train::config::{Override, RecipeConfig, read_recipe};
use stylegan_train::data::Dataset;
use stylegan_train::observer::Position;
use stylegan_train::phase::{Action, Phase};
use stylegan_train::recipe::RunConfig;
use stylegan_train::schedule::{Schedule, Stage};
use stylegan_train::stats::Stats;
use stylegan_train::{Observer, Outcome, RunFolder, Session};

/// Steps that are measured at least: the first of a process also fetches its memory.
const LEAST_STEPS: u64 = 3;

/// Moments that a run is looked at.
const LOOKS: u64 = 1000;

/// A part of a run that takes its own time.
#[derive(Debug)]
pub(super) struct Part {
    /// What holds in it.
    pub(super) stage: Stage,
    /// The part of the run's pictures that is shown in it.
    share: f64,
    /// What has a run begin with it and stay in it.
    settings: Vec<String>,
    /// Whether an encoder's generator draws its pictures.
    pub(super) drawn: bool,
}

/// What a part of a run takes.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) part: Part,
    /// Seconds for a thousand pictures.
    pub(super) seconds_per_kimg: f64,
    /// Bytes of a checkpoint.
    pub(super) checkpoint: u64,
}

/// Trains a little in each part of a run on a device, about `time` in each; `tell` hears of each as soon as it is known.
pub(super) fn levels(
    config: &RecipeConfig,
    pictures: &Arc<Dataset>,
    device: &Device,
    time: Duration,
    tell: &mut dyn FnMut(&Level) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Level>> {
    let iteration = config.recipe(pictures, None, &Device::Cpu)?.iteration();
    parts(config)?
        .into_iter()
        .enumerate()
        .map(|(i, part)| {
            let folder = tempfile::tempdir().context("a folder for the trial cannot be made")?;
            let path = folder.path().to_owned();
            signals::before_end(move || remove(&path));
            let own = if i == 0 { config.clone() } else { without_transfer(config) };
            let checkpoint = trial(&own, pictures, device, &part, time, folder.path())?;
            let steps = std::fs::read_to_string(folder.path().join("stats.jsonl"))?;
            let steps: Vec<Value> = steps.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            let seconds_per_kimg = seconds_per_kimg(&steps, &iteration, part.stage.batch);
            let level = Level { part, seconds_per_kimg, checkpoint };
            tell(&level)?;
            Ok(level)
        })
        .collect()
}

/// Removes the folder of a trial that goes on: what it writes meanwhile may come in between.
fn remove(folder: &Path) {
    for _ in 0..20 {
        if std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How long a whole run of `kimg` thousand pictures takes.
pub(super) fn whole(kimg: f64, levels: &[Level]) -> Option<Duration> {
    Duration::try_from_secs_f64(
        kimg * levels.iter().map(|level| level.part.share * level.seconds_per_kimg).sum::<f64>(),
    )
    .ok()
}

/// The configuration with random networks: those that a run begins with fit the resolution at which it begins.
fn without_transfer(config: &RecipeConfig) -> RecipeConfig {
    let mut config = config.clone();
    if let RecipeConfig::Gan(config) = &mut config {
        config.transfer = None;
    }
    config
}

fn phase(action: &Action) -> Option<Phase> {
    match action {
        Action::Phase(phase) => Some(*phase),
        Action::Advance => None,
    }
}

/// What holds at each resolution that a run comes to, and the part of its pictures that is shown at it.
fn stages(schedule: &Schedule) -> Vec<(Stage, f64)> {
    let total = schedule.kimg() * 1e3;
    let mut stages: Vec<(Stage, f64)> = vec![];
    for stage in (0..LOOKS).map(|i| schedule.at((total * i as f64 / LOOKS as f64) as u64)) {
        if stages.last().is_none_or(|(last, _)| last.resolution != stage.resolution) {
            stages.push((stage, 0.));
        }
        stages.last_mut().into_iter().for_each(|(_, share)| *share += 1. / LOOKS as f64);
    }
    stages
}

/// The parts of a run: the resolutions that it comes to, and the pictures that an encoder's generator draws.
fn parts(config: &RecipeConfig) -> anyhow::Result<Vec<Part>> {
    let stages = stages(&config.schedule()?);
    let part = |(stage, share): (Stage, f64)| Part { stage, share, settings: vec![], drawn: false };
    Ok(match config {
        RecipeConfig::Gan(_) => {
            let largest = config.img_size().into_iter().max().unwrap_or_default();
            stages.into_iter().map(|each| Part { settings: at(each.0.resolution, largest), ..part(each) }).collect()
        }
        RecipeConfig::Encoder(encoder) => {
            let drawn = (encoder.pretrain_kimg / encoder.kimg).min(1.);
            let both = [(drawn, true, "pretrain_kimg=1e9"), (1. - drawn, false, "pretrain_kimg=0")];
            let both = both.into_iter().filter(|(share, ..)| *share > 0.);
            let of = |(share, drawn, setting): (f64, bool, &str)| {
                let settings = vec![setting.to_owned()];
                stages.first().map(|&(stage, _)| Part { stage, share, settings, drawn })
            };
            both.filter_map(of).collect()
        }
        RecipeConfig::Spade(_) => stages.into_iter().map(part).collect(),
    })
}

/// The settings of a run that stays at a resolution.
fn at(resolution: usize, largest: usize) -> Vec<String> {
    let mut settings = vec!["schedule.lr_decay_kimg=0".to_owned()];
    if resolution < largest {
        settings.push(format!("schedule.start_resolution={resolution}"));
        settings.push("schedule.stable_kimg=1e9".into());
    } else {
        settings.extend(["schedule.stable_kimg=0".into(), "schedule.fade_kimg=0".into()]);
    }
    settings
}

/// Trains in a part of a run, with a line of statistics for each step; returns the bytes of the checkpoint.
fn trial(
    config: &RecipeConfig,
    pictures: &Arc<Dataset>,
    device: &Device,
    part: &Part,
    time: Duration,
    folder: &Path,
) -> anyhow::Result<u64> {
    let whole = ["output.tick_kimg=1e-6", "output.snapshot_kimg=1e9", "output.checkpoint_kimg=1e9", "kimg=1e9"]
        .map(String::from);
    let settings =
        part.settings.iter().chain(&whole).map(|text| Override::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let config = read_recipe(&config.to_toml()?, "the configuration", &settings)?;
    let stop = AtomicBool::new(false);
    let mut watch = Watch { stop: &stop, time, began: None, steps: 0 };
    let session = Session {
        config: &config,
        dataset: pictures,
        device,
        folder: &RunFolder::open(folder)?,
        communicator: ranks::world(),
        observer: &mut watch,
        stop: &stop,
    };
    let (Outcome::Finished { checkpoint } | Outcome::Interrupted { checkpoint }) = session.start()?;
    Ok(std::fs::metadata(checkpoint)?.len())
}

/// Ends a trial when its time is up.
struct Watch<'a> {
    stop: &'a AtomicBool,
    time: Duration,
    began: Option<Instant>,
    steps: u64,
}

impl Observer for Watch<'_> {
    fn started(&mut self, _at: &Position) {
        self.began = Some(Instant::now());
    }

    fn stepped(&mut self, _at: &Position, _stats: &Stats) {
        self.steps += 1;
        if self.steps >= LEAST_STEPS && self.began.is_some_and(|began| began.elapsed() >= self.time) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Seconds for a thousand pictures.
fn seconds_per_kimg(steps: &[Value], iteration: &[Action], batch: usize) -> f64 {
    let phases: Vec<Phase> = iteration.iter().filter_map(phase).collect();
    // A discriminator may take several batches for each step of the generator.
    let shown = batch * (iteration.len() - phases.len());
    seconds_a_step(steps, &phases, shown) / shown as f64 * 1e3
}

/// Seconds of a step, on the average over as many as lazy phases take turns in: each phase's own time as often as
/// it takes part, and what a step takes besides, in which `shown` pictures are shown. The first step counts only where a phase
/// took part in no other.
fn seconds_a_step(steps: &[Value], phases: &[Phase], shown: usize) -> f64 {
    let number = |step: &Value, key: &str, what: &str| step[key][what].as_f64();
    let taken = |step: &Value, name: &str| {
        let key = format!("Timing/{name}");
        Some(number(step, &key, "mean")? * number(step, &key, "count")?)
    };
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let later = steps.get(1..).unwrap_or_default();
    let mut names: Vec<(&str, u64)> = phases.iter().map(|phase| (phase.name, phase.interval.max(1))).collect();
    names.dedup();
    let of_phases: f64 = names
        .iter()
        .map(|(name, interval)| {
            let times: Vec<f64> = later.iter().filter_map(|step| taken(step, name)).collect();
            let first = || steps.iter().filter_map(|step| taken(step, name)).collect();
            mean(if times.is_empty() { first() } else { times }) / *interval as f64
        })
        .sum();
    let besides = later.iter().filter_map(|step| {
        let whole = number(step, "Timing/sec_per_kimg", "mean")? * shown as f64 / 1e3;
        Some(whole - names.iter().filter_map(|(name, _)| taken(step, name)).sum::<f64>())
    });
    of_phases + mean(besides.collect()).max(0.)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use stylegan_train::inputs::random::Streams;

    /// A main phase of 1 s in every step and a lazy one of 4 s in every fourth, 0.5 s besides: 2.5 s a step; the
    /// first step, ten times as slow, does not count for what later ones show.
    #[test]
    fn lazy_phases_count_as_often_as_they_come() {
        let timing = |seconds: f64| json!({ "count": 1., "mean": seconds });
        let step = |lazy: Option<f64>, slow: f64| {
            let all = (1. + lazy.unwrap_or(0.) + 0.5) * slow;
            let mut line = json!({ "Timing/Main": timing(slow), "Timing/sec_per_kimg": timing(all / 8. * 1e3) });
            if let Some(seconds) = lazy {
                line["Timing/Lazy"] = timing(seconds * slow);
            }
            line
        };
        let main = Phase::new("Main", "A", Streams::UNNAMED);
        let phases = [main, Phase { name: "Lazy", ..main }.lazy(4)];
        let steps = [step(Some(4.), 10.), step(None, 1.), step(None, 1.), step(None, 1.), step(Some(4.), 1.)];
        assert!((seconds_a_step(&steps, &phases, 8) - 2.5).abs() < 1e-9);
        // Where it came in the first step alone, that is all there is.
        assert!((seconds_a_step(&steps[..3], &phases, 8) - 11.5).abs() < 1e-9);
    }

    /// A discriminator that sees two batches of 8 in a step, 1 s each, a generator of 2 s, 1 s besides: 5 s for 16 pictures.
    #[test]
    fn all_batches_of_a_step_are_shown() {
        let main = Phase::new("D", "D", Streams::UNNAMED);
        let generator = Phase { name: "G", ..main };
        let critic = [Action::Phase(main), Action::Advance];
        let iteration = [&critic[..], &critic, &[Action::Phase(generator)]].concat();
        let step = json!({
            "Timing/D": { "count": 2., "mean": 1. },
            "Timing/G": { "count": 1., "mean": 2. },
            "Timing/sec_per_kimg": { "count": 1., "mean": 5. / 16. * 1e3 },
        });
        let steps = [step.clone(), step.clone(), step];
        assert!((seconds_per_kimg(&steps, &iteration, 8) - 5. / 16. * 1e3).abs() < 1e-9);
    }
}
