//! Settings given beside a configuration.

use crate::{Error, Result};
use toml::{Table, Value};

/// One `key=value` of the command line: dotted keys, and a TOML value (or bare text).
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// What messages call it.
    place: String,
    keys: Vec<String>,
    value: Value,
}

impl Override {
    /// Parses `schedule.batch=16`, `generator.img_size=[64,64]`, `data.set=faces.zip`.
    ///
    /// # Errors
    /// When there is no `=`, or a key is empty.
    pub fn parse(text: &str) -> Result<Self> {
        Self::of(text, format!("override `{text}`"))
    }

    /// The override that an option of the command line means, by which messages call it: `--kimg 100` for
    /// `kimg=100`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn of_option(option: &str, text: &str) -> Result<Self> {
        Self::of(text, option.to_owned())
    }

    fn of(text: &str, place: String) -> Result<Self> {
        let problem = |problem: &str| Error::Config { place: place.clone(), problem: problem.into() };
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
        let parsed = parsed(value);
        if parsed.is_none() && is_too_large(value) {
            return Err(problem(
                "is a number too large for a setting; whole numbers go up to 2^63 - 1, others to 1.8e308",
            ));
        }
        let value = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
        Ok(Self { place, keys, value })
    }

    /// Whether it decides what the dotted `key` is.
    pub(super) fn sets(&self, key: &str) -> bool {
        let mut parts = key.split('.');
        self.keys.iter().all(|own| parts.next() == Some(own))
    }

    /// The override that was meant by a list or table that is text, as its words lack the quotes that shells take away:
    /// `eval.metrics=["fid"]` by `eval.metrics=[fid]`.
    pub(super) fn quoted(&self) -> Option<Self> {
        let value = quoted(self.value.as_str()?)?;
        let text = format!("{}={value}", self.keys.join("."));
        Self::of_option(&text, &text).ok()
    }

    /// Sets the key in a configuration.
    pub(super) fn apply(&self, table: &mut Table) -> Result<()> {
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

/// A TOML value.
fn parsed(value: &str) -> Option<Value> {
    toml::from_str::<Table>(&format!("value = {value}")).ok()?.remove("value")
}

/// A list or table with quotes around each word that is no value without.
fn quoted(text: &str) -> Option<String> {
    let (open, close) = if text.starts_with('[') { ('[', ']') } else { ('{', '}') };
    let inner = text.strip_prefix(open)?;
    let inner = inner.strip_suffix(close).unwrap_or(inner);
    let word = |word: &str| {
        let bare = word.trim().trim_matches(['"', '\'']);
        if parsed(bare).is_some() { bare.to_owned() } else { format!("\"{bare}\"") }
    };
    let part = |part: &str| match part.split_once('=') {
        Some((key, value)) if open == '{' => format!("{} = {}", key.trim(), word(value)),
        _ => word(part),
    };
    let parts: Vec<String> = inner.split(',').filter(|part| !part.trim().is_empty()).map(part).collect();
    let text = format!("{open}{}{close}", parts.join(", "));
    // The sentence puts single quotes around it.
    (parsed(&text).is_some() && !inner.contains(['[', '{', '\''])).then_some(text)
}

/// Whether a text is a number for which neither 64-bit type of TOML has room.
fn is_too_large(text: &str) -> bool {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    is_number && text.parse::<f64>().is_ok_and(|number| number.abs() >= 2f64.powi(63))
}

impl std::fmt::Display for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_get_the_quotes_that_they_lack() {
        let meant = |text: &str| Override::parse(text).ok().and_then(|change| Some(change.quoted()?.to_string()));
        for (typed, write) in [
            ("eval.metrics=[fid]", "eval.metrics=[\"fid\"]"),
            ("eval.metrics=[fid, kid", "eval.metrics=[\"fid\", \"kid\"]"),
            ("eval.metrics=[\"fid]", "eval.metrics=[\"fid\"]"),
            ("loss={kind=logistic,r1_gamma=1}", "loss={kind = \"logistic\", r1_gamma = 1}"),
            ("generator.img_size=[64,64", "generator.img_size=[64, 64]"),
        ] {
            assert_eq!(meant(typed).as_deref(), Some(write), "{typed}");
        }
        for typed in ["eval.metrics=fid", "seed=7", "a=[1, 2]", "a=[[1],[b]]", "a=[it's]", "schedule.lr={8:1}"] {
            assert_eq!(meant(typed), None, "{typed}");
        }
    }
}
