//! A run that a claim rests on: its configuration, its folder, its training.

use super::asked::{Asked, runs, sets};
use super::claim::{Claim, Curves, Need};
use super::page::Trained;
use crate::cargo::root;
use crate::failure::{Failure, Result};
use crate::measured::{Measured, pick};
use crate::papers::Table;
use crate::say::say;
use crate::stats::Progress;
use crate::tables::evaluation::Evaluation;
use std::ffi::OsString;
use std::path::PathBuf;

/// A configuration, trained with a seed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    /// The configuration's path below configs/; a name alone is one of configs/avatars-32/.
    config: &'static str,
    /// Nothing for the seed that the configuration has.
    seed: Option<String>,
}

/// The file in a run's folder that says how far `reproduce` has trained it, in thousands of pictures.
const REACHED: &str = "reached.txt";
/// The file beside it with what the configuration said then.
const CONFIGURED: &str = "reached.toml";

/// Parts of a training whose lengths configurations give in thousands of pictures: the fall of its learning rate at its end,
/// and drawn pictures at its beginning.
const PARTS: [&str; 2] = ["schedule.lr_decay_kimg", "pretrain_kimg"];

/// Pictures of a batch, where a configuration does not say.
const BATCH: f64 = 64.;

impl Run {
    /// The run of a row: of rows that are configured alike, that of the first in all tables.
    pub(super) fn of(config: &'static str, seed: &Option<String>) -> Result<Self> {
        let own = configured(config)?;
        let mut all = Table::all().flat_map(|table| table.rows).map(|row| row.run);
        let first = all.find_map(|other| configured(other).map(|text| (text == own).then_some(other)).transpose());
        Ok(Self { config: first.transpose()?.unwrap_or(config), seed: seed.clone() })
    }

    /// The trainings of a configuration for a claim, one for each seed; one alone of what others begin from, whose
    /// configurations name its folder.
    pub(super) fn trainings(claim: &Claim, config: &'static str, seeds: &[Option<String>]) -> Result<Vec<Self>> {
        if claim.needs.iter().any(|need| matches!(need, Need::Run(needed) if *needed == config)) {
            return Ok(vec![Self::of(config, &None)?]);
        }
        seeds.iter().map(|seed| Self::of(config, seed)).collect()
    }

    /// The name of its folder.
    pub(super) fn name(&self) -> String {
        let name = self.config.replace('/', "-");
        self.seed.as_ref().map_or_else(|| name.clone(), |seed| format!("{name}-seed{seed}"))
    }

    pub(super) fn folder(&self) -> PathBuf {
        runs().join(self.name())
    }

    /// How a page names it.
    pub(super) fn trained(&self) -> Trained {
        let config = path(self.config);
        let config = config.strip_prefix(root()).unwrap_or(&config).display().to_string();
        Trained { name: self.name(), config, progress: Progress::of(&self.folder()) }
    }

    /// Its length in thousands of pictures, as its configuration has it.
    fn whole(&self) -> Result<f64> {
        let written = numbers(&configured(self.config)?, "kimg").next();
        written.ok_or_else(|| Failure::other(format!("{}: kimg is missing", path(self.config).display())))
    }

    /// The settings with which a training of `kimg` thousand pictures keeps the shares that its configuration gives to its
    /// parts, none where the lengths are equal.
    fn shares(&self, kimg: f64) -> Result<Vec<String>> {
        let (configured, whole) = (configured(self.config)?, self.whole()?);
        let parts = PARTS.iter().filter(|_| whole != kimg).filter_map(|part| {
            let written = numbers(&configured, part.rsplit('.').next().unwrap_or(part)).next()?;
            (written > 0.).then(|| format!("{part}={}", round(written / whole * kimg)))
        });
        Ok(parts.collect())
    }

    /// Its length in thousands of pictures.
    fn kimg(&self, asked: &Asked) -> Result<f64> {
        asked.kimg.map_or_else(|| self.whole(), Ok)
    }

    /// Thousands of pictures that it may see more than it is asked to: a batch is seen whole.
    fn batch(&self) -> Result<f64> {
        Ok(numbers(&configured(self.config)?, "batch").reduce(f64::max).unwrap_or(BATCH) / 1000.)
    }

    /// Refuses what would stop its training, or make it that of something else: before the first run is trained.
    pub(super) fn check(&self, asked: &Asked) -> Result<()> {
        self.check_for(self.kimg(asked)?, asked)
    }

    /// The same of one that is trained over the length of its configuration, whatever is asked for.
    pub(super) fn check_whole(&self, asked: &Asked) -> Result<()> {
        self.check_for(self.whole()?, asked)
    }

