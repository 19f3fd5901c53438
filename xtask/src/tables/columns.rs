//! The columns of a table, measured of one run.

use super::evaluation::Evaluation;
use super::{classes, inversion};
use crate::failure::Result;
use crate::measured::{Measured, pick};
use crate::papers::{By, Column, Row, Table};
use crate::program::Program;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Whether separability can be measured.
pub(crate) fn has_classifier(options: &[OsString]) -> bool {
    options.iter().any(|option| option == "--classifier")
}

/// The numbers of a run for a row, column by column; columns that need the same options are measured together.
pub(crate) fn measure(
    program: &Program,
    table: &Table,
    row: &Row,
    run: &Path,
    options: &[OsString],
) -> Result<Vec<Option<Measured>>> {
    let mut groups: BTreeMap<&[&str], Vec<usize>> = BTreeMap::new();
    for (i, column) in table.columns.iter().enumerate() {
        let wanted = column.asks(row).is_some_and(|metric| metric != "ls" || has_classifier(options));
        if wanted {
            groups.entry(column.options).or_default().push(i);
        }
    }
    let other = match table.by {
        By::Eval => None,
        By::Classes => Some(classes::measured(program, run)?),
        By::Inversion(own) => Some(inversion::measured(program, run, row.space, own)?),
    };
    let mut found = vec![None; table.columns.len()];
    if let Some(numbers) = other {
        for (found, column) in found.iter_mut().zip(table.columns) {
            *found = column.metric(row).and_then(|metric| pick(&numbers, &metric).cloned());
        }
        return Ok(found);
    }
    if let Some(i) = table.columns.iter().position(Column::is_parameters) {
        let text = parameters(&program.said(["inspect".as_ref(), run.as_os_str()])?);
        let number = text.replace(char::is_whitespace, "").parse().ok();
        found[i] = number.map(|number| Measured::exact("parameters", number));
    }
    for (own, columns) in groups {
        let evaluation = Evaluation {
            program,
            run: run.into(),
            report: format!("table-{}{}", row.space, file_name(own)),
            metrics: columns.iter().filter_map(|i| table.columns[*i].asks(row)).collect(),
            options: own
                .iter()
                .map(OsString::from)
                .chain(["--no-floor".into()])
                .chain(options.iter().cloned())
                .collect(),
        };
        let numbers = evaluation.measured()?;
        for i in columns {
            found[i] = table.columns[i].metric(row).and_then(|metric| pick(&numbers, &metric).cloned());
        }
    }
    Ok(found)
}

/// What the evaluation says of the real pictures and of the like: by name, column by column.
pub(crate) fn references(
    program: &Program,
    table: &Table,
    run: &Path,
    options: &[OsString],
) -> Result<Vec<(String, Vec<Option<Measured>>)>> {
    let Some(row) = table.rows.first() else { return Ok(vec![]) };
    let own = table.columns.iter().map(|column| column.options).find(|own| !own.is_empty()).unwrap_or_default();
    let evaluation = Evaluation {
        program,
        run: run.into(),
        report: format!("table-references{}", file_name(own)),
        metrics: table.columns.iter().filter_map(|column| column.asks(row)).collect(),
        options: own.iter().map(OsString::from).chain(options.iter().cloned()).collect(),
    };
    let numbers = evaluation.measured()?;
    // Two halves of the real pictures are said under the metric's name; a floor is of the real pictures.
    let mut subjects: Vec<&str> = Vec::new();
    for subject in REFERENCES {
        subjects.extend(numbers.iter().any(|n| n.subject.as_deref() == Some(subject)).then_some(subject));
    }
    let of = |subject: &str| {
        let own: Vec<Measured> = numbers.iter().filter(|n| n.subject.as_deref() == Some(subject)).cloned().collect();
        table.columns.iter().map(|column| pick(&own, &column.metric(row)?).cloned()).collect()
    };
    Ok(subjects.into_iter().map(|subject| (subject.to_owned(), of(subject))).collect())
}

/// Whom a segmenter is asked about beside the painters: a ceiling and a floor.
pub(crate) const REFERENCES: [&str; 2] = ["real pictures", "mean colour of each class"];

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
