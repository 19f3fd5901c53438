//! The columns of a table, measured of one run.

use super::evaluation::Evaluation;
use crate::failure::Result;
use crate::measured::{Measured, pick};
use crate::papers::{Row, Table};
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
    let mut found = vec![None; table.columns.len()];
    for (own, columns) in groups {
        let evaluation = Evaluation {
            program,
            run: run.into(),
            report: format!("table-{}{}", row.space, own.concat().replace('/', "-")),
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
