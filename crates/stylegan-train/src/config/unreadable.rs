//! What serde says about a configuration it cannot read, in our words.

use super::place::Wrong;
use super::settings::Table as Settings;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be a slip for the other.
const ALIKE: f64 = 0.8;

/// What serde calls a table.
const TABLES: [&str; 2] = ["struct ", "internally tagged enum "];

/// Keys that say of which kind a table is.
const KINDS: [&str; 2] = ["architecture", "kind"];

/// The key that `error` is about, which came of reading a `C` from `table`, and the sentence. `settings` are
/// those of its recipe.
pub(super) fn unreadable<C: DeserializeOwned>(table: &Table, error: &toml::de::Error, settings: &[Settings]) -> Wrong {
    let text = error.to_string();
    // The second line is the path: "in `schedule.batch`".
    let path = text.lines().nth(1).and_then(|line| line.strip_prefix("in `")?.strip_suffix('`')).unwrap_or_default();
    let message = error.message();
    if let Some((name, others)) = unknown(message, "unknown field ") {
        return unknown_key(path, name, &others, settings);
    }
    let path = origin(table, culprit::<C>(table, path, message));
    let place = if path.is_empty() { "the top level" } else { path.as_str() };
    let key = format!("key `{place}`: ");
    match unknown(message, "unknown variant ") {
        Some((name, others)) => {
            let near = nearest(name, &others).map_or(String::new(), |near| format!(", did you mean `{near}`?"));
            Wrong { problem: format!("{key}`{name}` is none of {}{near}", list(&others)), key: path }
        }
        None => Wrong { problem: key + &found(message, &path, settings), key: path },
    }
}

/// The unknown name of "unknown field `a`, expected one of `b`, `c`", and the known ones.
fn unknown<'a>(message: &'a str, kind: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let mut quoted = message.strip_prefix(kind)?.split('`').skip(1).step_by(2);
    Some((quoted.next()?, quoted.collect()))
}

/// A key that its table does not have: the nearest one that it has, or the table that has it.
fn unknown_key(table: &str, name: &str, others: &[&str], settings: &[Settings]) -> Wrong {
    let elsewhere = || {
        // A table of this name that has it is that of another architecture.
        let mut tables = settings.iter().filter(|other| other.name != table);
        let owner = tables.find(|other| other.settings.iter().any(|setting| setting.key == name))?;
        let place = if owner.name.is_empty() { "above all tables".into() } else { format!("to [{}]", owner.name) };
        Some(format!("it belongs {place}"))
    };
    let hint = match nearest(name, others) {
        Some(near) => format!("did you mean `{near}`?"),
        None => elsewhere().unwrap_or_else(|| format!("expected one of {}", list(others))),
    };
    let (key, place) = match table {
        "" => (name.to_owned(), "the top level".to_owned()),
        _ => (format!("{table}.{name}"), format!("table `{table}`")),
    };
    Wrong { key, problem: format!("{place}: unknown key `{name}`; {hint}") }
}

/// Tables whose kind is a key of theirs are read as a whole, and the error names the table alone: the
/// key is the one without which the error goes away.
fn culprit<C: DeserializeOwned>(table: &Table, path: &str, message: &str) -> String {
    if let Some(Value::Table(inner)) = table.get(path) {
        // Without its kind a table is read as another one: the kind is asked last.
        let (kinds, others): (Vec<_>, Vec<_>) = inner.keys().partition(|key| KINDS.contains(&key.as_str()));
        for key in others.into_iter().chain(kinds) {
            let mut without = table.clone();
            // The discriminator has it from the generator, unless it has its own; either may be read first.
            for part in [path, "generator", "discriminator"] {
                if let Some(Value::Table(inner)) = without.get_mut(part) {
                    inner.remove(key);
                }
            }
            if C::deserialize(without).err().is_none_or(|error| error.message() != message) {
                return format!("{path}.{key}");
            }
        }
    }
    path.to_owned()
}

/// What the discriminator has from the generator, by its place there.
fn origin(table: &Table, path: String) -> String {
    let value = |name: &str, key: &str| table.get(name)?.as_table()?.get(key).cloned();
    match path.strip_prefix("discriminator.") {
        Some(key) if value("generator", key) == value("discriminator", key) => format!("generator.{key}"),
        _ => path,
    }
}

/// The name that `name` is most like, if any is alike.
fn nearest<'a>(name: &str, others: &[&'a str]) -> Option<&'a str> {
    let alike = others.iter().map(|&other| (strsim::jaro_winkler(name, other), other));
    alike.filter(|(score, _)| *score >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, other)| other)
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// serde's "invalid type: string "x", expected usize" in our order of words, about the key or table `path`.
fn found(message: &str, path: &str, settings: &[Settings]) -> String {
    let message = message.replace("expected usize", "expected a whole number from 0");
    let message =
        message.replace("expected u64", "expected a whole number from 0").replace("expected f64", "expected a number");
    match message.strip_prefix("invalid type: ").or(message.strip_prefix("invalid value: ")) {
        Some(rest) => match rest.split_once(", expected ") {
            // Rust's name of a table is nobody else's.
            Some((found, expected)) if TABLES.iter().any(|kind| expected.starts_with(kind)) => {
                let table = settings.iter().find(|table| table.name == path);
                let key = table.and_then(|table| table.settings.first()).map_or("key", |setting| setting.key.as_str());
                format!("expected a table, found {found}; set its keys one by one, such as {path}.{key}")
            }
            Some((found, expected)) => format!("expected {expected}, found {found}"),
            None => rest.to_owned(),
        },
        None => message,
    }
}