    fn check_for(&self, kimg: f64, asked: &Asked) -> Result<()> {
        let folder = self.folder();
        let seen = self.reached().unwrap_or_default().max(Progress::of(&folder).kimg);
        if seen > kimg + self.batch()? {
            return Err(Failure::wrong(format!(
                "{} has seen {seen} kimg, more than the {kimg} that are asked for; move it away, or ask for as much with --kimg",
                folder.display()
            )));
        }
        let config = path(self.config);
        // Runs from before this was written down are taken as they are; `stylegan` compares those that it goes on with.
        if let Ok(then) = std::fs::read_to_string(folder.join(CONFIGURED)) {
            let now = decisive(self.config)?;
            let changed =
                |a: &str, b: &str| a.lines().find(|line| !b.lines().any(|other| other == *line)).map(str::to_owned);
            if now != then.trim_end() {
                let (had, has) = (changed(&then, &now), changed(&now, &then));
                let said =
                    |line: Option<String>| line.map_or_else(|| "no such line".into(), |line| format!("`{line}`"));
                return Err(Failure::wrong(format!(
                    "{} was trained by {} when that said otherwise: {} where it has {}; move the run away to train it again",
                    folder.display(),
                    config.display(),
                    said(had),
                    said(has)
                )));
            }
        }
        let args = ["train".as_ref(), "--print-config".as_ref(), "--config".as_ref(), config.as_os_str()];
        asked.program.run_silently(args)
    }

    /// Trains it, or goes on with it; what is done is left as it is. Where a chart watches it, it stops and is measured on the
    /// way.
    pub(super) fn train(&self, asked: &Asked) -> Result<()> {
        self.train_for(self.kimg(asked)?, asked)
    }

    /// The same over the length of its configuration, whatever is asked for: what others begin from.
    pub(super) fn train_whole(&self, asked: &Asked) -> Result<()> {
        self.train_for(self.whole()?, asked)
    }

    fn train_for(&self, kimg: f64, asked: &Asked) -> Result<()> {
        let watched = Watched::of(self, Claim::charts())?;
        for stop in Stop::all(kimg, watched.as_ref()) {
            self.train_to(stop.kimg, asked)?;
            if let Some(watched) = &watched {
                let (evaluation, seen) = (watched.evaluation(self, &stop, asked), Progress::of(&self.folder()).kimg);
                // Of a run that went on without being measured there is nothing left to measure.
                if evaluation.kept_earlier().is_none() && stop.is_place_of(seen, self.batch()?) {
                    evaluation.measured()?;
                }
            }
        }
        Ok(())
    }

    /// How far `reproduce` has trained it, in thousands of pictures; nothing where others have, or nobody.
    fn reached(&self) -> Option<f64> {
        std::fs::read_to_string(self.folder().join(REACHED)).ok()?.trim().parse().ok()
    }

    fn train_to(&self, kimg: f64, asked: &Asked) -> Result<()> {
        let (folder, reached) = (self.folder(), self.reached());
        // Whoever trained it further by other means has no need of this.
        if reached.is_some_and(|reached| reached >= kimg)
            || Progress::of(&folder).kimg > kimg + 1e-6 && reached.is_none()
        {
            return Ok(());
        }
        let mut args: Vec<OsString> = vec!["train".into(), "--config".into(), path(self.config).into()];
        args.extend(["--out".into(), folder.into(), "--data-dir".into(), sets().into()]);
        args.extend(["--set", "output.keep_checkpoints=1", "--kimg", &kimg.to_string()].map(OsString::from));
        args.extend(self.shares(kimg)?.iter().flat_map(|share| ["--set", share].map(OsString::from)));
        args.extend(self.seed.iter().flat_map(|seed| ["--seed".into(), seed.into()]));
        say(&format!("{}: {kimg} kimg", self.name()));
        asked.run(&args)?;
        for (name, text) in [(CONFIGURED, decisive(self.config)?), (REACHED, kimg.to_string())] {
            let file = self.folder().join(name);
            std::fs::write(&file, format!("{text}\n"))
                .map_err(|error| Failure::other(format!("{}: {error}", file.display())))?;
        }
        Ok(())
    }
}

/// A place where a run stops.
pub(super) struct Stop {
    pub(super) kimg: f64,
    /// Where it stops next.
    next: f64,
}

impl Stop {
    /// Whether a run that has seen so many thousand pictures stands here, of a batch of so many thousand.
    fn is_place_of(&self, seen: f64, batch: f64) -> bool {
        seen <= self.kimg + batch && seen < self.next
    }

    /// Where a training of `kimg` thousand pictures stops.
    fn all(kimg: f64, watched: Option<&Watched>) -> Vec<Self> {
        let points = watched.map_or(1, |watched| watched.curves.points);
        let at = |point: usize| round(kimg * point as f64 / points as f64);
        let next = |point: usize| if point == points { f64::INFINITY } else { at(point + 1) };
        (1..=points).map(|point| Self { kimg: at(point), next: next(point) }).collect()
    }
}

/// How a chart watches a run: everything that its lines show of it.
pub(super) struct Watched {
    curves: &'static Curves,
    metrics: Vec<String>,
}

