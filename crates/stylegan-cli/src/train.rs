//! `stylegan train`: starts a run, or goes on with the one that the folder holds.

use crate::evaluate::Evaluator;
use crate::exit::{Ending, Outcome, wrong};
use crate::numbers::count;
use crate::shell::quote;
use crate::status::{print, say};
use crate::train_status::TrainStatus;
use crate::{pictures, signals};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stylegan_train::communicator::Single;
use stylegan_train::config::{LossConfig, Override, TrainConfig, read};
use stylegan_train::state;

/// Train a network, or go on training
///
/// A run is a folder: config.toml, log.txt, stats.jsonl, TensorBoard events, sample grids and
/// checkpoints. A folder that holds a run is gone on with, bit for bit; Ctrl-C or SIGTERM finishes
/// the step, saves, and ends with exit code 75.
///
/// Examples:
///   stylegan train --config configs/avatars-32.toml --data avatars --out runs/a
///   stylegan train --out runs/a                      # goes on
///   stylegan train --out runs/a --kimg 2000          # goes on, further than planned
///   stylegan train --config configs/avatars-64.toml --data faces.zip --out runs/b
///       --set generator.channel_base=4096 --set loss.r1_gamma=1
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Configuration of the run; configs/ has one for each experiment.
    ///
    /// Example: --config configs/avatars-32.toml
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    /// Pictures: a folder, a ZIP file, or a built-in set (avatars, earth), which is made on first
    /// use [default: what the configuration or the run says]
    ///
    /// Example: --data faces.zip
    #[arg(long, value_name = "SET")]
    data: Option<String>,

    /// Folder of the run.
    ///
    /// Example: --out runs/avatars-32
    #[arg(long, value_name = "FOLDER", required_unless_present = "print_config")]
    out: Option<PathBuf>,

    /// Length of the run in thousands of real pictures shown [default: the configuration's]
    ///
    /// Example: --kimg 400
    #[arg(long, value_name = "N")]
    kimg: Option<f64>,

    /// Seed of weights, latents, noise and data order [default: the configuration's]
    ///
    /// Example: --seed 7
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Changes a setting of the configuration; may be given several times.
    ///
    /// Example: --set schedule.lr=0.002 --set data.mirror=false
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Starts again. A run that the folder holds is moved aside, not removed.
    #[arg(long)]
    new: bool,

    /// Prints the configuration with everything resolved, as TOML, and stops.
    #[arg(long)]
    print_config: bool,

    /// Where built-in sets are kept once they are made [default: data/ in the folder of the run]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// What the arguments mean.
struct Plan {
    config: TrainConfig,
    out: PathBuf,
    /// Whether the folder holds a run to go on with.
    resume: bool,
}

impl Plan {
    fn of(args: &Args) -> anyhow::Result<Self> {
        let out = args.out.clone().unwrap_or_default();
        let stored = Some(out.join("config.toml")).filter(|path| args.out.is_some() && !args.new && path.is_file());
        let overrides = overrides(args)?;
        let config = match (&args.config, &stored) {
            (Some(given), Some(stored)) => {
                let given = TrainConfig::from_file(given, &overrides)?;
                let stored = TrainConfig::from_file(stored, &[])?;
                check_same(&given, &stored, &out)?;
                given
            }
            (Some(path), None) | (None, Some(path)) => TrainConfig::from_file(path, &overrides)?,
            (None, None) if args.out.is_none() => read("", "the default configuration", &overrides)?,
            (None, None) => wrong!(
                "--out {}: this folder holds no run to go on with; start one with --config (see configs/)",
                out.display()
            ),
        };
        Ok(Plan { config, out, resume: stored.is_some() })
    }
}

/// The settings given beside the configuration, in the order of their strength.
fn overrides(args: &Args) -> anyhow::Result<Vec<Override>> {
    let mut all = args.set.iter().map(|text| Override::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let mut set = |key: &str, value: toml::Value| -> anyhow::Result<()> {
        all.push(Override::parse(&format!("{key}={value}"))?);
        Ok(())
    };
    if let Some(kimg) = args.kimg {
        set("kimg", kimg.into())?;
    }
    if let Some(seed) = args.seed {
        set("seed", i64::try_from(seed).context("--seed: seeds go up to 2^63 - 1")?.into())?;
    }
    if let Some(name) = &args.data {
        // A run can be gone on with from another folder, so paths are kept whole.
        let name =
            if pictures::is_built_in(name) { name.clone() } else { std::path::absolute(name)?.display().to_string() };
        set("data.set", name.into())?;
    }
    Ok(all)
}

/// Refuses to go on with a run under another configuration. The length of the run, what it writes,
/// where its pictures are and how many shards are handled at once may change: no step depends on them.
fn check_same(given: &TrainConfig, stored: &TrainConfig, out: &Path) -> anyhow::Result<()> {
    let plain = |config: &TrainConfig| -> anyhow::Result<toml::Table> {
        let mut config = config.clone();
        config.kimg = 1.0;
        config.output = Default::default();
        config.eval = Default::default();
        config.data.set.clear();
        config.shards.at_once = 1;
        Ok(config.to_toml()?.parse()?)
    };
    if let Some((key, there, here)) = first_difference("", &plain(stored)?, &plain(given)?) {
        wrong!(
            "--out {}: the run there has {key} = {there}, not {here}; go on with `stylegan train --out {}`, or start again with --new",
            out.display(),
            quote(out)
        );
    }
    Ok(())
}

/// The first key whose value differs, with both values.
fn first_difference(path: &str, a: &toml::Table, b: &toml::Table) -> Option<(String, String, String)> {
    let shown = |value: Option<&toml::Value>| value.map_or_else(|| "nothing".into(), toml::Value::to_string);
    a.keys().chain(b.keys()).find_map(|key| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (a.get(key), b.get(key)) {
            (Some(toml::Value::Table(a)), Some(toml::Value::Table(b))) => first_difference(&path, a, b),
            (a, b) if a == b => None,
            (a, b) => Some((path, shown(a), shown(b))),
        }
    })
}

