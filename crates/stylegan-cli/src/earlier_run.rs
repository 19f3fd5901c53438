//! The run that the folder of a new one holds already.

use crate::exit::wrong;
use crate::numbers::count;
use crate::shell::quote;
use crate::status::say;
use anyhow::Context;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_train::config::TrainConfig;
use stylegan_train::{RunFolder, checkpoints, folder, state};

/// The run that a folder holds.
pub(crate) enum Found {
    /// None.
    Nothing,
    /// One with its configuration, from config.toml or a checkpoint.
    Run(Box<TrainConfig>),
    /// Checkpoints alone.
    WithoutConfig,
}

impl Found {
    /// What is in a folder, and a word on a configuration that is not where it should be.
    pub(crate) fn in_folder(out: &Path) -> anyhow::Result<(Self, Option<String>)> {
        if let Some(config) = folder::config(out) {
            return Ok((Found::Run(config?.into()), None));
        }
        if !out.is_dir() || checkpoints::list(out)?.is_empty() {
            return Ok((Found::Nothing, None));
        }
        let (newest, _) = checkpoints::newest(out, |_| Ok(()))?;
        let missing = format!("--out {}: config.toml is missing", out.display());
        match newest.as_ref().and_then(|newest| Some((newest.path(), state::config_of(newest)?))) {
            Some((path, config)) => {
                Ok((Found::Run(config.into()), Some(format!("{missing}; {} has its settings", path.display()))))
            }
            None => Ok((Found::WithoutConfig, Some(missing))),
        }
    }
}

/// Refuses to go on with a run under another configuration. The length of the run, what it writes,
/// where its pictures are and how many shards are handled at once may change: no step depends on them.
pub(crate) fn check_same(given: &TrainConfig, stored: &TrainConfig, out: &Path) -> anyhow::Result<()> {
    let plain = |config: &TrainConfig| -> anyhow::Result<toml::Table> {
        Ok(TrainConfig { kimg: 1.0, ..config.decisive() }.to_toml()?.parse()?)
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

/// Refuses a length that is behind the run already: nothing would happen, as if all were well.
pub(crate) fn check_not_past(given: &TrainConfig, stored: &TrainConfig, out: &Path) -> anyhow::Result<()> {
    let images = |path: &PathBuf| Some(Checkpoint::open(path).ok()?.metadata()?.images);
    let newest = checkpoints::list(out)?.iter().find_map(images).unwrap_or(0) as f64 / 1000.;
    // A run that is done may be one batch past its length.
    if given.kimg < stored.kimg && given.kimg < newest {
        wrong!(
            "--kimg {}: the run in {} is at {newest} kimg already; give more to go on, or --new to start again",
            given.kimg,
            out.display()
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

/// What a run began with. Refuses to go on with one that began with other networks.
pub(crate) fn check_begun_with<'a>(from: &Path, stored: &'a TrainConfig, out: &Path) -> anyhow::Result<&'a Path> {
    let typed = std::path::absolute(from)?;
    match stored.transfer.as_ref().map(|transfer| Path::new(&transfer.from)) {
        // A run has had newer checkpoints since.
        Some(begun) if begun == typed || begun.parent() == Some(&typed) => Ok(begun),
        begun => wrong!(
            "--from {}: the run in {} began with {}; leave --from out to go on, or start again with --new",
            from.display(),
            out.display(),
            begun.map_or_else(|| "random networks".to_owned(), |begun| begun.display().to_string())
        ),
    }
}

/// Moves the run that a folder holds to `FOLDER-1`, or the first such name that is free, and takes the
/// empty folder.
pub(crate) fn set_aside(run: RunFolder) -> anyhow::Result<RunFolder> {
    // Where the folder is `.` or ends in `..`, its name is known of the whole path alone.
    let out = match run.path().file_name() {
        Some(_) => run.path().to_owned(),
        None => run.path().canonicalize()?,
    };
    let checkpoints = checkpoints::list(&out)?.len();
    let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let aside = (1..).map(|i| out.with_file_name(format!("{name}-{i}"))).find(|path| !path.exists());
    let aside = aside.context("no name is free")?;
    std::fs::rename(&out, &aside).with_context(|| format!("cannot move {} aside", out.display()))?;
    say(&format!("the earlier run, with {}, is now {}", count(checkpoints as u64, "checkpoint"), aside.display()));
    // Built-in pictures serve the new run as well.
    let data = aside.join("data");
    if data.is_dir() {
        std::fs::create_dir_all(&out).and_then(|()| std::fs::rename(data, out.join("data")))?;
    }
    drop(run);
    Ok(RunFolder::open(&out)?)
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
