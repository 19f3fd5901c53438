//! Where a setting comes from: a line of the file, or an override.

use super::overrides::Override;
use crate::Error;
use std::fmt::Display;
use toml::de::{DeTable, DeValue};

/// A setting that describes no run, found when configurations check themselves.
#[derive(Debug, PartialEq)]
pub(crate) struct Wrong {
    /// Dotted key.
    pub(super) key: String,
    /// The rest of the sentence, from the name of the key or table on.
    pub(super) problem: String,
}

/// Of a configuration that no file is known of, such as one that a program made.
impl From<Wrong> for Error {
    fn from(Wrong { problem, .. }: Wrong) -> Self {
        Error::Config { place: "the configuration".into(), problem }
    }
}

impl Wrong {
    /// About one key: what was expected, what was found.
    pub(super) fn new(key: &str, problem: impl Display) -> Self {
        Self { key: key.into(), problem: format!("key `{key}`: {problem}") }
    }

    /// About a table; the problem begins with the name of one of its keys.
    pub(super) fn table(table: &str, problem: impl Display) -> Self {
        let problem = problem.to_string();
        let first = problem.split([' ', ',']).next().unwrap_or_default();
        Self { key: format!("{table}.{first}"), problem: format!("[{table}] {problem}") }
    }
}

/// Refuses numbers that are not from 0 on.
pub(super) fn at_least_0(key: &str, value: f64) -> Result<(), Wrong> {
    if value >= 0. && value.is_finite() {
        return Ok(());
    }
    Err(Wrong::new(key, format!("expected a number from 0, found {value}")))
}

/// Refuses numbers that are not above 0.
pub(super) fn above_0(key: &str, value: f64) -> Result<(), Wrong> {
    if value > 0. && value.is_finite() {
        return Ok(());
    }
    Err(Wrong::new(key, format!("expected a number above 0, found {value}")))
}

/// Refuses 0.
pub(super) fn at_least_1(key: &str, value: usize) -> Result<(), Wrong> {
    if value > 0 {
        return Ok(());
    }
    Err(Wrong::new(key, "expected at least 1, found 0"))
}

/// Refuses shares that are not from 0 to below 1.
pub(super) fn share(key: &str, value: f64) -> Result<(), Wrong> {
    if (0. ..1.).contains(&value) {
        return Ok(());
    }
    Err(Wrong::new(key, format!("expected a number from 0 to below 1, found {value}")))
}

/// What a configuration is read from.
pub(super) struct Origin<'a> {
    /// The TOML, and the name of its file.
    pub(super) text: &'a str,
    pub(super) file: &'a str,
    pub(super) overrides: &'a [Override],
}

impl Origin<'_> {
    /// The override that sets `key`.
    pub(super) fn change(&self, key: &str) -> Option<&Override> {
        self.overrides.iter().rev().find(|change| change.sets(key))
    }

    /// Who sets `key`, the override or the file, and the line where it stands, if it does.
    pub(super) fn of(&self, key: &str) -> (String, String) {
        if let Some(change) = self.change(key) {
            return (change.to_string(), String::new());
        }
        let line = line_of(self.text, key).map_or_else(String::new, |line| format!("line {line}, "));
        (self.file.to_owned(), line)
    }
}

/// The line, from 1, on which a dotted key, or the deepest of its tables that is there, stands.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let (mut table, mut at) = (document.get_ref(), None);
    for part in key.split('.') {
        let Some((name, value)) = table.get_key_value(part) else { break };
        at = Some(name.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    at.map(|at| line(text, at))
}

/// The line, from 1, of a byte of `text`.
pub(super) fn line(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at.min(text.len())].iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_lines() {
        let text = "seed = 1\n\n[schedule]\nbatch = { base = 8,\n 8 = 4 }\n[loss]\nr1_gamma = 1\n";
        assert_eq!(line_of(text, "seed"), Some(1));
        assert_eq!(line_of(text, "schedule.batch"), Some(4));
        assert_eq!(line_of(text, "schedule.batch.8"), Some(5));
        assert_eq!(line_of(text, "loss.r1_interval"), Some(6));
        assert_eq!(line_of(text, "ema"), None);
        let overrides = [Override::parse("loss.r1_gamma=-1").unwrap(), Override::parse("shards={size=3}").unwrap()];
        let origin = Origin { text, file: "my.toml", overrides: &overrides };
        let of = |key| {
            let (place, line) = origin.of(key);
            format!("{place}: {line}")
        };
        assert_eq!(of("loss.r1_gamma"), "override `loss.r1_gamma=-1`: ");
        assert_eq!(of("shards.size"), "override `shards={size=3}`: ");
        assert_eq!(of("schedule.batch"), "my.toml: line 4, ");
        assert_eq!(of("kimg"), "my.toml: ");
    }
}
