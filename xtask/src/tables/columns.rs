//! The columns of a table, measured of one run.

use super::evaluation::Evaluation;
use super::render::{REFERENCES, Reference};
use super::{classes, inversion, made};
use crate::failure::Result;
use crate::measured::{Measured, numbers, pick};
use crate::papers::{By, Column, PAINTER, Row, SEARCH, Table};
use crate::program::Program;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Whether there is somebody to ask what pictures show.
pub(crate) fn has_classifier(options: &[OsString]) -> bool {
    options.iter().any(|option| option == "--classifier")
}

/// What was measured of a run.
pub(crate) struct Answer {
    /// The numbers, column by column.
    pub(crate) numbers: Vec<Option<Measured>>,
    /// The files that they were read from.
    pub(crate) files: Vec<PathBuf>,
}

/// Measures a run for a row.
pub(crate) fn measure(program: &Program, table: &Table, row: &Row, run: &Path, options: &[OsString]) -> Result<Answer> {
    let (numbers, file) = match table.by {
        By::Eval | By::Pictures(_) => return evaluated(program, table, row, run, options),
        By::Classes => {
            let options: Vec<&str> = table.columns.iter().flat_map(|column| column.options).copied().collect();
            let (numbers, file) = classes::measured(program, run, &options)?;
            let of = |column: &Column| pick(&numbers, &column.metric(row)?).cloned();
            (table.columns.iter().map(of).collect(), file)
        }
        By::Inversion { encoders, searches } => {
            let own = if row.space == SEARCH { searches } else { encoders };
            let (numbers, file) = inversion::measured(program, run, row.space, own, options)?;
            let of = |column: &Column| inversion::of_column(&numbers, &column.metric(row)?).cloned();
            (table.columns.iter().map(of).collect(), file)
        }
    };
    Ok(Answer { numbers, files: vec![file] })
}

/// The same by `stylegan eval`, which measures together what needs the same options.
fn evaluated(program: &Program, table: &Table, row: &Row, run: &Path, options: &[OsString]) -> Result<Answer> {
    let mut groups: BTreeMap<&[&str], Vec<usize>> = BTreeMap::new();
    for (i, column) in table.columns.iter().enumerate() {
        let wanted = column.asks(row).is_some() && (has_classifier(options) || !column.needs_classifiers());
        if wanted {
            groups.entry(column.options).or_default().push(i);
        }
    }
    let (mut found, mut files) = (vec![None; table.columns.len()], vec![]);
    if let Some(i) = table.columns.iter().position(Column::is_parameters) {
        let text = parameters(&program.said(["inspect".as_ref(), run.as_os_str()])?);
        let number = text.replace(char::is_whitespace, "").parse().ok();
        found[i] = number.map(|number| Measured::exact("parameters", number));
    }
    for (own, columns) in groups {
        let mut metrics: Vec<String> = vec![];
        for metric in columns.iter().filter_map(|i| table.columns[*i].asks(row)) {
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
        }
        let own_options = own.iter().chain(&["--no-floor"]).map(OsString::from);
        let options: Vec<OsString> = own_options.chain(options.iter().cloned()).collect();
        let report = format!("{}{}", report(table, row), file_name(own));
        let evaluation = match table.by {
            By::Pictures(set) if row.space != PAINTER => {
                made::evaluation(program, row, run, set, report, metrics, &options)?
            }
            _ => Evaluation { program, run: run.into(), pictures: None, report, metrics, options },
        };
        let numbers = evaluation.measured()?;
        files.push(evaluation.file());
        for i in columns {
            found[i] = table.columns[i].metric(row).and_then(|metric| pick(&numbers, &metric).cloned());
        }
    }
    Ok(Answer { numbers: found, files })
}

/// The name of the report of columns without options of their own. Other tables ask the same run other questions.
fn report(table: &Table, row: &Row) -> String {
    format!("{}-{}", table.name, row.space)
}

/// All numbers of that report, as they were measured last.
pub(crate) fn reported(table: &Table, row: &Row, run: &Path) -> Vec<Measured> {
    numbers(&std::fs::read_to_string(run.join(format!("{}.md", report(table, row)))).unwrap_or_default())
}

/// What a segmenter sees in the real pictures and in one colour for each class: by name, column by column; with the files that
/// it was read from.
pub(crate) fn references(
    program: &Program,
    table: &Table,
    run: &Path,
    options: &[OsString],
) -> Result<(Vec<Reference>, Vec<PathBuf>)> {
    let Some(row) = table.rows.first() else { return Ok((vec![], vec![])) };
    let seen = |column: &&Column| column.metric.is_some_and(|metric| metric.starts_with("seen_"));
    let Some(first) = table.columns.iter().find(seen) else { return Ok((vec![], vec![])) };
    let evaluation = Evaluation {
        program,
        run: run.into(),
        pictures: None,
        report: format!("{}-references{}", table.name, file_name(first.options)),
        metrics: table.columns.iter().filter(seen).filter_map(|column| column.asks(row)).collect(),
        options: first.options.iter().map(OsString::from).chain(options.iter().cloned()).collect(),
    };
    let numbers = evaluation.measured()?;
    let of = |subject: &str| {
        let own: Vec<Measured> = numbers.iter().filter(|n| n.subject.as_deref() == Some(subject)).cloned().collect();
        let cell = |column: &Column| pick(&own, &column.metric(row)?).cloned();
        (subject.to_owned(), table.columns.iter().map(cell).collect())
    };
    let is_there = |subject: &&str| numbers.iter().any(|n| n.subject.as_deref() == Some(*subject));
    Ok((REFERENCES.into_iter().filter(is_there).map(of).collect(), vec![evaluation.file()]))
}

/// Options as a part of a file's name.
fn file_name(options: &[&str]) -> String {
    options.concat().replace('/', "-").replace(".safetensors", "")
}

/// The number of the generator's parameters, as `stylegan inspect` prints it.
pub(crate) fn parameters(inspected: &str) -> String {
    let of = |prefix: &str| {
        let line = inspected.lines().find(|line| line.split_whitespace().next() == Some(prefix))?;
        let (count, _) = line.trim_start()[prefix.len()..].split_once("parameters")?;
        Some(count.trim().to_owned())
    };
    of("G_ema").or_else(|| of("G")).unwrap_or_default()
}
