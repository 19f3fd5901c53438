//! What came of the checks, as one JSON file.

use crate::failure::Result;
use crate::json::Json;

/// All checks, in order.
#[derive(Default)]
pub(super) struct Report {
    about: Vec<(String, Json)>,
    checks: Vec<Json>,
    passed: usize,
    failed: usize,
    not_run: usize,
    /// Parts of test programs that did not run: some of them are for the emulator alone.
    parts_not_run: usize,
}

/// What a check has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) numbers: Vec<(&'static str, f64)>,
    /// What did not run, in the words of a test program.
    pub(super) not_run: Vec<String>,
}

impl From<Vec<(&'static str, f64)>> for Found {
    fn from(numbers: Vec<(&'static str, f64)>) -> Self {
        Self { numbers, not_run: vec![] }
    }
}

impl Report {
    /// Notes something about the program or the machine.
    pub(super) fn about(&mut self, name: &str, text: &str) {
        self.about.push((name.to_owned(), Json::text(text)));
    }

    /// Notes a check with what it found.
    pub(super) fn check(&mut self, name: &str, seconds: f64, outcome: Result<Found>) {
        let mut entry = vec![
            ("check".to_owned(), Json::text(name)),
            ("passed".to_owned(), Json::Truth(outcome.is_ok())),
            ("seconds".to_owned(), Json::Number(seconds)),
        ];
        match outcome {
            Ok(found) => {
                self.passed += 1;
                self.parts_not_run += found.not_run.len();
                entry.extend(found.numbers.into_iter().map(|(name, x)| (name.to_owned(), Json::Number(x))));
                if !found.not_run.is_empty() {
                    let parts = found.not_run.into_iter().map(Json::Text).collect();
                    entry.push(("parts_not_run".to_owned(), Json::List(parts)));
                }
            }
            Err(failure) => {
                self.failed += 1;
                entry.push(("why".to_owned(), Json::text(failure.message())));
            }
        }
        self.checks.push(Json::Object(entry));
    }

    /// Notes a check that was not made.
    pub(super) fn skip(&mut self, name: &str, why: &str) {
        self.not_run += 1;
        self.checks.push(Json::object([("check", Json::text(name)), ("not_run", Json::text(why))]));
    }

    /// Whether every check was made, and passed.
    pub(super) fn is_good(&self) -> bool {
        self.failed == 0 && self.not_run == 0
    }

    /// How it went, in a few words.
    pub(super) fn verdict(&self) -> String {
        let counts = [(self.failed, "FAILED"), (self.passed, "passed"), (self.not_run, "NOT RUN")];
        let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        match self.parts_not_run {
            0 => counts,
            parts => format!("{counts} (parts of test programs NOT RUN: {parts})"),
        }
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
        report.check("one", 1.5, Ok(vec![("apart", f64::INFINITY)].into()));
        report.check("two", 0.5, Err(Failure::other("it \"broke\"")));
        report.skip("three", "because");
        let expected = concat!(
            "{\n  \"program\": \"a \\\"b\\\" \\\\ \\n\\u0001\",\n  \"checks\": [\n",
            "    {\"check\": \"one\", \"passed\": true, \"seconds\": 1.5, \"apart\": null},\n",
            "    {\"check\": \"two\", \"passed\": false, \"seconds\": 0.5, \"why\": \"it \\\"broke\\\"\"},\n",
            "    {\"check\": \"three\", \"not_run\": \"because\"}\n  ]\n}\n"
        );
        assert_eq!(report.json(), expected);
    }

    #[test]
    fn all_is_well_where_every_check_was_made() {
        let mut report = Report::default();
        let passed = |report: &mut Report, not_run: &[&str]| {
            let not_run = not_run.iter().map(|&words| words.to_owned()).collect();
            report.check("one", 1., Ok(Found { not_run, ..Found::default() }));
        };
        passed(&mut report, &[]);
        assert_eq!((report.verdict(), report.is_good()), ("1 passed".to_owned(), true));
        // Parts that are for the emulator do not run on a GPU; they are told.
        passed(&mut report, &["what is copied, on a GPU"]);
        let words = "2 passed (parts of test programs NOT RUN: 1)".to_owned();
        assert_eq!((report.verdict(), report.is_good()), (words, true));
        assert!(report.json().contains("\"parts_not_run\": [\n"), "{}", report.json());
        let mut late = Report::default();
        late.skip("three", "the time is up");
        assert_eq!((late.verdict(), late.is_good()), ("1 NOT RUN".to_owned(), false));
        passed(&mut late, &[]);
        late.check("two", 0.5, Err(Failure::other("it broke")));
        assert_eq!((late.verdict(), late.is_good()), ("1 FAILED, 1 passed, 1 NOT RUN".to_owned(), false));
    }
}
