//! What came of the checks, as one JSON file.

use crate::failure::Result;
use std::fmt::Write;

/// A value of the file.
pub(super) enum Value {
    Text(String),
    Number(f64),
    Truth(bool),
}

/// All checks, in order.
#[derive(Default)]
pub(super) struct Report {
    about: Vec<(&'static str, Value)>,
    checks: Vec<Vec<(String, Value)>>,
    failed: usize,
}

impl Report {
    /// Notes something about the program or the machine.
    pub(super) fn about(&mut self, name: &'static str, value: Value) {
        self.about.push((name, value));
    }

    /// Notes a check with its numbers.
    pub(super) fn check(&mut self, name: &str, seconds: f64, outcome: Result<Vec<(&'static str, f64)>>) {
        let mut entry = vec![
            ("check".to_owned(), Value::Text(name.to_owned())),
            ("passed".to_owned(), Value::Truth(outcome.is_ok())),
            ("seconds".to_owned(), Value::Number(seconds)),
        ];
        match outcome {
            Ok(numbers) => entry.extend(numbers.into_iter().map(|(name, x)| (name.to_owned(), Value::Number(x)))),
            Err(failure) => {
                self.failed += 1;
                entry.push(("why".to_owned(), Value::Text(failure.message().to_owned())));
            }
        }
        self.checks.push(entry);
    }

    /// Notes a check that was not made.
    pub(super) fn skip(&mut self, name: &str, why: &str) {
        let text = |text: &str| Value::Text(text.to_owned());
        self.checks.push(vec![("check".to_owned(), text(name)), ("not_run".to_owned(), text(why))]);
    }

    /// Whether nothing failed.
    pub(super) fn is_good(&self) -> bool {
        self.failed == 0
    }

    /// How it went, in a few words.
    pub(super) fn verdict(&self) -> String {
        if self.is_good() { "all passed".into() } else { format!("{} FAILED", self.failed) }
    }

    /// The file.
    pub(super) fn json(&self) -> String {
        let mut text = String::from("{\n");
        for (name, value) in &self.about {
            let _ = writeln!(text, "  {}: {},", quoted(name), value.json());
        }
        text.push_str("  \"checks\": [\n");
        for (i, check) in self.checks.iter().enumerate() {
            let fields: Vec<String> =
                check.iter().map(|(name, value)| format!("{}: {}", quoted(name), value.json())).collect();
            let comma = if i + 1 < self.checks.len() { "," } else { "" };
            let _ = writeln!(text, "    {{{}}}{comma}", fields.join(", "));
        }
        text + "  ]\n}\n"
    }
}

impl Value {
    fn json(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Number(x) if x.is_finite() => x.to_string(),
            Self::Number(_) => "null".into(),
            Self::Truth(truth) => truth.to_string(),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[test]
    fn the_file_is_json() {
        let mut report = Report::default();
        report.about("program", Value::Text("a \"b\" \\ \n\u{1}".into()));
        report.check("one", 1.5, Ok(vec![("apart", f64::INFINITY)]));
        report.check("two", 0.5, Err(Failure::other("it \"broke\"")));
        report.skip("three", "because");
        let expected = concat!(
            "{\n  \"program\": \"a \\\"b\\\" \\\\ \\n\\u0001\",\n  \"checks\": [\n",
            "    {\"check\": \"one\", \"passed\": true, \"seconds\": 1.5, \"apart\": null},\n",
            "    {\"check\": \"two\", \"passed\": false, \"seconds\": 0.5, \"why\": \"it \\\"broke\\\"\"},\n",
            "    {\"check\": \"three\", \"not_run\": \"because\"}\n  ]\n}\n"
        );
        assert_eq!(report.json(), expected);
        assert!(!report.is_good());
    }
}
