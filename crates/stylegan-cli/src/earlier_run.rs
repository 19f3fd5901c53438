//! The run that the folder of a new one holds already.

use crate::exit::wrong;
use crate::numbers::count;
use crate::status::say;
use anyhow::Context;
use std::path::Path;
use stylegan_train::config::RecipeConfig;
use stylegan_train::{RunFolder, checkpoints, folder, state};

/// The run that a folder holds.
pub(crate) enum Found {
    /// None.
    Nothing,
    /// One with its configuration, from config.toml or a checkpoint.
    Run(Box<RecipeConfig>),
    /// Checkpoints alone.
    WithoutConfig,
}

impl Found {
    /// What is in a folder, and a word on a configuration that is not where it should be. Of a run that is to be moved aside
    /// (`new`) it may be broken.
    pub(crate) fn in_folder(out: &Path, new: bool) -> anyhow::Result<(Self, Option<String>)> {
        let lack = match folder::config(out) {
            Some(Ok(config)) => return Ok((Found::Run(config.into()), None)),
            Some(Err(error)) if checkpoints::list(out)?.is_empty() => return Err(error.into()),
            Some(Err(error)) if !new => wrong!(
                "{error}; put that right, or remove the file, as checkpoints have the settings, too; --new starts again"
            ),
            Some(Err(_)) => "cannot be read",
            None => "is missing",
        };
        if !out.is_dir() || checkpoints::list(out)?.is_empty() {
            return Ok((Found::Nothing, None));
        }
        let (newest, _) = checkpoints::newest(out, |_| Ok(()))?;
        let missing = format!("--out {}: config.toml {lack}", out.display());
        match newest.as_ref().and_then(|newest| Some((newest.path(), state::config_of(newest)?))) {
            Some((path, config)) => {
                Ok((Found::Run(config.into()), Some(format!("{missing}; {} has its settings", path.display()))))
            }
            None => Ok((Found::WithoutConfig, Some(missing))),
        }
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
