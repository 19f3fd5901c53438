//! The classifiers that say which attributes pictures have.

use super::asked::Asked;
use super::run::Run;
use crate::failure::Result;
use crate::json::Json;
use crate::measured::{Measured, pick};
use crate::papers::attributes::{self, Attribute};
use crate::papers::{Column, Row, Table};
use crate::program::{Program, field};
use crate::say::say;
use crate::tables::cell::Cell;
use crate::tables::columns::reported;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;

/// Thousands of pictures that a classifier sees.
const KIMG: &str = "50";

/// Trains those of these attributes that are missing, each on a set with its labels. One that was stopped goes on.
pub(super) fn provide(attributes: &[Attribute], asked: &Asked) -> Result<()> {
    asked.each(attributes, |attribute, asked| {
        let (set, classifier) = (attribute.set(), attribute.classifier());
        if Path::new(&classifier).exists() {
            return Ok(());
        }
        say(&classifier);
        if !Path::new(&set).exists() {
            asked.run(["data", "build", "avatars", "--size", "32", "--label", attribute.label, "--out", &set])?;
        }
        asked.run(["classifier", "--data", &set, "--kimg", KIMG, "--out", &classifier])
    })?;
    Ok(())
}

/// The attributes that a table's metrics ask our own classifiers about.
pub(super) fn of(table: &Table) -> Vec<Attribute> {
    if separates(table) {
        attributes::eight()
    } else if table.columns.iter().any(Column::needs_classifiers) {
        attributes::factors()
    } else {
        vec![]
    }
}

/// Whether a table has separability.
pub(super) fn separates(table: &Table) -> bool {
    table.columns.iter().any(|column| column.metric.is_some_and(|metric| metric.starts_with("ls_")))
}

/// What the classifiers are worth, and of a table with separability the part of each attribute: exponentials of entropies
/// whose product is the table's number.
pub(super) fn section(
    attributes: &[Attribute],
    table: &Table,
    rows: &[(&'static Row, Vec<Run>)],
    program: &Program,
) -> Result<(String, Json)> {
    let mut text = String::from(
        "### Who sees the attributes\n\n| attribute | a face that | classifier is right | most frequent label |",
    );
    // Writing to a String cannot fail.
    for (row, _) in rows {
        let _ = write!(text, " {} |", row.title);
    }
    let _ = write!(text, "\n|---|---|---|---|{}\n", "---|".repeat(rows.len()));
    let reports: Vec<Vec<Vec<Measured>>> =
        rows.iter().map(|(row, runs)| runs.iter().map(|run| reported(table, row, &run.folder())).collect()).collect();
    let mut data = Vec::new();
    for attribute in attributes {
        let inspected = program.said([OsString::from("inspect"), attribute.classifier().into()])?;
        let part = |name: &str| field(&inspected, name).and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
        let (accuracy, most_frequent) = (part("accuracy"), part("most_frequent"));
        let Attribute { name, says, .. } = attribute;
        let _ = write!(text, "| {name} | {says} | {:.1} % | {:.1} % |", 100. * accuracy, 100. * most_frequent);
        let mut entropies = Vec::new();
        for ((row, _), trainings) in rows.iter().zip(&reports) {
            let metric = format!("ls_{}_of_{}", row.space, attribute.reported());
            let cell = Cell::of(trainings.iter().filter_map(|numbers| pick(numbers, &metric).cloned()).collect());
            let _ = write!(text, " {} |", cell.as_ref().map(Cell::text).unwrap_or_default());
            entropies.push(Json::object([
                ("row", Json::text(row.title)),
                ("values", Json::List(cell.iter().flat_map(Cell::trainings).map(|n| Json::Number(n.value)).collect())),
            ]));
        }
        text.push('\n');
        data.push(Json::object([
            ("attribute", Json::text(*name)),
            ("label", Json::text(attribute.label)),
            ("accuracy", Json::Number(accuracy)),
            ("most_frequent", Json::Number(most_frequent)),
            ("rows", Json::List(entropies)),
        ]));
    }
    text.push_str("\nA classifier is right for so many of the pictures that it was not trained on.");
    if !rows.is_empty() {
        text.push_str(
            " A cell is exp(H) of the attribute alone, from 1 (a hyperplane tells all) to 2; the product of a column is \
             the row's separability.",
        );
    }
    text.push('\n');
    Ok((text, Json::List(data)))
}
