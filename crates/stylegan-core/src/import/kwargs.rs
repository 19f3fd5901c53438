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
        self.groups.iter().find_map(|group| group.get(name)).filter(|value| !value.is_null())
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
        self.groups.iter().find_map(|group| group.get(name)).is_some_and(Json::is_null)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name)?.as_str()
    }
}
