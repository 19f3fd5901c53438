//! What `cargo xtask train` and `cargo xtask eval` mean when nothing follows them.

use crate::cargo::root;
use crate::failure::{Failure, Result};
use crate::say::warn;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Adds the default arguments to a bare `train` or `eval`; any other command line is returned as it is.
pub(crate) fn fill(args: Vec<OsString>) -> Result<Vec<OsString>> {
    let [verb] = args.as_slice() else { return Ok(args) };
    let arguments: Vec<OsString> = match verb.to_str() {
        Some("train") => train(),
        Some("eval") => {
            let run = newest_run(&[PathBuf::from("runs"), root().join("runs")]).ok_or_else(|| {
                Failure::wrong(
                    "no run with a checkpoint below runs/: train one with `cargo xtask train`, \
                     or name a network: `cargo xtask eval --network FILE --data SET`",
                )
            })?;
            vec!["eval".into(), "--network".into(), run.into()]
        }
        _ => return Ok(args),
    };
    let shown: Vec<_> = arguments.iter().map(|a| a.to_string_lossy()).collect();
    warn(&format!("stylegan {}", shown.join(" ")));
    Ok(arguments)
}

fn train() -> Vec<OsString> {
    let config = root().join("configs").join("avatars-32.toml");
    vec![
        "train".into(),
        "--config".into(),
        config.into(),
        "--data".into(),
        "avatars".into(),
        "--out".into(),
        "runs/avatars-32".into(),
    ]
}

/// The folder below one of `folders` that holds the checkpoint written last.
fn newest_run(folders: &[PathBuf]) -> Option<PathBuf> {
    folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter_map(|run| Some((newest_checkpoint(&run)?, run)))
        .max_by_key(|(time, _)| *time)
        .map(|(_, run)| run)
}

/// When the newest `network-*.safetensors` of `run` was written.
fn newest_checkpoint(run: &Path) -> Option<SystemTime> {
    std::fs::read_dir(run)
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name();
            let name = name.to_str()?;
            (name.starts_with("network-") && name.ends_with(".safetensors"))
                .then(|| entry.metadata().ok()?.modified().ok())?
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_verbs_get_arguments() {
        let given: Vec<OsString> = vec!["train".into(), "--out".into(), "x".into()];
        assert_eq!(fill(given.clone()).ok(), Some(given));
        let inspect: Vec<OsString> = vec!["inspect".into()];
        assert_eq!(fill(inspect.clone()).ok(), Some(inspect));
        let bare = fill(vec!["train".into()]).unwrap_or_default();
        assert!(bare.iter().any(|a| a == "avatars") && bare.len() == 7, "{bare:?}");
    }

    #[test]
    fn the_run_with_the_newest_checkpoint_wins() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-newest-run-{}", std::process::id()));
        for (run, file) in [("a", "network-000010.safetensors"), ("b", "network-000002.safetensors"), ("c", "log.txt")]
        {
            std::fs::create_dir_all(folder.join(run))?;
            std::fs::write(folder.join(run).join(file), "")?;
            // File times may be no finer than some milliseconds.
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
        let found = newest_run(&[folder.clone(), folder.join("absent")]);
        std::fs::remove_dir_all(&folder)?;
        assert_eq!(found, Some(folder.join("b")));
        Ok(())
    }
}
