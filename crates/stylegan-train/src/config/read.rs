//! From TOML and overrides to a checked configuration, or to one sentence about what is wrong.

use super::TrainConfig;
use super::base::fill_in;
use super::overrides::Override;
use super::place::{Origin, Wrong, line};
use super::unreadable::unreadable;
use crate::{Error, Result};
use serde::Deserialize;
use std::path::Path;
use toml::Table;

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
