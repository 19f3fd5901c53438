//! Configurations by name: those of `configs/` are built in, so that they work from anywhere.

use crate::exit::wrong;
use crate::status::say;
use std::path::Path;
use stylegan_train::config::{Override, RecipeConfig, read_recipe};

/// All files of `configs/`, each below a line with its name. The folder of a package cannot look
/// outside of itself, so this is a copy, which a test keeps current.
const BUNDLE: &str = include_str!("../assets/configs.txt");

/// What the line of a name begins with.
const MARK: &str = "#: ";

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be a slip for the other.
const ALIKE: f64 = 0.8;

/// A configuration that is not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// What messages call it: the path of a file, or a built-in name.
    pub(crate) name: String,
    text: String,
}

impl Source {
    /// What `--config` means: a file, or the name of a built-in configuration. A file wins, with a word.
    pub(crate) fn of(typed: &Path) -> anyhow::Result<Self> {
        let name = name_of(typed);
        let built_in = Self::built_in(&name);
        let with_ending = typed.with_added_extension("toml");
        if let Some(file) = [typed, &with_ending].into_iter().find(|path| path.is_file()) {
            if built_in.is_some() && typed == Path::new(&name) {
                say(&format!("--config {name}: the file {} is used, not the built-in configuration", file.display()));
            }
            return Self::file(file);
        }
        match built_in {
            Some(built_in) => {
                if typed != Path::new(&name) {
                    say(&format!("--config {}: no such file here; the built-in {name} is used", typed.display()));
                }
                Ok(built_in)
            }
            None => {
                if let Ok(about) = typed.metadata() {
                    let what = if about.is_dir() { "a folder" } else { "a device or a pipe" };
                    wrong!("--config {} is {what}; give a file, or a built-in name", typed.display());
                }
                let near = nearest(&name).map_or_else(String::new, |near| format!("did you mean {near}? "));
                wrong!(
                    "--config {}: there is no such file and no built-in configuration of that name; {near}\
                     `stylegan train --list-configs` lists them",
                    typed.display()
                )
            }
        }
    }

    /// The configuration in this file.
    pub(crate) fn file(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).map_err(stylegan_train::Error::io("read", path))?;
        let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0);
        let text = match String::from_utf8(bytes) {
            Ok(text) if !is_utf16 => text,
            _ => wrong!(
                "--config {}: the text is in {}, expected UTF-8; save it in that",
                path.display(),
                if is_utf16 { "UTF-16" } else { "another encoding" }
            ),
        };
        Ok(Source { name: path.display().to_string(), text })
    }

    /// The built-in configuration of this name.
    pub(crate) fn built_in(name: &str) -> Option<Self> {
        let (name, text) = all().find(|(own, _)| *own == name)?;
        Some(Source { name: name.into(), text: text.into() })
    }

    /// The published run, on which every configuration builds.
    pub(crate) fn published() -> Self {
        Source { name: "the default configuration".into(), text: String::new() }
    }

    /// The configuration of a run at hand.
    pub(crate) fn of_run(config: &RecipeConfig) -> anyhow::Result<Self> {
        Ok(Source { name: "the configuration of the run".into(), text: config.to_toml()? })
    }

    /// The configuration with these settings on top.
    pub(crate) fn read(&self, overrides: &[Override]) -> anyhow::Result<RecipeConfig> {
        Ok(read_recipe(&self.text, &self.name, overrides)?)
    }
}

/// A line for each built-in configuration: its name and the first sentence of its text.
pub(crate) fn list() -> String {
    let width = all().map(|(name, _)| name.len()).max().unwrap_or_default();
    all().map(|(name, text)| format!("{name:width$}  {}\n", first_sentence(text))).collect()
}

/// Names and texts, sorted.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    BUNDLE.split(MARK).filter_map(|part| part.split_once('\n'))
}

