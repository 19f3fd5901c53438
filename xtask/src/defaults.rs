//! What `cargo xtask VERB` means where the command line leaves something out: which configuration, which
//! pictures, which run.

use crate::cargo::root;
use crate::failure::{Failure, Result};
use crate::say::warn;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Verbs that work with a network.
const WITH_NETWORK: [&str; 5] = ["eval", "generate", "mix", "interpolate", "figures"];

/// The network that comes with the program, for who has no run yet.
const BUILT_IN: &str = "avatars-64";

/// The configuration that is trained where none is named, and its pictures.
const CONFIG: &str = "avatars-32";
const DATA: &str = "avatars";

/// Options of which each is an answer in itself: nothing is missing beside them.
const ANSWERS: [&str; 5] = ["--help", "-h", "--list-configs", "--list-settings", "--images"];

/// Adds the arguments that a verb cannot do without and says which.
pub(crate) fn fill(mut args: Vec<OsString>) -> Result<Vec<OsString>> {
    let verb = args.first().and_then(|verb| verb.to_str()).unwrap_or_default().to_owned();
    if ANSWERS.iter().any(|option| has(&args, option)) {
        return Ok(args);
    }
    let missing = match verb.as_str() {
        "train" => train(&args),
        verb if WITH_NETWORK.contains(&verb) && !has(&args, "--network") => {
            let run = newest_run(&[PathBuf::from("runs"), root().join("runs")]);
            if run.is_none() && verb == "eval" {
                return Err(Failure::wrong(
                    "no run with a checkpoint below runs/: train one with `cargo xtask train`, or name network and \
                     pictures: `cargo xtask eval --network FILE|RUN|NAME --data SET`",
                ));
            }
            vec!["--network".into(), run.map_or_else(|| BUILT_IN.into(), Into::into)]
        }
        _ => return Ok(args),
    };
    if !missing.is_empty() {
        let shown: Vec<_> = missing.iter().map(|a: &OsString| a.to_string_lossy()).collect();
        warn(&format!("filled in: {}", shown.join(" ")));
    }
    // Before what was typed: a last argument may take several values.
    args.splice(1..1, missing);
    Ok(args)
}

/// What is missing of a run: where it goes, and, unless a run is there, what it is.
fn train(args: &[OsString]) -> Vec<OsString> {
    let (config, data, out) = (value(args, "--config"), value(args, "--data"), value(args, "--out"));
    let mut missing: Vec<OsString> = Vec::new();
    let folder = out.clone().unwrap_or_else(|| {
        Path::new("runs").join(config.as_ref().or(data.as_ref()).map_or_else(|| CONFIG.into(), |path| name(path)))
    });
    let goes_on = folder.join("config.toml").is_file() && !has(args, "--new");
    if config.is_none() && data.is_none() && !goes_on {
        missing.extend(["--config", CONFIG, "--data", DATA].map(OsString::from));
    }
    if out.is_none() && !has(args, "--print-config") {
        missing.extend(["--out".into(), folder.into()]);
    }
    missing
}

/// What a configuration or a set is called: its file's name without what says its kind; `.` is called as the folder that it is.
fn name(path: &Path) -> OsString {
    let file = path.file_name().map(OsString::from);
    let file = file.or_else(|| std::fs::canonicalize(path).ok()?.file_name().map(OsString::from));
    let kind = |path: &Path| path.extension().is_some_and(|end| end == "zip" || end == "toml");
    match file.map(PathBuf::from) {
        Some(file) if kind(&file) => file.with_extension("").into(),
        Some(file) => file.into(),
        None => "unnamed".into(),
    }
}

/// Whether `option` was given, alone or as `--option=value`.
fn has(args: &[OsString], option: &str) -> bool {
    args.iter().skip(1).any(|arg| arg == option) || value(args, option).is_some()
}

/// The value of `option`, given as `--option value` or `--option=value`.
pub(crate) fn value(args: &[OsString], option: &str) -> Option<PathBuf> {
    let at = args.iter().position(|arg| arg == option).and_then(|at| args.get(at + 1)).map(PathBuf::from);
    let joined =
        || args.iter().find_map(|arg| arg.to_str()?.strip_prefix(option)?.strip_prefix('=').map(PathBuf::from));
    at.or_else(joined)
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

    fn line(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn what_is_missing_of_a_run_is_filled_in() {
        for (typed, missing) in [
            ("train", "--config avatars-32 --data avatars --out runs/avatars-32"),
            ("train --kimg 5", "--config avatars-32 --data avatars --out runs/avatars-32"),
            ("train --out x", "--config avatars-32 --data avatars"),
            ("train --out=x --new", "--config avatars-32 --data avatars"),
            ("train --data sets/faces.zip", "--out runs/faces"),
            ("train --data sets/faces.2024", "--out runs/faces.2024"),
            // The tests' own folder.
            ("train --data .", "--out runs/xtask"),
            ("train --data src/..", "--out runs/xtask"),
            ("train --config sg2/avatars-64", "--out runs/avatars-64"),
            ("train --config my.toml --data faces", "--out runs/my"),
            ("train --config my.toml --data faces --out x", ""),
            ("train --print-config", "--config avatars-32 --data avatars"),
            ("train --help", ""),
            ("train --list-configs", ""),
            ("inspect", ""),
            ("eval --images a b", ""),
            ("generate --network=x", ""),
        ] {
            let mut expected = line(typed);
            if !missing.is_empty() {
                expected.splice(1..1, line(missing));
            }
            assert_eq!(fill(line(typed)).ok(), Some(expected), "{typed}");
        }
    }

    #[test]
    fn a_run_that_is_there_goes_on_as_it_is() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-run-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("config.toml"), "")?;
        let typed: Vec<OsString> = vec!["train".into(), "--out".into(), folder.clone().into()];
        let (alone, again) = (train(&typed), train(&[&typed[..], &["--new".into()]].concat()));
        std::fs::remove_dir_all(&folder)?;
        assert!(alone.is_empty() && again.len() == 4, "{alone:?} {again:?}");
        Ok(())
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
