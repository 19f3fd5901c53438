//! From TOML and overrides to a checked configuration, or to one sentence about what is wrong.

use super::base::fill_in;
use super::{EmaConfig, LossConfig, TrainConfig};
use crate::{Error, Result};
use serde::Deserialize;
use std::path::Path;
use toml::{Table, Value};

/// One `key=value` of the command line: dotted keys, and a TOML value (or bare text).
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
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
        Ok(Self { keys, value: parsed.unwrap_or_else(|| Value::String(value.to_owned())) })
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
        let line = error.span().map_or(String::new(), |span| {
            format!("line {}: ", 1 + text[..span.start.min(text.len())].matches('\n').count())
        });
        problem(format!("{line}is not TOML: {}", error.message().replace('\n', ", ")))
    })?;
    for change in overrides {
        change.apply(&mut table)?;
    }
    fill_in(&mut table)?;
    let config = TrainConfig::deserialize(table).map_err(|error| {
        let text = error.to_string();
        // The second line is the path: "in `schedule.batch`".
        let key = text.lines().nth(1).and_then(|line| line.strip_prefix("in ")).unwrap_or("the top level");
        problem(format!("key {key}: {}", found(error.message())))
    })?;
    config.check().map_err(problem)?;
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

    /// Checks what the types cannot say. The answer is the problem, as the rest of a sentence.
    fn check(&self) -> std::result::Result<(), String> {
        self.check_numbers()?;
        self.generator.validate().map_err(|error| format!("[generator] {error}"))?;
        self.discriminator.validate().map_err(|error| format!("[discriminator] {error}"))?;
        let (size, channels, c_dim) = self.picture_shape();
        let d = &self.discriminator;
        let other = (d.img_size(), d.img_channels(), d.c_dim());
        if (size, channels, c_dim) != other {
            return Err(format!(
                "[discriminator] img_size, img_channels and c_dim are {other:?}, expected the generator's {:?}; \
                 leave them out of [discriminator]",
                (size, channels, c_dim)
            ));
        }
        self.check_shards()
    }

    fn check_numbers(&self) -> std::result::Result<(), String> {
        let positive = [
            ("kimg", self.kimg),
            ("output.tick_kimg", self.output.tick_kimg),
            ("output.snapshot_kimg", self.output.snapshot_kimg),
            ("output.checkpoint_kimg", self.output.checkpoint_kimg),
            ("eval.kimg", self.eval.kimg),
            ("adam.eps", self.adam.eps),
        ];
        for (key, value) in positive {
            if !(value > 0. && value.is_finite()) {
                return Err(format!("key `{key}`: expected a number above 0, found {value}"));
            }
        }
        let shares =
            [("adam.beta1", self.adam.beta1), ("adam.beta2", self.adam.beta2), ("w_avg_beta", self.w_avg_beta)];
        for (key, value) in shares {
            if !(0. ..1.).contains(&value) {
                return Err(format!("key `{key}`: expected a number from 0 to below 1, found {value}"));
            }
        }
        if !(0. ..=1.).contains(&self.mixing_probability) {
            return Err(format!("key `mixing_probability`: expected 0 to 1, found {}", self.mixing_probability));
        }
        let mut at_least_0 = vec![
            ("schedule.stable_kimg", self.schedule.stable_kimg),
            ("schedule.fade_kimg", self.schedule.fade_kimg),
            ("schedule.lr", self.schedule.lr.base),
        ];
        at_least_0.extend(self.schedule.lr.at.values().map(|lr| ("schedule.lr", *lr)));
        match self.loss {
            LossConfig::Logistic { r1_gamma, r1_interval } => {
                at_least_0.push(("loss.r1_gamma", r1_gamma));
                if r1_interval == 0 {
                    return Err("key `loss.r1_interval`: expected at least 1, found 0".into());
                }
            }
            LossConfig::WganGp { lambda, drift, target, n_critic } => {
                at_least_0.extend([("loss.lambda", lambda), ("loss.drift", drift)]);
                if !(target > 0. && target.is_finite()) || n_critic == 0 {
                    return Err(format!(
                        "keys `loss.target`, `loss.n_critic`: expected numbers above 0, found {target}, {n_critic}"
                    ));
                }
            }
        }
        match self.ema {
            EmaConfig::HalfLife { kimg, ramp } => at_least_0.extend([("ema.kimg", kimg), ("ema.ramp", ramp)]),
            EmaConfig::PerStep { beta } => {
                if !(0. ..1.).contains(&beta) {
                    return Err(format!("key `ema.beta`: expected a number from 0 to below 1, found {beta}"));
                }
            }
        }
        if let Some(path_length) = &self.path_length {
            at_least_0.push(("path_length.weight", path_length.weight));
            if path_length.interval == 0 || !(0. ..=1.).contains(&path_length.decay) {
                return Err(format!(
                    "keys `path_length.interval`, `path_length.decay`: expected at least 1 and a number from 0 to 1, \
                     found {}, {}",
                    path_length.interval, path_length.decay
                ));
            }
        }
        for (key, value) in at_least_0 {
            if !(value >= 0. && value.is_finite()) {
                return Err(format!("key `{key}`: expected a number from 0, found {value}"));
            }
        }
        Ok(())
    }

    fn check_shards(&self) -> std::result::Result<(), String> {
        let start = self.schedule.start_resolution;
        if !start.is_power_of_two() || start < 4 {
            return Err(format!("key `schedule.start_resolution`: expected 4, 8, 16, …, found {start}"));
        }
        if self.shards.at_once == 0 {
            return Err("key `shards.at_once`: expected at least 1, found 0".into());
        }
        let full = self.resolution().map_err(|error| error.to_string())?;
        let mut resolution = if self.grows() { start.min(full) } else { full };
        while resolution <= full {
            let (batch, shard, group) = (
                self.schedule.batch.get(resolution),
                self.shards.size.get(resolution),
                self.discriminator.mbstd_group(),
            );
            if shard == 0 || batch == 0 || !batch.is_multiple_of(shard) {
                return Err(format!(
                    "key `shards.size`: expected a divisor of the batch of {batch} at {resolution} pixels, found {shard}"
                ));
            }
            if group > 1 && !shard.is_multiple_of(group) {
                return Err(format!(
                    "key `shards.size`: expected a multiple of discriminator.mbstd_group = {group} at {resolution} \
                     pixels, found {shard}"
                ));
            }
            let shrink = self.path_length.as_ref().map_or(1, |path_length| path_length.shrink);
            if shrink == 0 || !shard.is_multiple_of(shrink) {
                return Err(format!(
                    "key `path_length.shrink`: expected a divisor of shards.size = {shard}, found {shrink}"
                ));
            }
            resolution *= 2;
        }
        Ok(())
    }
}

/// serde's "invalid type: string "x", expected usize" in our order of words.
fn found(message: &str) -> String {
    let message = message.replace("expected usize", "expected a whole number from 0");
    let message =
        message.replace("expected u64", "expected a whole number from 0").replace("expected f64", "expected a number");
    match message.strip_prefix("invalid type: ").or(message.strip_prefix("invalid value: ")) {
        Some(rest) => match rest.split_once(", expected ") {
            Some((found, expected)) => format!("expected {expected}, found {found}"),
            None => rest.to_owned(),
        },
        None => message,
    }
}