impl Watched {
    /// By which of `charts` the run is watched, if by any.
    pub(super) fn of(run: &Run, charts: impl Iterator<Item = &'static Curves>) -> Result<Option<Self>> {
        for curves in charts {
            let mut metrics: Vec<String> = vec![];
            for line in curves.lines {
                // What the run says of itself needs no measuring.
                if line.is_statistic() {
                    continue;
                }
                if Run::of(line.config, &run.seed)? == *run && !metrics.iter().any(|metric| metric == line.metric) {
                    metrics.push(line.metric.into());
                }
            }
            if !metrics.is_empty() {
                return Ok(Some(Self { curves, metrics }));
            }
        }
        Ok(None)
    }

    fn evaluation<'a>(&self, run: &Run, stop: &Stop, asked: &'a Asked) -> Evaluation<'a> {
        Evaluation {
            program: &asked.program,
            run: run.folder(),
            pictures: None,
            report: format!("curve-{}", stop.kimg),
            metrics: self.metrics.clone(),
            options: asked.evaluation(&[self.curves.options, &["--no-floor"]].concat()),
        }
    }

    /// What was measured of `metric` on the way, by thousands of pictures.
    pub(super) fn found(&self, run: &Run, metric: &str, asked: &Asked) -> Result<Vec<(f64, Measured)>> {
        let at = |stop: &Stop| {
            let numbers = self.evaluation(run, stop, asked).kept_earlier()?;
            Some((stop.kimg, pick(&numbers, metric)?.clone()))
        };
        Ok(Stop::all(run.kimg(asked)?, Some(self)).iter().filter_map(at).collect())
    }
}

/// Where a configuration is.
pub(super) fn path(config: &str) -> PathBuf {
    let folder = if config.contains('/') { "configs" } else { "configs/avatars-32" };
    root().join(folder).join(format!("{config}.toml"))
}

/// What a configuration says, without its comments.
fn configured(config: &str) -> Result<String> {
    let path = path(config);
    let text =
        std::fs::read_to_string(&path).map_err(|error| Failure::other(format!("{}: {error}", path.display())))?;
    // 0.9 is what is not written elsewhere.
    let decides = |line: &&str| !["", "mixing_probability = 0.9"].contains(line) && !line.starts_with('#');
    let bare = text.lines().map(|line| line.split(" #").next().unwrap_or(line).trim_end());
    Ok(bare.filter(decides).collect::<Vec<_>>().join("\n"))
}

/// The same without the length, which is asked for.
fn decisive(config: &str) -> Result<String> {
    let text = configured(config)?;
    let length = text.lines().position(|line| line.starts_with("kimg = "));
    let others = text.lines().enumerate().filter(|(i, _)| Some(*i) != length).map(|(_, line)| line);
    Ok(others.collect::<Vec<_>>().join("\n"))
}

/// The numbers that a configuration has under a name.
fn numbers(configured: &str, name: &str) -> impl Iterator<Item = f64> {
    configured.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(" = ")?.parse().ok())
}

/// Without the noise of binary fractions, so that names are short.
fn round(kimg: f64) -> f64 {
    (kimg * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network of 53 kimg is none of 50, however few stops the chart has.
    #[test]
    fn a_stop_is_measured_at_its_own_length() {
        let stop = Stop { kimg: 50., next: 60. };
        assert!(stop.is_place_of(50., 0.008) && stop.is_place_of(50.008, 0.008));
        assert!(!stop.is_place_of(53.336, 0.008) && !stop.is_place_of(60., 0.008));
        // Stops of a trial may be nearer to each other than batches are long.
        assert!(!Stop { kimg: 0.01, next: 0.02 }.is_place_of(0.02, 0.064));
    }

    #[test]
    fn a_shorter_run_keeps_the_shares_of_its_parts() -> Result<()> {
        let shares = |config, kimg| Run::of(config, &None)?.shares(kimg);
        assert_eq!(shares("spade/earth-64", 10.)?, ["schedule.lr_decay_kimg=5"]);
        assert_eq!(shares("psp/avatars-64-sketch", 12.)?, ["pretrain_kimg=4"]);
        for (config, kimg) in [("spade/earth-64", 60.), ("psp/avatars-64-seg", 12.), ("table1-f", 10.)] {
            assert!(shares(config, kimg)?.is_empty(), "{config}");
        }
        Ok(())
    }

    #[test]
    fn a_configuration_is_read_without_its_comments() -> Result<()> {
        let run = Run::of("table1-f", &None)?;
        assert_eq!((run.whole()?, run.batch()?), (90., 0.008));
        let (all, decisive) = (configured("table1-f")?, decisive("table1-f")?);
        assert!(all.starts_with("kimg = 90\n[data]\n") && !all.contains('#') && !all.contains("\n\n"), "{all}");
        // The average's half-life has the same name.
        assert!(decisive.starts_with("[data]\n") && decisive.contains("\nkimg = 4\n"), "{decisive}");
        Ok(())
    }
}