/// `configs/sg1/table1-a.toml`, as `sg1/table1-a`.
fn name_of(typed: &Path) -> String {
    let name = typed.to_string_lossy().replace('\\', "/");
    let name = name.strip_prefix("./").unwrap_or(&name);
    let name = name.strip_prefix("configs/").unwrap_or(name);
    name.strip_suffix(".toml").unwrap_or(name).to_owned()
}

fn nearest(name: &str) -> Option<&'static str> {
    let last = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
    let likeness = |own| strsim::jaro_winkler(name, own).max(strsim::jaro_winkler(name, last(own)));
    let alike = all().map(|(own, _)| (likeness(own), own)).filter(|(likeness, _)| *likeness >= ALIKE);
    // Of equals the shortest: `avatars-32` rather than one of that name in a folder.
    alike.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.len().cmp(&a.1.len()))).map(|(_, own)| own)
}

/// The first sentence of the comment that a file begins with.
fn first_sentence(text: &str) -> String {
    let comment = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let comment = comment.collect::<Vec<_>>().join(" ");
    // A sentence ends before a capital letter: not in "Karras et al. 2020".
    let end = comment.match_indices('.').map(|(at, _)| at).find(|&at| {
        let rest = &comment[at + 1..];
        rest.is_empty() || rest.trim_start().starts_with(char::is_uppercase) && rest.starts_with(' ')
    });
    comment[..end.unwrap_or(comment.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use std::path::PathBuf;

    /// `assets/configs.txt` is written from `configs/`. When it is out of date this test brings it up
    /// to date and fails; commit the file.
    #[test]
    fn the_built_in_configurations_are_those_of_the_folder() -> std::io::Result<()> {
        fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    collect(&path, files)?;
                } else if path.extension().is_some_and(|extension| extension == "toml") {
                    files.push(path);
                }
            }
            Ok(())
        }
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = package.join("../../configs");
        if !folder.is_dir() {
            return Ok(()); // The package on its own.
        }
        let mut files = vec![];
        collect(&folder, &mut files)?;
        let names = files.iter().map(|path| name_of(path.strip_prefix(&folder).unwrap_or(path)));
        let mut named: Vec<_> = names.zip(&files).collect();
        // Those of this folder before those of folders below it.
        named.sort_by_key(|(name, _)| (name.contains('/'), name.clone()));
        let mut bundle = String::new();
        for (name, path) in named {
            let text = std::fs::read_to_string(path)?.replace("\r\n", "\n");
            bundle.push_str(&format!("{MARK}{name}\n{text}"));
        }
        let current = BUNDLE.replace("\r\n", "\n") == bundle;
        if !current {
            std::fs::write(package.join("assets/configs.txt"), bundle)?;
        }
        assert!(current, "assets/configs.txt was out of date; it has been written again, commit it");
        Ok(())
    }

    #[test]
    fn every_built_in_configuration_reads_and_says_what_it_is() -> anyhow::Result<()> {
        assert!(all().count() >= 35);
        for (name, text) in all() {
            let source = Source::built_in(name).context("found by its name")?;
            assert!(!source.read(&[])?.data().set.is_empty(), "{name}");
            assert!(first_sentence(text).len() > 10, "{name}: {}", first_sentence(text));
        }
        assert_eq!(
            first_sentence("# Faces at 1.5 s (Karras et al. 2020): good. More.\nseed = 1\n"),
            "Faces at 1.5 s (Karras et al. 2020): good"
        );
        Ok(())
    }

    #[test]
    fn names_are_paths_without_folder_and_ending() {
        for typed in
            ["sg1/table1-a", "configs/sg1/table1-a.toml", "./configs/sg1/table1-a.toml", "configs\\sg1\\table1-a"]
        {
            assert_eq!(name_of(Path::new(typed)), "sg1/table1-a", "{typed}");
        }
        assert_eq!(nearest("avatar32"), Some("avatars-32"));
        assert_eq!(nearest("table1a"), Some("sg1/table1-a"));
        assert_eq!(nearest("zzz"), None);
    }
}
