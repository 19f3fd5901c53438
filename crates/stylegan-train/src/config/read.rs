//! From TOML and overrides to a checked configuration, or to one sentence about what is wrong.

use super::overrides::Override;
use super::place::{Origin, Wrong, line};
use super::settings::{Table as Settings, encoder_tables, spade_tables, tables};
use super::unreadable::unreadable;
use super::{EncoderTrainConfig, RecipeConfig, SpadeTrainConfig, TrainConfig};
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use std::path::Path;
use toml::{Table, Value};

/// A configuration that can stand in a file.
trait FileConfig: DeserializeOwned {
    /// Puts in what the file may leave out.
    fn fill_in(table: &mut Table) -> Result<()>;

    /// Checks what the types cannot say.
    fn check(&self) -> Result<(), Wrong>;

    /// All settings.
    fn settings() -> Vec<Settings>;
}

impl FileConfig for TrainConfig {
    fn fill_in(table: &mut Table) -> Result<()> {
        Self::fill_in(table)
    }

    fn check(&self) -> Result<(), Wrong> {
        self.check()
    }

    fn settings() -> Vec<Settings> {
        tables()
    }
}

impl FileConfig for SpadeTrainConfig {
    fn fill_in(table: &mut Table) -> Result<()> {
        Self::fill_in(table)
    }

    fn check(&self) -> Result<(), Wrong> {
        self.check()
    }

    fn settings() -> Vec<Settings> {
        spade_tables()
    }
}

impl FileConfig for EncoderTrainConfig {
    fn fill_in(table: &mut Table) -> Result<()> {
        Self::fill_in(table);
        Ok(())
    }

    fn check(&self) -> Result<(), Wrong> {
        self.check()
    }

    fn settings() -> Vec<Settings> {
        encoder_tables()
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
    match read_recipe(text, place, overrides)? {
        RecipeConfig::Gan(config) => Ok(*config),
        RecipeConfig::Spade(_) | RecipeConfig::Encoder(_) => Err(Error::Config {
            place: place.to_owned(),
            problem: "is of another recipe, expected a generator and a discriminator of images alone".into(),
        }),
    }
}

/// Reads a configuration of any recipe that files describe, as [`read`] does: the key `recipe` above all
/// tables chooses which, and a file without it is of a generator and a discriminator of images.
///
/// # Errors
/// As [`read`], and when the recipe is not known.
pub fn read_recipe(text: &str, place: &str, overrides: &[Override]) -> Result<RecipeConfig> {
    let problem = |problem: String| Error::Config { place: place.to_owned(), problem };
    let mut table: Table = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(String::new(), |span| format!("line {}: ", line(text, span.start)));
        problem(format!("{line}is not TOML: {}", error.message().replace('\n', ", ")))
    })?;
    for change in overrides {
        change.apply(&mut table)?;
    }
    let origin = Origin { text, file: place, overrides };
    match table.remove("recipe") {
        None if paints_maps(&table) => Err(wrong(
            &origin,
            Wrong::new(
                "generator.architecture",
                "networks that paint label maps are of another recipe; write recipe = \"spade\" above all tables",
            ),
        )),
        None => finish(table, &origin).map(|config| RecipeConfig::Gan(Box::new(config))),
        Some(Value::String(name)) if name == "spade" => {
            finish(table, &origin).map(|config| RecipeConfig::Spade(Box::new(config)))
        }
        Some(Value::String(name)) if name == "encoder" => {
            finish(table, &origin).map(|config| RecipeConfig::Encoder(Box::new(config)))
        }
        Some(Value::String(name)) if ["classifier", "segmenter"].contains(&name.as_str()) => Err(problem(format!(
            "is the run of a {name}; `stylegan {name}` with the file that it was started for goes on with it"
        ))),
        Some(other) => Err(wrong(
            &origin,
            Wrong::new(
                "recipe",
                format!("{other} is none of `spade`, `encoder`; leave it out for StyleGAN and Progressive GAN"),
            ),
        )),
    }
}

/// Whether a table names a generator of label maps.
fn paints_maps(table: &Table) -> bool {
    let architecture =
        table.get("generator").and_then(|generator| generator.get("architecture")).and_then(Value::as_str);
    matches!(architecture, Some("spade" | "pix2pixhd"))
}

/// A checked configuration of a table.
fn finish<C: FileConfig>(table: Table, origin: &Origin) -> Result<C> {
    let mut filled = table.clone();
    C::fill_in(&mut filled)?;
    let unread = |error: toml::de::Error| {
        let mut found = unreadable::<C>(&filled, &error, &C::settings());
        let meant = origin.change(&found.key).and_then(Override::quoted);
        if let Some(meant) = meant.filter(|meant| reads::<C>(table, meant)) {
            found.problem.push_str(&format!("; write '{meant}'"));
        }
        wrong(origin, found)
    };
    let config = C::deserialize(filled.clone()).map_err(unread)?;
    config.check().map_err(|problem| wrong(origin, problem))?;
    Ok(config)
}

/// Whether a table can be read with this change.
fn reads<C: FileConfig>(mut table: Table, change: &Override) -> bool {
    change.apply(&mut table).and_then(|()| C::fill_in(&mut table)).is_ok() && C::deserialize(table).is_ok()
}

fn wrong(origin: &Origin, Wrong { key, problem }: Wrong) -> Error {
    let (place, line) = origin.of(&key);
    Error::Config { place, problem: format!("{line}{problem}") }
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

impl RecipeConfig {
    /// Reads a configuration file with overrides on top; see [`read_recipe`].
    ///
    /// # Errors
    /// As [`read_recipe`], and when the file cannot be read.
    pub fn from_file(path: &Path, overrides: &[Override]) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        read_recipe(&text, &path.display().to_string(), overrides)
    }
}