pub(crate) fn run(args: Args) -> Outcome {
    let plan = Plan::of(&args)?;
    if args.print_config {
        print(&plan.config.to_toml()?)?;
        return Ok(Ending::Done);
    }
    if plan.config.data.set.is_empty() {
        wrong!("no pictures to train on: name a folder, a ZIP file, avatars or earth with --data");
    }
    if args.new {
        set_aside(&plan.out)?;
    }
    let stop = signals::watch("saving after this step")?;
    let folder = args.data_dir.unwrap_or_else(|| plan.out.join("data"));
    let data = &plan.config.data;
    let pictures = Arc::new(pictures::open(&data.set, plan.config.picture_shape().0, data.count, &folder)?);
    if pictures.label_dim() > 0 && plan.config.picture_shape().2 == 0 {
        let dim = pictures.label_dim();
        say(&format!("note: the labels of the set are not used; --set generator.c_dim={dim} trains with them"));
    }
    let (config, out) = (&plan.config, &plan.out);
    let penalty = match config.loss {
        LossConfig::Logistic { .. } => "R1",
        LossConfig::WganGp { .. } => "GP",
    };
    let mut status = TrainStatus::new(out, penalty, Evaluator::of(config, &pictures, &folder)?);
    let go = if plan.resume { stylegan_train::resume } else { stylegan_train::train };
    match go(config, &pictures, out, &Single, &mut status, &stop)? {
        stylegan_train::Outcome::Finished { checkpoint } => {
            status.finish();
            say(&format!("finished after {} kimg: {}", config.kimg, checkpoint.display()));
            say(&format!("look at it: stylegan generate --network {} --grid --out faces.png", quote(out)));
            say(&format!("train on:   stylegan train --out {} --kimg {}", quote(out), config.kimg * 2.0));
            Ok(Ending::Done)
        }
        stylegan_train::Outcome::Interrupted { checkpoint } => {
            status.finish();
            Ok(Ending::Interrupted(format!(
                "interrupted and saved {}; go on with: stylegan train --out {}",
                checkpoint.display(),
                quote(out)
            )))
        }
    }
}

/// Moves what `out` holds of an earlier run to `out-1`, or the first such name that is free.
fn set_aside(out: &Path) -> anyhow::Result<()> {
    let checkpoints = state::checkpoints(out)?.len();
    if checkpoints == 0 && !out.join("config.toml").exists() {
        return Ok(());
    }
    let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let aside = (1..).map(|i| out.with_file_name(format!("{name}-{i}"))).find(|path| !path.exists());
    let Some(aside) = aside else { return Ok(()) };
    std::fs::rename(out, &aside).with_context(|| format!("cannot move {} aside", out.display()))?;
    say(&format!("the earlier run, with {}, is now {}", count(checkpoints as u64, "checkpoint"), aside.display()));
    // Built-in pictures serve the new run as well.
    let data = aside.join("data");
    if data.is_dir() {
        std::fs::create_dir_all(out).and_then(|()| std::fs::rename(data, out.join("data")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_and_lengths_are_free() -> anyhow::Result<()> {
        let read = |text: &str| stylegan_train::config::read(text, "test", &[]);
        let stored = read("kimg = 10\n[schedule]\nstable_kimg = 5\n")?;
        let longer = read("kimg = 20\n[schedule]\nstable_kimg = 5\n[output]\ntick_kimg = 1\n[data]\nset = 'x'\n")?;
        check_same(&longer, &stored, Path::new("runs/a"))?;
        let other = read("kimg = 10\n[schedule]\nstable_kimg = 6\n")?;
        let error = check_same(&other, &stored, Path::new("runs/a")).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("schedule.stable_kimg = 5.0, not 6.0") && error.contains("--new"), "{error}");
        Ok(())
    }
}
