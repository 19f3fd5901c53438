//! From TOML and overrides to a checked configuration, or to one sentence about what is wrong.

use super::TrainConfig;
use super::base::fill_in;
use super::place::{Origin, Wrong, line};
use super::unreadable::unreadable;
use crate::{Error, Result};
use serde::Deserialize;
use std::path::Path;
use toml::{Table, Value};

/// One `key=value` of the command line: dotted keys, and a TOML value (or bare text).
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    text: String,
    keys: Vec<String>,
    value: Value,
}

impl Override {
    /// Parses `schedule.batch=16`, `generator.img_size=[64,64]`, `data.set=faces.zip`.
    ///
    /// # Errors
    /// When there is no `=`, or a key is empty.
    pub fn parse(text: &str) -> Result<Self> {
        let problem = |problem: &str| Error::Config { place: format!("override `{text}`"), problem: problem.into() };
        let Some((key, value)) = text.split_once('=') else {
            return Err(problem("has no `=`; write KEY=VALUE, for instance schedule.batch=16"));
        };
        let keys: Vec<String> = key.split('.').map(|key| key.trim().to_owned()).collect();
        if keys.iter().any(String::is_empty) {
            return Err(problem(
                "has an empty key; write KEY=VALUE with dots between keys, for instance schedule.lr=0.002",
            ));
        }
        let value = value.trim();
        let parsed = toml::from_str::<Table>(&format!("value = {value}")).ok().and_then(|mut t| t.remove("value"));
        let value = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
        Ok(Self { text: text.to_owned(), keys, value })
    }

    /// Whether it decides what the dotted `key` is.
    pub(super) fn sets(&self, key: &str) -> bool {
        let mut parts = key.split('.');
        self.keys.iter().all(|own| parts.next() == Some(own))
    }

    fn apply(&self, table: &mut Table) -> Result<()> {
        let Some((last, parents)) = self.keys.split_last() else { return Ok(()) };
        let mut table = table;
        for (depth, key) in parents.iter().enumerate() {
            let entry = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = entry else {
                return Err(Error::Config {
                    place: format!("override of `{}`", self.keys.join(".")),
                    problem: format!(
                        "`{}` is {}, not a table; set it as a whole",
                        self.keys[..=depth].join("."),
                        entry.type_str()
                    ),
                });
            };
            table = inner;
        }
        table.insert(last.clone(), self.value.clone());
        Ok(())
    }
}

/// Reads a configuration: the TOML `text` (of the file `place`, or any name for messages), then the
/// overrides on top, then checks. An empty text is the default configuration.
///
/// ```
/// use stylegan_train::config::{Override, read};
///
/// let config = read("kimg = 100\n[generator]\nimg_size = [64, 64]\n", "my.toml", &[Override::parse("seed=7")?])?;
/// assert_eq!((config.kimg, config.seed), (100., 7));
/// // The discriminator follows the generator's size, everything else is the published value.
/// assert_eq!(config.schedule.lr.get(64), 0.001);
/// # Ok::<(), stylegan_train::Error>(())
/// ```
///
/// # Errors
/// One sentence that names the file, the key, what was expected and what was found.
pub fn read(text: &str, place: &str, overrides: &[Override]) -> Result<TrainConfig> {
    let problem = |problem: String| Error::Config { place: place.to_owned(), problem };
    let mut table: Table = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(String::new(), |span| format!("line {}: ", line(text, span.start)));
        problem(format!("{line}is not TOML: {}", error.message().replace('\n', ", ")))
    })?;
    for change in overrides {
        change.apply(&mut table)?;
    }
    fill_in(&mut table)?;
    let origin = Origin { text, file: place, overrides };
    let wrong = |Wrong { key, problem }: Wrong| {
        let (place, line) = origin.of(&key);
        Error::Config { place, problem: format!("{line}{problem}") }
    };
    let config = TrainConfig::deserialize(table.clone()).map_err(|error| wrong(unreadable(&table, &error)))?;
    config.check().map_err(wrong)?;
    Ok(config)
}

impl TrainConfig {
    /// Reads a configuration file with overrides on top; see [`read`].
    ///
    /// # Errors
    /// As [`read`], and when the file cannot be read.
    pub fn from_file(path: &Path, overrides: &[Override]) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        read(&text, &path.display().to_string(), overrides)
    }
}

impl std::fmt::Display for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
