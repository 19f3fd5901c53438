//! Constructor arguments as foreign programs store them.

use super::ImportError;
use serde_json::{Map, Value as Json};

/// Keyword arguments, with errors that name the argument. Arguments that were not given are those
/// of `nested` groups or `None`, so that callers state the foreign default.
pub(crate) struct Kwargs<'a> {
    groups: Vec<&'a Map<String, Json>>,
}

impl<'a> Kwargs<'a> {
    /// The arguments in `map`, then those in the mappings under the keys `nested`.
    pub(crate) fn new(map: &'a Map<String, Json>, nested: &[&str]) -> Self {
        let inner = nested.iter().filter_map(|key| map.get(*key)?.as_object());
        Self { groups: std::iter::once(map).chain(inner).collect() }
    }

    fn value(&self, name: &str) -> Option<&'a Json> {
        self.given(name).filter(|value| !value.is_null())
    }

    /// A whole number.
    pub(crate) fn count(&self, name: &str) -> Result<Option<usize>, ImportError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let count = value.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|&count| count <= 1 << 24);
        count
            .map(Some)
            .ok_or_else(|| ImportError(format!("network argument `{name}` is {value}, expected a whole number")))
    }

    /// A finite number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, ImportError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| number.is_finite());
        number.map(Some).ok_or_else(|| ImportError(format!("network argument `{name}` is {value}, expected a number")))
    }

    /// A finite number or `None`, where the foreign default is `default`.
    pub(crate) fn number_or(&self, name: &str, default: Option<f64>) -> Result<Option<f64>, ImportError> {
        let given = self.groups.iter().any(|group| group.contains_key(name));
        if given { self.number(name) } else { Ok(default) }
    }

    /// Whether `None` was given.
    pub(crate) fn is_none(&self, name: &str) -> bool {
        self.given(name).is_some_and(Json::is_null)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name)?.as_str()
    }

    /// True or false, which Python also writes as 1 and 0.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ImportError> {
        let Some(value) = self.given(name) else { return Ok(None) };
        let flag = [true, false].into_iter().find(|flag| same(value, &Json::Bool(*flag)));
        flag.map(Some).ok_or_else(|| unexpected(name, value, "true or false"))
    }

    /// Finite numbers, none for `None`.
    pub(crate) fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>, ImportError> {
        let number = |value: &Json| value.as_f64().filter(|number| number.is_finite());
        let numbers = match self.given(name) {
            None => return Ok(None),
            Some(Json::Null) => Some(vec![]),
            Some(value) => value.as_array().and_then(|list| list.iter().map(number).collect()),
        };
        numbers.map(Some).ok_or_else(|| unexpected(name, self.given(name).unwrap_or(&Json::Null), "numbers"))
    }

    /// Refuses an argument of another value than the only one that networks here have, in whichever group it stands.
    pub(crate) fn only(&self, name: &str, known: &Json) -> Result<(), ImportError> {
        let mut given = self.groups.iter().filter_map(|group| group.get(name));
        match given.find(|value| !same(value, known)) {
            Some(value) => {
                let remedy = "which makes a network that is not known here; known is";
                Err(ImportError(format!("network argument `{name}` is {}, {remedy} {known}", short(value))))
            }
            None => Ok(()),
        }
    }

    /// What was given, `None` included.
    fn given(&self, name: &str) -> Option<&'a Json> {
        self.groups.iter().find_map(|group| group.get(name))
    }
}

/// Whether two values are equal to Python, to which `1 == 1.0 == True`.
fn same(a: &Json, b: &Json) -> bool {
    let number = |value: &Json| value.as_f64().or_else(|| value.as_bool().map(f64::from));
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b || number(a).is_some_and(|a| number(b) == Some(a)),
    }
}

fn unexpected(name: &str, value: &Json, expected: &str) -> ImportError {
    ImportError(format!("network argument `{name}` is {}, expected {expected}", short(value)))
}

/// A value, of which no more than a line is shown.
fn short(value: &Json) -> String {
    format!("{:.60}", value.to_string())
}
