//! What came of the checks, as one JSON file.

use crate::failure::Result;
use crate::json::Json;

/// All checks, in order.
#[derive(Default)]
pub(super) struct Report {
    about: Vec<(String, Json)>,
    checks: Vec<Json>,
    failed: usize,
}

impl Report {
    /// Notes something about the program or the machine.
    pub(super) fn about(&mut self, name: &str, text: &str) {
        self.about.push((name.to_owned(), Json::text(text)));
    }

    /// Notes a check with its numbers.
    pub(super) fn check(&mut self, name: &str, seconds: f64, outcome: Result<Vec<(&'static str, f64)>>) {
        let mut entry = vec![
            ("check".to_owned(), Json::text(name)),
            ("passed".to_owned(), Json::Truth(outcome.is_ok())),
            ("seconds".to_owned(), Json::Number(seconds)),
        ];
        match outcome {
            Ok(numbers) => entry.extend(numbers.into_iter().map(|(name, x)| (name.to_owned(), Json::Number(x)))),
            Err(failure) => {
                self.failed += 1;
                entry.push(("why".to_owned(), Json::text(failure.message())));
            }
        }
        self.checks.push(Json::Object(entry));
    }

    /// Notes a check that was not made.
    pub(super) fn skip(&mut self, name: &str, why: &str) {
        self.checks.push(Json::object([("check", Json::text(name)), ("not_run", Json::text(why))]));
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
        let mut entries = self.about.clone();
        entries.push(("checks".to_owned(), Json::List(self.checks.clone())));
        format!("{}\n", Json::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[test]
    fn the_file_is_json() {
        let mut report = Report::default();
        report.about("program", "a \"b\" \\ \n\u{1}");
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
