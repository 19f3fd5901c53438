//! The report that `eval` keeps: a JSON file of every number that was measured, and a table beside it.

use crate::destination;
use crate::exit::wrong;
use anyhow::Context;
use std::path::{Path, PathBuf};
use stylegan_core::Unfinished;
use stylegan_core::write_file;
use stylegan_metrics::report::{MetricResult, from_json, is_markdown, merged, to_json, to_markdown};

/// A report on disk. What it holds stays; a number that answers the same question as a new one is replaced.
pub(super) struct ReportFile {
    json: PathBuf,
}

impl ReportFile {
    /// The report at `json`, before anything is measured.
    ///
    /// # Errors
    /// A file there that is no report, which is not overwritten, or a folder that cannot be written.
    pub(super) fn open(json: &Path) -> anyhow::Result<Self> {
        let report = Self { json: json.into() };
        report.earlier()?;
        report.check_table()?;
        if let Some(parent) = json.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            destination::make(parent)?;
        }
        // A report that is there can be replaced only where files can be made.
        drop(Unfinished::file(json).with_context(|| format!("cannot write {}", json.display()))?);
        Ok(report)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.json
    }

    /// Adds results, and writes the table anew.
    pub(super) fn add(&self, results: Vec<MetricResult>) -> anyhow::Result<()> {
        // Read again: another evaluation may have added to it meanwhile.
        let all = merged(self.earlier()?, results);
        self.check_table()?;
        write_file(&self.json, to_json(&all)?.as_bytes())?;
        write_file(self.table(), to_markdown(&all).as_bytes())?;
        Ok(())
    }

    fn table(&self) -> PathBuf {
        self.json.with_extension("md")
    }

    /// What it holds so far.
    fn earlier(&self) -> anyhow::Result<Vec<MetricResult>> {
        let Some(text) = text_of(&self.json)? else { return Ok(vec![]) };
        match from_json(&text) {
            Ok(results) => Ok(results),
            Err(_) => wrong!(
                "{}: this file is no report of stylegan eval, and is left alone; move it away or name another with --out",
                self.json.display()
            ),
        }
    }

    /// Refuses to replace a text that is not a table of a report.
    fn check_table(&self) -> anyhow::Result<()> {
        let table = self.table();
        if text_of(&table)?.is_some_and(|text| !text.is_empty() && !is_markdown(&text)) {
            wrong!(
                "{}: the report's table goes here, but this file is none, and is left alone; move it away or name \
                 another report with --out",
                table.display()
            );
        }
        Ok(())
    }
}

/// The text of a file, if there is one.
fn text_of(path: &Path) -> anyhow::Result<Option<String>> {
    let Ok(found) = std::fs::metadata(path) else { return Ok(None) };
    if !found.is_file() {
        wrong!("{}: the report goes here, but this is no file; name another with --out", path.display());
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
