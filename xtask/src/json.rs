//! JSON, as far as reports and the data of tables and charts need it.

use std::fmt;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Number(f64),
    Truth(bool),
    Text(String),
    List(Vec<Json>),
    /// Keys and values, in the order in which they are written.
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Json::Text(text.into())
    }

    pub(crate) fn object<const N: usize>(entries: [(&str, Json); N]) -> Self {
        Json::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Values that hold no others are on one line.
    fn is_flat(&self) -> bool {
        match self {
            Json::Number(_) | Json::Truth(_) | Json::Text(_) => true,
            Json::List(values) => values.is_empty(),
            Json::Object(entries) => !entries.iter().any(|(_, value)| matches!(value, Json::List(_) | Json::Object(_))),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let flat = self.is_flat();
        let line = |f: &mut fmt::Formatter<'_>, i: usize, depth: usize| {
            let comma = if i > 0 { "," } else { "" };
            let space = if i > 0 { " " } else { "" };
            if flat { write!(f, "{comma}{space}") } else { write!(f, "{comma}\n{:1$}", "", 2 * depth) }
        };
        let end = |f: &mut fmt::Formatter<'_>| if flat { Ok(()) } else { write!(f, "\n{:1$}", "", 2 * depth) };
        match self {
            // JSON has no such numbers.
            Json::Number(number) if !number.is_finite() => write!(f, "null"),
            Json::Number(number) => write!(f, "{number}"),
            Json::Truth(truth) => write!(f, "{truth}"),
            Json::Text(text) => quoted(f, text),
            Json::List(values) => {
                write!(f, "[")?;
                for (i, value) in values.iter().enumerate() {
                    line(f, i, depth + 1)?;
                    value.write(f, depth + 1)?;
                }
                end(f)?;
                write!(f, "]")
            }
            Json::Object(entries) => {
                write!(f, "{{")?;
                for (i, (key, value)) in entries.iter().enumerate() {
                    line(f, i, depth + 1)?;
                    quoted(f, key)?;
                    write!(f, ": ")?;
                    value.write(f, depth + 1)?;
                }
                end(f)?;
                write!(f, "}}")
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => write!(f, "\\n")?,
            c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    write!(f, "\"")
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_json() {
        let json = Json::object([
            ("a\"b\\", Json::text("line\nbreak é")),
            (
                "n",
                Json::List(vec![Json::Number(1.5), Json::Number(f64::NAN), Json::object([("x", Json::Number(-2.))])]),
            ),
            ("none", Json::List(vec![])),
            ("true", Json::Truth(true)),
        ]);
        assert_eq!(
            json.to_string(),
            "{\n  \"a\\\"b\\\\\": \"line\\nbreak é\",\n  \"n\": [\n    1.5,\n    null,\n    {\"x\": -2}\n  ],\n  \"none\": [],\n  \"true\": true\n}"
        );
    }
}
